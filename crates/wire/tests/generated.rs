//! The checked-in code is what the proto file generates.

use std::path::Path;

const PROTO: &str = "tributary.wire.v1";

#[test]
fn generated_code_is_up_to_date() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = protox::compile([root.join("proto/wire.proto")], [root.join("proto")])?;
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    std::fs::create_dir_all(&out)?;
    tonic_prost_build::configure()
        .build_transport(false)
        .bytes(".")
        .client_mod_attribute(PROTO, "#[cfg(feature = \"client\")]")
        .server_mod_attribute(PROTO, "#[cfg(feature = \"server\")]")
        .out_dir(&out)
        .compile_fds(files)?;
    let generated = std::fs::read_to_string(out.join(format!("{PROTO}.rs")))?;
    let kept = root.join("src/gen").join(format!("{PROTO}.rs"));
    if std::env::var_os("TRIBUTARY_REGENERATE").is_some() {
        std::fs::write(&kept, &generated)?;
    }
    let same = std::fs::read_to_string(&kept).unwrap_or_default() == generated;
    assert!(same, "{} is stale: run this test with TRIBUTARY_REGENERATE=1", kept.display());
    Ok(())
}
