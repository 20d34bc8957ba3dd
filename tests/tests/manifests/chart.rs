//! The chart: what it refuses, and that it gives the same each time.

use crate::tools::{helm, rendered};
use anyhow::{Result, ensure};

#[test]
fn helm_finds_nothing_wrong() -> Result<()> {
    for values in ["plain", "agent", "everything"] {
        let said = helm(&["lint", "--strict"], &[values], &[])?;
        ensure!(!said.contains("[WARNING]") && !said.contains("[ERROR]"), "{said}");
    }
    Ok(())
}

/// Argo CD and Flux render again and again, without a cluster: nothing is made up on the way.
#[test]
fn two_renderings_are_equal() -> Result<()> {
    for values in ["plain", "everything"] {
        ensure!(rendered(&[values], &[])? == rendered(&[values], &[])?, "{values}");
    }
    Ok(())
}

/// A name that is not known, and what would fail later, in the cluster, and silently.
#[test]
fn mistakes_are_told_by_name() -> Result<()> {
    let table: [(&[&str], &[&str]); 17] = [
        (&["ingester.replica=5"], &["/ingester", "replica"]),
        (&["tls.enabeld=false"], &["/tls", "enabeld"]),
        (&["ingester.autoscaling.memory=80"], &["/ingester/autoscaling", "memory"]),
        (&["agents.enabled=true"], &["agents"]),
        (&["ingester.config.block-age=90s"], &["/ingester/config", "block-age"]),
        (&["ingester.config.store=/data"], &["/ingester/config/store"]),
        (&["ingester.config.store="], &["ingester.config.store is empty", "s3://"]),
        (
            &["ingester.variables.TRIBUTARY_STORE=s3://b"],
            &["/ingester/variables", "TRIBUTARY_STORE"],
        ),
        (&["ingester.image.digest=0.1.0"], &["/ingester/image/digest"]),
        (&["tls.certificate=/etc/tls.crt"], &["/tls/certificate"]),
        (&["identity.enabled=true"], &["identity.jwks is empty", "kubectl get --raw"]),
        (
            &["identity.enabled=true", "identity.jwks=x", "tls.enabled=false"],
            &["identity.enabled needs tls.enabled"],
        ),
        (&["injector.enabled=true"], &["injector.ca is empty"]),
        (&["injector.enabled=true", "injector.by=webhook"], &["injector.ca is empty"]),
        (&["injector.by=magic"], &["/injector/by", "webhook"]),
        (&["injector.webhook.context.profile.a=b"], &["/injector/webhook/context", "profile"]),
        (
            &[
                "injector.enabled=true",
                "injector.by=webhook",
                "injector.ca=-----BEGIN CERTIFICATE-----",
                "injector.webhook.certManager=true",
            ],
            &["needs tls.certManager.enabled"],
        ),
    ];
    for (set, expected) in table {
        let said = rendered(&["plain"], set).err().map(|error| error.to_string());
        let said = said.unwrap_or_else(|| "it is taken".to_owned());
        ensure!(expected.iter().all(|part| said.contains(part)), "{set:?}: {said}");
    }
    Ok(())
}

/// Settings are passed through by their names, a digest goes before a tag, settings that change make
/// new pods.
#[test]
fn values_arrive() -> Result<()> {
    let sets = [
        "ingester.config.segment_bytes=8388608",
        "ingester.config.zone=",
        "ingester.config.peer_tls_name=other.example",
        "ingester.config.block_age=null",
    ];
    let text = rendered(&["plain"], &sets)?;
    for line in [
        "TRIBUTARY_SEGMENT_BYTES: \"8388608\"\n",
        "TRIBUTARY_ZONE: \"\"\n",
        "TRIBUTARY_PEER_TLS_NAME: \"other.example\"\n",
    ] {
        ensure!(text.contains(line), "no {line}in {text}");
    }
    ensure!(!text.contains("TRIBUTARY_BLOCK_AGE"), "{text}");
    let checksum = |text: &str| {
        let line = text.lines().find(|line| line.contains("checksum/config"));
        line.unwrap_or_default().to_owned()
    };
    let usual = rendered(&["plain"], &[])?;
    ensure!(!checksum(&usual).is_empty() && checksum(&usual) != checksum(&text), "{text}");
    let everything = rendered(&["everything"], &[])?;
    ensure!(everything.contains("image: registry.example/tributary-ingester@sha256:"));
    Ok(())
}
