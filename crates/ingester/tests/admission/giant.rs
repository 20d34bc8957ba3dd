//! One trace of everything, as when a program uses one trace id for all it does.

use crate::gate::{Bucket, Gate};
use crate::server::{Lane, Server};
use std::collections::BTreeSet;
use tributary_query::api::TimeRange;
use tributary_query::combine;
use tributary_span::columns::{Attr, Builder, SpanFields, Text, ValueType};
use tributary_span::{Columns, SpanId, TraceId};

const TENANT: &str = "single-tenant";
const GIANT: TraceId = TraceId([9; 16]);
/// Spans of the giant trace, in frames of so many.
const SPANS: u64 = 300_000;
const FRAME: u64 = 2_000;
/// Frames of a stream of small traces beside it.
const SMALL: u64 = 20;

/// Spans `from..to` of a trace: a chain, the deepest tree there is.
pub(crate) fn chain(trace: TraceId, from: u64, to: u64) -> Columns {
    let mut b = Builder::new();
    let (key, value) = (b.text(b"service.name"), b.text(b"everything"));
    b.resource_attr(Attr { key, value_type: ValueType::Str, value: u64::from(value.0) });
    let resource = b.end_resource(0, Text::EMPTY, Text::EMPTY);
    let scope = b.end_scope(Text::EMPTY, Text::EMPTY, 0, Text::EMPTY);
    for n in from..to {
        let id = |n: u64| SpanId(n.to_be_bytes());
        let name = b.text(format!("step {}", n % 7).as_bytes());
        let key = b.text(b"n");
        b.span_attr(Attr { key, value_type: ValueType::Int, value: n });
        let start = 1_795_344_000_000_000_000 + n * 1000;
        b.end_span(SpanFields {
            trace,
            resource,
            scope,
            name,
            id: id(n),
            parent: if n > 1 { id(n - 1) } else { SpanId::default() },
            kind: 1,
            start,
            end: start + 500,
            ..SpanFields::default()
        });
    }
    b.take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_giant_trace_is_kept_whole_and_holds_up_no_other() {
    // Less memory than the trace needs.
    let flags = ["--segment-age", "20ms", "--memory", "64MiB"];
    let mut server = Server::start(Bucket::new(Gate::Open), &flags).await;
    let giant = async {
        let mut stream = server.open(1, TENANT).await;
        let mut lane = Lane::default();
        let mut from = 1;
        while from <= SPANS {
            lane.push(&chain(GIANT, from, from + FRAME));
            from += FRAME;
        }
        let (frames, last) = (lane.all(), SPANS / FRAME);
        // The second half waits for the first, as credit would have it.
        let (first, second) = frames.split_at(frames.len() / 2);
        stream.send(first.to_vec()).await;
        stream.acked(last / 2).await;
        stream.send(second.to_vec()).await;
        stream.acked(last).await;
    };
    let small = |n: u64| TraceId(u128::from(n).to_be_bytes());
    let others = async {
        let mut stream = server.open(2, TENANT).await;
        let mut lane = Lane::default();
        for n in 1..=SMALL {
            lane.push(&chain(small(n), 1, 4));
            let next = lane.all().pop();
            stream.send(next.into_iter().collect()).await;
            stream.acked(n).await;
        }
    };
    tokio::join!(giant, others);
    server.engine.finish_segments().await.unwrap();
    server.engine.finish_blocks().await.unwrap();
    let metrics = &server.engine.metrics;
    assert_eq!(metrics.spans_stored.get(), SPANS + 3 * SMALL);
    assert!(metrics.blocks.get() > 1, "it was larger than a generation");

    let blocks = server.engine.blocks.clone();
    let found = blocks.find(TENANT, &GIANT, TimeRange::ALL, None).await;
    assert!(found.failed.is_empty(), "{:?}", found.failed);
    let whole = combine(GIANT, &found.parts).trace;
    let ids: BTreeSet<SpanId> = whole.spans.id.iter().copied().collect();
    assert_eq!((whole.len() as u64, ids.len() as u64), (SPANS, SPANS));
    for n in 1..=SMALL {
        let found = blocks.find(TENANT, &small(n), TimeRange::ALL, None).await;
        assert_eq!(found.parts.iter().map(Columns::len).sum::<usize>(), 3);
    }
}
