//! Code that is generated from `.proto` files is checked in; this test generates it again and
//! compares. `TRIBUTARY_REGENERATE=1 cargo test -p tributary-tests --test generated` rewrites it.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use tonic_prost_build::Builder;

/// One crate's generated code.
struct Generated {
    /// Folder of the crate, relative to the workspace.
    krate: &'static str,
    /// Files to start from, relative to `<crate>/proto`; what they import comes with them.
    protos: &'static [&'static str],
    /// How code is made of them.
    builder: fn() -> Builder,
}

const ALL: &[Generated] = &[
    Generated {
        krate: "crates/testkit",
        protos: &["opentelemetry/proto/collector/trace/v1/trace_service.proto"],
        builder: || tonic_prost_build::configure().build_server(false),
    },
    Generated { krate: "crates/wire", protos: &["wire.proto"], builder: wire },
];

/// Each program takes its half of the service, over a transport that it chooses itself.
fn wire() -> Builder {
    const PROTO: &str = "tributary.wire.v1";
    tonic_prost_build::configure()
        .build_transport(false)
        .bytes(".")
        .client_mod_attribute(PROTO, "#[cfg(feature = \"client\")]")
        .server_mod_attribute(PROTO, "#[cfg(feature = \"server\")]")
}

#[test]
fn checked_in_code_is_what_the_proto_files_say() -> Result<()> {
    let root = tributary_testkit::workspace_root();
    let rewrite = std::env::var_os("TRIBUTARY_REGENERATE").is_some();
    let mut stale = Vec::new();
    for one in ALL {
        let krate = root.join(one.krate);
        let fresh = tempfile::tempdir()?;
        generate(one, &krate, fresh.path()).with_context(|| one.krate.to_owned())?;
        let gen_dir = krate.join("src/gen");
        let names = rust_files(fresh.path())?;
        if rewrite {
            fs::create_dir_all(&gen_dir)?;
            for old in rust_files(&gen_dir)?.iter().filter(|old| !names.contains(old)) {
                fs::remove_file(gen_dir.join(old))?;
            }
        } else if names != rust_files(&gen_dir)? {
            stale.push(format!("{}: the set of files differs from {names:?}", gen_dir.display()));
        }
        for name in names {
            let (new, kept) = (fs::read(fresh.path().join(&name))?, gen_dir.join(&name));
            if rewrite {
                fs::write(&kept, new)?;
            } else if fs::read(&kept).ok().as_ref() != Some(&new) {
                stale.push(kept.display().to_string());
            }
        }
    }
    if !stale.is_empty() {
        bail!("stale, run again with TRIBUTARY_REGENERATE=1:\n{}", stale.join("\n"));
    }
    Ok(())
}

fn generate(one: &Generated, krate: &Path, out: &Path) -> Result<()> {
    let proto = krate.join("proto");
    let set = protox::compile(one.protos, [&proto])?;
    (one.builder)().out_dir(out).compile_fds(set)?;
    Ok(())
}

fn rust_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let name = PathBuf::from(entry?.file_name());
        if name.extension().is_some_and(|e| e == "rs") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
