//! `tributary verify` where callers show who they are: it sees what it may, and what it may not see is no
//! loss.

use super::*;
use tributary_testkit::Process;
use tributary_tests::{LONG, program};

const POLICY: &str = "
rules:
  - {namespace: pay, tenants: ['{namespace}']}
  - {namespace: shop, tenants: ['{namespace}']}
peers: [{namespace: tracing}]
";

#[tokio::test]
async fn it_reads_with_its_token_and_tells_what_another_ones_may_not() -> Result<()> {
    let files = Files::new(POLICY)?;
    let place = Place::folder()?;
    let ingester = files.start(&place, "token", &[]).await?;
    let sidecar = files.sidecar(&ingester.wire.to_string(), "pay", &[]).await?;
    for namespace in ["pay", "shop"] {
        let token = files.key.token(namespace, "verifier", 3600)?;
        files.write(&format!("{namespace}-verifier.token"), &format!("{token}\n"))?;
    }
    files.write("strange.token", &Key::new("1")?.token("pay", "verifier", 3600)?)?;
    let verify = async |token: &str| {
        let flags = [
            "verify".to_owned(),
            "--once".to_owned(),
            "--patience=30s".to_owned(),
            "--tenant=pay".to_owned(),
            format!("--otlp=http://{}", sidecar.http),
            format!("--url=https://localhost:{}", ingester.http.port()),
            format!("--tls-ca={}", files.path("ca.crt")),
            format!("--token-file={}", files.path(token)),
        ];
        let mut process = Process::spawn(program::tool()?, &flags, &[])?;
        let status = process.wait(LONG).await?;
        anyhow::Ok((status.code(), process.output().join("\n")))
    };
    let (code, said) = verify("pay-verifier.token").await?;
    ensure!(code == Some(0) && said.contains("4 traces acknowledged; 12 looks fine"), "{said}");
    for (token, answer) in [
        ("shop-verifier.token", "403 Forbidden: main/shop/verifier"),
        ("strange.token", "401 Unauthorized: "),
    ] {
        let (code, said) = verify(token).await?;
        ensure!(code == Some(2), "{token}: {code:?}: {said}");
        ensure!(said.contains("denied: trace ") && said.contains(answer), "{token}: {said}");
        ensure!(said.contains("4 traces acknowledged; 12 looks denied"), "{token}: {said}");
        ensure!(!said.contains("missing") && !said.contains("eyJ"), "{token}: {said}");
    }
    sidecar.stop().await?;
    ingester.stop().await
}
