//! TLS to the ingesters.

use super::*;
use fake::Answer as A;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};

/// An authority and a certificate that it signed for `name`, with its key; all as PEM.
struct Certificates {
    authority: String,
    certificate: String,
    key: String,
}

fn certificates(name: &str) -> Result<Certificates> {
    let mut own = CertificateParams::new(Vec::<String>::new())?;
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(own, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &authority)?;
    Ok(Certificates {
        authority: authority.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// A file of this test alone, in the folder that cargo has for such.
fn file(name: &str, text: &str) -> Result<PathBuf> {
    let path =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, text)?;
    Ok(path)
}

#[tokio::test]
async fn certificates_are_checked_against_the_authority_and_the_name() -> Result<()> {
    let ours = certificates("ingester.test")?;
    let fake = Fake::start_secure(&ours.certificate, &ours.key)?;
    let right = file("right.pem", &ours.authority)?;
    let wrong = file("wrong.pem", &certificates("ingester.test")?.authority)?;
    let (right, wrong) = (right.display().to_string(), wrong.display().to_string());

    for (ca, name) in [(&wrong, "ingester.test"), (&right, "other.test")] {
        let args = ["--upstream-tls-ca", ca, "--upstream-tls-name", name, "--grace", "10ms"];
        let sidecar = Sidecar::start(&[&fake], &args).await?;
        sidecar.take(&plain(1)).await?;
        sidecar.metric_becomes("connect_failures_total", |n| n > 0.0).await?;
        assert_eq!(fake.streams(), 0, "{name}");
        sidecar.stop().await?;
    }
    let args = ["--upstream-tls-ca", &right, "--upstream-tls-name", "ingester.test"];
    let sidecar = Sidecar::start(&[&fake], &args).await?;
    let sent = sidecar.take(&full(1)).await?;
    acked(&[&fake], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn an_ingester_without_tls_is_not_talked_to() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let authority = file("plain.pem", &certificates("x")?.authority)?.display().to_string();
    let args = ["--upstream-tls-ca", &authority, "--grace", "10ms"];
    let sidecar = Sidecar::start(&[&fake], &args).await?;
    sidecar.take(&plain(1)).await?;
    sidecar.metric_becomes("connect_failures_total", |n| n > 0.0).await?;
    assert_eq!((fake.streams(), sidecar.stop().await?.lost_shutdown), (0, 1));
    Ok(())
}
