//! Metrics from spans, as Grafana Tempo's metrics-generator makes them: pure functions over plain data.
//!
//! In flow the columns of frames, each frame once ([`Store::count`]), and the time ([`Now`]); out flow
//! the page for Prometheus ([`Page`]) and the edges between services ([`Store::calls`]). Nothing here knows
//! of tasks, sockets or the journal.
//!
//! | metric | labels | what |
//! |---|---|---|
//! | `traces_spanmetrics_calls_total` | dimensions | spans |
//! | `traces_spanmetrics_latency` | dimensions | histogram of their durations, seconds, with exemplars |
//! | `traces_spanmetrics_size_total` | dimensions | bytes of the spans as OTLP's protobuf |
//! | `traces_target_info` | `job`, `instance`, resource attributes | 1, where it is asked for |
//! | `traces_service_graph_request_total` | `client`, `server`, `connection_type` | calls between services |
//! | `traces_service_graph_request_failed_total` | the same | those of which one side has an error |
//! | `traces_service_graph_request_server_seconds`, `…_client_seconds` | the same | histograms of both sides |
//!
//! Histograms have fixed buckets, and Prometheus' native ones where a scraper wants protobuf ([`Format`]).
//!
//! Invariants
//! 1. Whatever is in spans, memory is bounded: series by number a tenant and by bytes in all
//!    ([`Settings`]), halves of edges that wait by bytes and by time. What does not fit is counted:
//!    in the one series labelled `otel_metric_overflow="true"`, or in [`Stats`].
//! 2. Counters of a series rise until the series is dropped as stale; it begins at 0 again then, which
//!    Prometheus takes for a restart.
//! 3. An empty label is no label, and a label's value has 2048 bytes at most.
//! 4. An edge is counted once: when both of its sides have met, when the client's side names a
//!    database, or when it has waited long enough and what is known of it tells who the other side is.
//!
//! ```
//! use tributary_span::columns::Builder;
//! use tributary_span::otlp::decode::{Limits, append_all};
//! use tributary_span_metrics::{Format, Now, Page, Settings, Store};
//!
//! let mut store = Store::new(Settings::default());
//! let mut spans = Builder::new();
//! append_all(&mut spans, &[], &Limits::default())?;
//! store.count(&"single-tenant".into(), spans.columns(), Now { ms: 0, unix_ms: 0 });
//!
//! let mut page = Page::new(Format::OpenMetrics, vec!["single-tenant".to_owned()]);
//! let mut text = Vec::new();
//! while page.next(&store, &mut text) {}
//! assert!(text.ends_with(b"# EOF\n"));
//! # Ok::<(), tributary_span::protobuf::Malformed>(())
//! ```

mod attributes;
mod dimensions;
mod edge;
mod histogram;
mod labels;
mod native;
mod page;
mod room;
mod series;
mod settings;
mod size;
mod spans;
mod stats;
mod store;
mod tenant;
mod totals;
mod waiting;

pub use dimensions::Dimensions;
pub use edge::ConnectionType;
pub use page::{Format, Page};
pub use settings::Settings;
pub use stats::Stats;
pub use store::{Call, Store};

/// The time, handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since some moment, never falling.
    pub ms: u64,
    /// Milliseconds since 1970, for people and exemplars.
    pub unix_ms: u64,
}
