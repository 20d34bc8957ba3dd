//! An application: offers spans to one ingester or another until one of them takes them, and keeps
//! the ledger.

use crate::reader::Reader;
use prost::Message;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tributary_ingester::receive::direct::DirectSink;
use tributary_receivers::Sink;
use tributary_testkit::Random;
use tributary_testkit::otlp::{
    ExportTraceServiceRequest, InstrumentationScope, Resource, ResourceSpans, ScopeSpans, Span,
};

/// A span's identity.
pub(crate) type Id = ([u8; 16], [u8; 8]);

/// What was offered, and what of it was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) offered: BTreeSet<Id>,
    pub(crate) acked: BTreeSet<Id>,
}

/// Where ingesters take spans and are asked for them; a door is closed while its ingester is down.
pub(crate) type Doors = Arc<Mutex<Vec<Option<Arc<Door>>>>>;

/// One ingester's.
pub(crate) struct Door {
    pub(crate) takes: DirectSink,
    pub(crate) tells: Reader,
}

/// Traces that spans are spread over: applications share them.
pub(crate) const TRACES: u64 = 40;

/// Offers `requests` requests, whatever it takes.
pub(crate) async fn run(
    number: u8,
    seed: u64,
    requests: u64,
    doors: Doors,
    ledger: Arc<Mutex<Ledger>>,
) {
    let mut dice = Random::new(seed);
    for request in 0..requests {
        let ids: Vec<Id> = (0..=dice.draw(3))
            .map(|n| {
                let trace = 1 + dice.draw(TRACES);
                let mut span = [number; 8];
                span[1..5].copy_from_slice(&u32::try_from(request).unwrap().to_be_bytes());
                span[5] = u8::try_from(n).unwrap();
                (u128::from(trace).to_be_bytes(), span)
            })
            .collect();
        ledger.lock().unwrap().offered.extend(ids.iter().copied());
        let body = encode(&ids);
        loop {
            sleep(Duration::from_millis(20 + dice.draw(1500))).await;
            let Some(door) = a_door(&doors, &mut dice) else { continue };
            let tenant = ["one", "two"][usize::from(number % 2)];
            let offer = door.takes.offer(Some(tenant), body.clone().into());
            // A sender that gives up offers the same spans again, elsewhere.
            if let Ok(Ok(outcome)) = timeout(Duration::from_secs(10), offer).await {
                assert_eq!(outcome.accepted, ids.len() as u64);
                ledger.lock().unwrap().acked.extend(ids);
                break;
            }
        }
    }
}

/// One of the doors, if it is open.
pub(crate) fn a_door(doors: &Doors, dice: &mut Random) -> Option<Arc<Door>> {
    let doors = doors.lock().unwrap();
    let n = usize::try_from(dice.draw(doors.len() as u64)).unwrap();
    doors[n].clone()
}

pub(crate) fn tenant_of(id: &Id) -> &'static str {
    ["one", "two"][usize::from(id.1[0] % 2)]
}

pub(crate) fn encode(ids: &[Id]) -> Vec<u8> {
    let spans = ids.iter().map(|(trace, span)| Span {
        trace_id: trace.to_vec(),
        span_id: span.to_vec(),
        // Long enough to fill an ingester's memory, and no two alike.
        name: format!("{span:?} {}", "made-up ".repeat(128)),
        kind: 1,
        start_time_unix_nano: 1_795_344_000_000_000_000,
        end_time_unix_nano: 1_795_344_000_001_000_000,
        ..Span::default()
    });
    let scope_spans = vec![ScopeSpans {
        scope: Some(InstrumentationScope::default()),
        spans: spans.collect(),
        schema_url: String::new(),
    }];
    let batch = ResourceSpans {
        resource: Some(Resource::default()),
        scope_spans,
        schema_url: String::new(),
    };
    ExportTraceServiceRequest { resource_spans: vec![batch] }.encode_to_vec()
}
