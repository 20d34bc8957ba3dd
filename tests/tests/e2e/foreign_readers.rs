//! The blocks are standard Parquet: other engines read the same spans out of them.

use anyhow::{Result, ensure};
use std::sync::Arc;
use tributary_testkit::{recordings, traces};
use tributary_tests::ingester::HOLD;
use tributary_tests::replay::replay;
use tributary_tests::{Ingester, Place, reader};

#[tokio::test(flavor = "multi_thread")]
async fn pyarrow_and_duckdb_count_the_same_spans() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, HOLD).await?;
    for sidecar in replay(&Arc::new(recordings()?), &ingester.wire.to_string(), &[]).await? {
        sidecar.stop().await?;
    }
    ingester.stop().await?;
    let files = place.parquet_files()?;
    ensure!(!files.is_empty(), "no block in {:?}", place.path());
    for reader in ["pyarrow", "duckdb"] {
        let counted = reader::count(reader, &files)?;
        for trace in traces()? {
            let expected = serde_json::json!([trace.spans, trace.errors, trace.distinct_span_ids]);
            let got = counted.get(&trace.trace_id);
            ensure!(
                got == Some(&expected),
                "{reader}, {}: {got:?}, not {expected}",
                trace.trace_id
            );
        }
        let traces = counted.as_object().map_or(0, serde_json::Map::len);
        ensure!(traces == tributary_testkit::data::totals()?.traces, "{reader}: {traces} traces");
    }
    Ok(())
}
