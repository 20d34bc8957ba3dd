//! What real clients of Jaeger and Zipkin sent comes back as they meant it, field by field.
//!
//! [`meant`] says for each client what its span object becomes on the way; everything in it that is
//! not the mapping of `crates/receivers` is a quirk that the recordings' own page lists.

mod meant;

use anyhow::{Context, Result, ensure};
use meant::{Meant, What};
use std::collections::BTreeMap;
use tributary_testkit::NormalSpan;
use tributary_testkit::http::Connection;
use tributary_tests::ingester::{self, HOLD};
use tributary_tests::legacy::{self, Legacy};
use tributary_tests::{Api, Ingester, Place, Sidecar};

#[tokio::test]
async fn every_recorded_client_is_understood() -> Result<()> {
    let all = legacy::all()?;
    ensure!(all.len() == 21, "found {} recordings", all.len());
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, HOLD).await?;
    let mut sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let mut sent = 0;
    for recording in &all {
        for (record, body) in &recording.records {
            let to = sidecar.at(record.listener()).await?;
            legacy::send(to, record, body).await.with_context(|| recording.name.clone())?;
            sent += record.spans;
            // One at a time: a datagram that finds the kernel's buffer full is lost.
            sidecar
                .until("tributary_sidecar_spans_accepted_total", |n| n >= sent as f64)
                .await
                .with_context(|| format!("{}: {record:?}", recording.name))?;
        }
    }
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == sent as f64).await?;
    let mut query = Connection::open(ingester.http).await?;
    let mut faults = Vec::new();
    for recording in &all {
        faults.extend(check(recording, &mut query).await?);
    }
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), summary(&faults));
    println!("{sent} spans of {} recordings came back as they were meant", all.len());
    sidecar.stop().await
}

/// A few of each kind of fault.
fn summary(faults: &[(String, String)]) -> String {
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (at, fault) in faults {
        let recording = at.split(' ').next().unwrap_or_default();
        let field = fault.split(':').next().unwrap_or_default();
        kinds.entry(format!("{recording} {field}")).or_default().push(fault);
    }
    let shown = kinds.iter().map(|(kind, all)| {
        let some = all.iter().take(2).map(|f| format!("\n    {f:.700}")).collect::<String>();
        format!("{kind}: {} times{some}\n", all.len())
    });
    shown.collect()
}

/// Everything that differs, and where.
async fn check(recording: &Legacy, query: &mut Connection) -> Result<Vec<(String, String)>> {
    let what = What::of(&recording.name)?;
    let mut meant: BTreeMap<String, Vec<Meant>> = BTreeMap::new();
    for line in &recording.expected {
        let span = what.meant(line).with_context(|| format!("{}: {line}", recording.name))?;
        meant.entry(span.trace.clone()).or_default().push(span);
    }
    let mut faults = Vec::new();
    for (trace, mut meant) in meant {
        meant::part_shared_ids(&mut meant)?;
        let mut got = ingester::trace(query, Api::V2Protobuf, &trace).await?;
        ensure!(got.len() == meant.len(), "{}: {trace} has {} spans", recording.name, got.len());
        let order = |span: &NormalSpan| (span.span_id.to_string(), span.kind, span.start);
        got.sort_by_key(order);
        meant.sort_by_key(|m| (m.span.clone(), m.kind, m.start_us * 1000));
        for (meant, got) in meant.iter().zip(&got) {
            for fault in meant.differences(got) {
                faults.push((format!("{} {trace}/{}", recording.name, meant.span), fault));
            }
        }
    }
    Ok(faults)
}
