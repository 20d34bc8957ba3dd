//! Libraries of today and of yesterday, installed from where everybody gets them, sending with their
//! defaults: what they sent is what comes back, and a value that cannot be kept costs no span.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use tributary_testkit::http::Connection;
use tributary_testkit::normal::Value;
use tributary_testkit::{NormalSpan, node_packages, told_or_made, workspace_root};
use tributary_tests::ingester::{self, HOLD};
use tributary_tests::{Api, Ingester, Place, Sidecar};

/// A span as its sender noted it.
#[derive(Debug, Deserialize)]
struct Noted {
    id: String,
    name: String,
    parent: String,
    tag: String,
}

/// A sender: what runs it, and the variables by which it is told where to.
struct Sender {
    name: &'static str,
    command: Command,
}

#[tokio::test]
async fn what_they_sent_is_what_comes_back() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, HOLD).await?;
    let mut sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let mut query = Connection::open(ingester.http).await?;
    let mut sent = 0;
    for Sender { name, mut command } in senders(&mut sidecar).await? {
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name}: {}: {errors}", output.status);
        let noted: BTreeMap<String, Vec<Noted>> =
            serde_json::from_slice(&output.stdout).with_context(|| format!("{name}: {errors}"))?;
        sent += noted.values().map(Vec::len).sum::<usize>();
        let all = sidecar.until("tributary_sidecar_spans_accepted_total", |n| n >= sent as f64);
        all.await.with_context(|| format!("{name}: {errors}"))?;
        sidecar.until("tributary_sidecar_spans_acked_total", |n| n == sent as f64).await?;
        for (trace, noted) in &noted {
            let got = ingester::trace(&mut query, Api::V2Protobuf, trace).await?;
            compare(noted, &got).with_context(|| format!("{name}: {trace}: {got:?}"))?;
        }
    }
    ensure!(sent == 7 * 5, "{sent} spans");
    sidecar.stop().await
}

fn compare(noted: &[Noted], got: &[NormalSpan]) -> Result<()> {
    ensure!(got.len() == noted.len(), "{} spans of {}", got.len(), noted.len());
    for noted in noted {
        let mut found = got.iter().filter(|span| span.span_id.to_string() == noted.id);
        let span = found.next().with_context(|| format!("{noted:?} is missing"))?;
        ensure!(found.next().is_none(), "{noted:?} came twice");
        ensure!(span.name == noted.name && span.parent_id.to_string() == noted.parent, "{noted:?}");
        ensure!(span.resource_text("service.name") == Some("live"), "{noted:?}");
        let tag = span.attributes.iter().find(|(key, _)| key == "tag");
        let tag = tag.map(|(_, value)| value.clone());
        ensure!(tag == Some(Value::Str(noted.tag.clone())), "{noted:?}: {tag:?}");
        let is_root = noted.parent.is_empty();
        // The root has values that cannot be kept as they are: what could not be was mended.
        let has_odd = span.attributes.iter().any(|(key, _)| key.starts_with("odd."));
        ensure!(has_odd == is_root, "{noted:?}: {:?}", span.attributes);
        ensure!(span.end >= span.start && span.start > 0, "{noted:?}");
        ensure!(span.events.len() == usize::from(!is_root), "{noted:?}");
        ensure!(span.events.iter().all(|event| event.name == "reached"), "{noted:?}");
    }
    Ok(())
}

async fn senders(sidecar: &mut Sidecar) -> Result<Vec<Sender>> {
    let (grpc, http) = (sidecar.grpc, sidecar.http);
    let jaeger = sidecar.at("jaeger-compact").await?.port();
    let sampling = sidecar.at("jaeger-sampling").await?.port();
    let zipkin = sidecar.at("zipkin").await?;
    let endpoint = |at| ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{at}"));
    let mut all = Vec::new();
    for (name, env) in [
        ("otlp-grpc", vec![endpoint(grpc)]),
        ("otlp-http", vec![endpoint(http)]),
        (
            "jaeger",
            vec![("REPORTING_PORT", jaeger.to_string()), ("SAMPLING_PORT", sampling.to_string())],
        ),
        ("py_zipkin", vec![("ZIPKIN_ENDPOINT", format!("http://{zipkin}"))]),
    ] {
        let mut command = Command::new(senders_python()?);
        command.arg(workspace_root().join("tests/python/live_senders.py")).arg(name).envs(env);
        all.push(Sender { name, command });
    }
    for (name, env) in
        [("grpc", endpoint(grpc)), ("proto", endpoint(http)), ("http", endpoint(http))]
    {
        let mut command = Command::new("node");
        command.arg(workspace_root().join("tests/node/live_senders.js")).arg(name);
        command.envs([env]).env("NODE_PACKAGES", node_packages()?);
        all.push(Sender { name, command });
    }
    Ok(all)
}

/// Python with the senders' packages: `TRIBUTARY_SENDERS_PYTHON`, or what `cargo xtask senders` made.
fn senders_python() -> Result<PathBuf> {
    let made = told_or_made("TRIBUTARY_SENDERS_PYTHON", "target/senders/venv/bin/python");
    ensure!(made.is_file(), "no Python at {}: run `cargo xtask senders`", made.display());
    Ok(made)
}
