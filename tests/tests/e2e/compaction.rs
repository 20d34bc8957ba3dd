//! Small blocks become one: nothing is lost by it, what came twice stands once, and readers that are
//! not ours find the same.

use anyhow::{Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tributary_journal::CompactionWindow;
use tributary_testkit::{recordings, wait_for};
use tributary_tests::replay::replay;
use tributary_tests::{Ingester, LONG, Place, Sent, books, reader};
use uuid::Uuid;

const FLAGS: &[&str] =
    &["--block-age", "1s", "--compact", "500ms", "--keep-compacted", "2s", "--collect", "5s"];

#[tokio::test(flavor = "multi_thread")]
async fn what_came_twice_over_two_ingesters_stands_once() -> Result<()> {
    let place = Place::folder()?;
    let some: Arc<Vec<_>> = Arc::new(recordings()?.into_iter().step_by(12).collect());
    let sent = Sent::of(&some)?;
    let ingesters = [Ingester::start(&place, FLAGS).await?, Ingester::start(&place, FLAGS).await?];
    // Twice, as from senders who were not answered in time; blocks are written meanwhile.
    for ingester in &ingesters {
        for sidecar in replay(&some, &ingester.wire.to_string(), &[]).await? {
            sidecar.stop().await?;
        }
        ingester.until("tributary_ingester_blocks_total", |n| n > 0.0).await?;
    }
    // One a window is left, that is one, or two if the hour ended meanwhile; the others are deleted.
    let windows = wait_for("that one block a window is left", LONG, async || {
        let left = blocks(&place).map_err(|e| e.to_string())?;
        let windows: BTreeSet<_> =
            left.iter().filter_map(|(tenant, id)| CompactionWindow::of(tenant, id)).collect();
        let live = ingesters[0].metrics().await.map_err(|e| e.to_string())?;
        let live = live.sum("tributary_ingester_spans_live", &[]);
        match live == Some(0.0) && !left.is_empty() && left.len() == windows.len() {
            true => Ok(windows.len()),
            false => Err(format!("{live:?} spans in memory, {left:?}")),
        }
    })
    .await?;
    let [first, second] = &ingesters;
    let sent = sent.every(5);
    sent.check(&[first, second]).await?;
    for ingester in ingesters {
        ingester.stop().await?;
    }
    books::verify(&place)?;
    let counted = reader::count("pyarrow", &place.parquet_files()?)?;
    for (trace, spans) in &sent.0 {
        let distinct: BTreeMap<_, _> =
            spans.iter().map(|span| ((span.span_id.clone(), span.kind), ())).collect();
        let found = counted.get(trace).and_then(|counts| counts.get(0)?.as_u64());
        let once = found == Some(distinct.len() as u64);
        ensure!(
            once || (windows > 1 && found > Some(distinct.len() as u64)),
            "{trace}: {found:?} spans, {} were sent",
            distinct.len()
        );
    }
    Ok(())
}

/// Tenant and id of each folder that a block has.
fn blocks(place: &Place) -> Result<Vec<(String, Uuid)>> {
    let mut found = Vec::new();
    for file in place.parquet_files()? {
        let mut names = file.ancestors().skip(1).filter_map(|p| p.file_name()?.to_str());
        if let (Some(id), Some(tenant)) = (names.next(), names.next()) {
            found.push((tenant.to_owned(), id.parse()?));
        }
    }
    Ok(found)
}
