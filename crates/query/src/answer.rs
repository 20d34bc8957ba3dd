//! What questions are answered with, before it is JSON or protobuf.

use tributary_span::{SpanId, TraceId};

/// A typed value in an answer: of a label or an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Label {
    /// No value. As a label of a series it is the text `nil`.
    Nil,
    /// A text. Durations, statuses and kinds are texts, too.
    Str(String),
    /// An integer.
    Int(i64),
    /// A double.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// An array.
    List(Vec<Label>),
}

/// The answer to a search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchAnswer {
    /// The traces, newest start first.
    pub traces: Vec<TraceHit>,
    /// What it cost.
    pub cost: Cost,
}

/// A trace in the answer to a search.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceHit {
    /// Its id.
    pub id: TraceId,
    /// Service of its root; none when the root is not there.
    pub root_service: Option<String>,
    /// Name of its root; empty when the root is not there.
    pub root_name: String,
    /// Start of its first span, ns since 1970.
    pub start: u64,
    /// From its first start to its last end, ns.
    pub duration: u64,
    /// The sets of spans that match; none for the older search by tags.
    pub sets: Vec<SetHit>,
    /// Spans by service, of the whole trace.
    pub services: Vec<ServiceStats>,
}

/// Spans of one service in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStats {
    /// The service's name.
    pub service: String,
    /// How many spans.
    pub spans: u32,
    /// How many of them failed.
    pub errors: u32,
}

/// A set of matching spans.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SetHit {
    /// How many match.
    pub matched: u32,
    /// What `by()` and aggregates say of the set.
    pub attributes: Vec<(String, Label)>,
    /// Some of the spans, as many as were asked for.
    pub spans: Vec<SpanHit>,
}

/// A matching span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanHit {
    /// Its id.
    pub id: SpanId,
    /// Its name, when the query touches names.
    pub name: Option<String>,
    /// Its start, ns since 1970.
    pub start: u64,
    /// Its duration, ns.
    pub duration: u64,
    /// What the query touches, by bare key.
    pub attributes: Vec<(String, Label)>,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Traces that were looked at.
    pub traces: u64,
    /// Spans that were looked at.
    pub spans: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Blocks that may hold spans of the time asked for.
    pub blocks: u64,
    /// Their bytes.
    pub block_bytes: u64,
    /// Jobs that were done.
    pub jobs_done: u64,
    /// Jobs that there are.
    pub jobs: u64,
    /// Reads of the store.
    pub reads: u64,
}

impl Cost {
    /// Adds what another part cost.
    pub fn add(&mut self, other: &Cost) {
        self.traces += other.traces;
        self.spans += other.spans;
        self.bytes += other.bytes;
        self.blocks += other.blocks;
        self.block_bytes += other.block_bytes;
        self.jobs_done += other.jobs_done;
        self.jobs += other.jobs;
        self.reads += other.reads;
    }
}

/// The answer to a metrics query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsAnswer {
    /// The series, sorted by number of labels, then labels.
    pub series: Vec<Series>,
    /// What it cost.
    pub cost: Cost,
    /// What is missing, if the answer is not whole.
    pub partial: Option<String>,
}

/// Numbers over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What tells it from others, by name.
    pub labels: Vec<(String, Label)>,
    /// Its samples, by rising time. For an instant query there is one.
    pub samples: Vec<Sample>,
    /// Examples.
    pub exemplars: Vec<Exemplar>,
}

/// A number at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The number.
    pub value: f64,
}

/// A span that stands for those in a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// The span's trace as `trace:id`, and the labels of its series.
    pub labels: Vec<(String, Label)>,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The sample's value, or the span's own.
    pub value: f64,
}

/// Names of attributes, by scope: `resource`, `span`, `event`, `link`, `instrumentation`,
/// `intrinsic`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagsAnswer {
    /// Scopes that have any, each with its names in order.
    pub scopes: Vec<(&'static str, Vec<String>)>,
    /// What it cost.
    pub cost: Cost,
}

/// Values of one attribute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ValuesAnswer {
    /// Type (`string`, `int`, `float`, `bool`, `duration`, `keyword`) and text, in order.
    pub values: Vec<(&'static str, String)>,
    /// What it cost.
    pub cost: Cost,
}
