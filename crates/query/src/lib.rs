//! Questions over traces, and Tempo's HTTP API for them.
//!
//! A question arrives as an HTTP request ([`api::read`]), is put to every place that may hold
//! spans (live memory of the ingesters, the blocks that [`blocks`] names), the parts become one
//! trace ([`combine()`]) and the trace becomes an answer ([`api::TraceCall::shown`]). Everything
//! here is a function over plain data: sockets, tasks and the asking itself belong to the program
//! that uses this crate.
//!
//! # Example
//!
//! ```
//! use std::error::Error;
//! use tributary_query::api::{self, Call, Found, Settings};
//! use tributary_query::combine;
//! use tributary_span::columns::{Builder, SpanFields};
//! use tributary_span::{Columns, SpanId, TraceId};
//!
//! /// What one place holds of a trace: a span for each of these numbers.
//! fn part(trace: TraceId, spans: &[u8]) -> Columns {
//!     let mut builder = Builder::new();
//!     let resource = builder.end_resource(0, Default::default(), Default::default());
//!     let scope = builder.end_scope(Default::default(), Default::default(), 0, Default::default());
//!     for n in spans {
//!         let id = SpanId([*n; 8]);
//!         builder.end_span(SpanFields { trace, resource, scope, id, ..Default::default() });
//!     }
//!     builder.take()
//! }
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let (request, ()) = http::Request::get("/api/traces/2a").body(())?.into_parts();
//!     let call = api::read(&request, &Settings::default()).map_err(|refused| format!("{refused:?}"))?;
//!     let Call::Trace(call) = call else { return Err("another route".into()) };
//!
//!     // Memory and a block answer; the second span lies in both and counts once.
//!     let parts = vec![part(call.id, &[1, 2]), part(call.id, &[2, 3])];
//!     let combined = combine(call.id, &parts);
//!     assert_eq!((combined.trace.len(), combined.duplicates), (3, 1));
//!
//!     let found = Found { parts, ..Found::default() };
//!     let answer = call.shown(found).map_err(|refused| format!("{refused:?}"))?.whole();
//!     assert_eq!((answer.status.as_u16(), answer.content_type), (200, api::JSON));
//!     Ok(())
//! }
//! ```

mod answer;
pub mod api;
pub mod blocks;
pub mod chunk;
mod combine;
mod eval;
mod join;
mod json;
pub mod metrics;
pub mod part;
mod scan;
pub mod search;
mod shared_ids;
pub mod split;
mod sum;
pub mod tags;
mod trace_filter;
mod trace_json;

pub use answer::{
    Cost, Exemplar, Label, MetricsAnswer, Sample, SearchAnswer, Series, ServiceStats, SetHit,
    SpanHit, TagsAnswer, TraceHit, ValuesAnswer,
};
pub use combine::{Combined, combine};
pub use eval::EvalError;
pub use join::{Joined, join};
pub use scan::{Gate, How, Reads, ScanError, Stop, estimate};
pub use trace_filter::TraceFilter;
