//! TLS to the ingesters.

use super::*;
use fake::{Answer as A, members};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use tributary_wire::v1::{Drain, reply::Kind};

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

const ANY: &str = "127.0.0.1:0";

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
    let fake = Fake::start_secure(ANY, &ours.certificate, &ours.key, None)?;
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
    // In a file, or as it is: where sidecars are injected, no file of theirs is in the pod.
    for ca in [&right, &ours.authority] {
        let ca = format!("--upstream-tls-ca={ca}");
        let args = [ca.as_str(), "--upstream-tls-name", "ingester.test"];
        let sidecar = Sidecar::start(&[&fake], &args).await?;
        let sent = sidecar.take(&full(1)).await?;
        acked(&[&fake], &sent).await?;
        assert_eq!(sidecar.stop().await?.lost(), 0);
    }
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

#[tokio::test]
async fn an_ingester_that_asks_is_shown_the_own_certificate() -> Result<()> {
    let ours = certificates("ingester.test")?;
    let clients = certificates("pod.test")?;
    let fake = Fake::start_secure(ANY, &ours.certificate, &ours.key, Some(&clients.authority))?;
    let ca = file("asks-ca.pem", &ours.authority)?.display().to_string();
    let cert = file("asks-cert.pem", &clients.certificate)?.display().to_string();
    let key = file("asks-key.pem", &clients.key)?.display().to_string();
    // The dot at the end is for the resolver, and in no certificate.
    let tls = ["--upstream-tls-ca", &ca, "--upstream-tls-name", "ingester.test."];
    let without = Sidecar::start(&[&fake], &[&tls[..], &["--grace", "10ms"]].concat()).await?;
    without.take(&plain(1)).await?;
    without.metric_becomes("connect_failures_total", |n| n > 0.0).await?;
    assert_eq!((fake.streams(), without.stop().await?.lost_shutdown), (0, 1));

    let own = ["--upstream-tls-cert", &cert, "--upstream-tls-key", &key];
    let sidecar = Sidecar::start(&[&fake], &[&tls[..], &own].concat()).await?;
    let sent = sidecar.take(&full(1)).await?;
    acked(&[&fake], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn an_address_of_ipv6_is_checked_as_it_is() -> Result<()> {
    let ours = certificates("::1")?;
    // A host without IPv6 has nothing to connect to.
    let Ok(fake) = Fake::start_secure("[::1]:0", &ours.certificate, &ours.key, None) else {
        return Ok(());
    };
    let ca = file("v6-ca.pem", &ours.authority)?.display().to_string();
    // By one name for all of them, and by the address of each.
    for other in ["", ",https://[::1]:1"] {
        let upstream = format!("https://{}{other}", fake.address);
        let sidecar = Sidecar::start_with(&upstream, &["--upstream-tls-ca", &ca]).await?;
        sidecar.take(&plain(1)).await?;
        assert_eq!(sidecar.stop().await?.lost(), 0, "{upstream}");
    }
    Ok(())
}

#[tokio::test]
async fn the_token_is_read_for_each_stream_and_shown_inside_tls() -> Result<()> {
    let ours = certificates("ingester.test")?;
    let fake = Fake::start_secure(ANY, &ours.certificate, &ours.key, None)?;
    let ca = file("token-ca.pem", &ours.authority)?.display().to_string();
    let token = file("token", "first\n")?;
    let path = token.display().to_string();
    let tls = ["--upstream-tls-ca", &ca, "--upstream-tls-name", "ingester.test"];
    let args = [&tls[..], &["--upstream-token-file", &path]].concat();
    let sidecar = Sidecar::start(&[&fake], &args).await?;
    let mut sent = sidecar.take(&plain(1)).await?;
    acked(&[&fake], &sent).await?;
    assert_eq!(fake.shown(), ["Bearer first"]);

    // The ingester stays, and wants the stream anew: at rest it is opened for the next span, with one
    // in flight at once.
    let anew = || {
        let members = Some(members(&[fake.address.to_string()]));
        Kind::Drain(Drain { deadline_ms: 20_000, members })
    };
    std::fs::write(&token, "second")?;
    fake.tell(anew());
    sidecar.metric_becomes("streams", |n| n == 0.0).await?;
    sent.extend(sidecar.take(&plain(2)).await?);
    acked(&[&fake], &sent).await?;
    assert_eq!(fake.shown(), ["Bearer first", "Bearer second"]);
    std::fs::write(&token, "third")?;
    fake.answer(A::Silence);
    sent.extend(sidecar.take(&plain(3)).await?);
    wait_for("the span", SOON, async || match fake.spans() {
        3 => Ok(()),
        n => Err(n.to_string()),
    })
    .await?;
    fake.tell(anew());
    wait_for("the stream", SOON, async || match fake.shown().last() {
        Some(last) if last == "Bearer third" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await?;
    fake.answer(A::Ack);
    acked(&[&fake], &sent).await?;
    assert_eq!(sidecar.metric("frames_resent_total").await?, 0.0);
    assert_eq!(sidecar.metric("streams_lost_total").await?, 0.0);

    // Without a token nothing is asked for, and nothing is lost.
    std::fs::write(&token, " ")?;
    fake.tell(anew());
    sidecar.metric_becomes("streams", |n| n == 0.0).await?;
    sent.extend(sidecar.take(&plain(4)).await?);
    sidecar.metric_becomes("streams_refused_total", |n| n > 0.0).await?;
    std::fs::write(&token, "fourth")?;
    acked(&[&fake], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn one_that_is_not_let_in_keeps_its_spans_and_goes_nowhere_else() -> Result<()> {
    let (first, second) = (Fake::start(A::Refuse)?, Fake::start(A::Refuse)?);
    let sidecar = Sidecar::start(&[&first, &second], &[]).await?;
    let sent = sidecar.take(&plain(1)).await?;
    sidecar.metric_becomes("streams_refused_total", |n| n >= 3.0).await?;
    let metrics = sidecar.metrics().await?;
    let labels = [("reason", "unauthenticated")];
    let refused = metrics.sum("tributary_sidecar_streams_refused_total", &labels);
    assert!(refused >= Some(3.0), "{refused:?}");
    assert_eq!(sidecar.metric("connect_failures_total").await?, 0.0);
    first.answer(A::Ack);
    second.answer(A::Ack);
    acked(&[&first, &second], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}
