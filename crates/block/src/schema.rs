//! The schema of `data.parquet` as one table.
//!
//! One row of the file is one trace. Tempo reads whole rows by position, so the leaves' order,
//! count, repetition and levels must be exactly its own; [`LEAVES`] and [`ATTRIBUTE`] are that
//! order for vParquet4, and a test compares what is made of them with a block that Tempo wrote.
//!
//! In the table's paths `[]` marks a list: `rs[].ss[].Spans[].Name`. vParquet4 writes such a list
//! as a `LIST` group (`rs.list.element`), vParquet5 as a bare repeated group (`rs`). Without the
//! marks a path is the same in both, which is how the reader finds its columns.

mod message;

pub(crate) use message::message_type;

/// Name that stands in files as that of their writer.
pub(crate) const WRITER: &str = "tributary";

/// Physical and logical type of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeafType {
    /// `BYTE_ARRAY` without a logical type.
    Bytes,
    /// `BYTE_ARRAY`, `STRING`.
    Text,
    /// `BOOLEAN`.
    Bool,
    /// `DOUBLE`.
    Double,
    /// `INT32`, `INT(32, signed)`.
    I32,
    /// `INT32`, `INT(32, unsigned)`.
    U32,
    /// `INT64`, `INT(64, signed)`.
    I64,
    /// `INT64`, `INT(64, unsigned)`.
    U64,
}

impl LeafType {
    /// Whether it is an integer of 32 bits.
    pub(crate) fn is_narrow(self) -> bool {
        matches!(self, LeafType::I32 | LeafType::U32)
    }
}

/// What has attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Resource,
    Scope,
    Span,
    Event,
    Link,
}

/// What a leaf holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    TraceId,
    TraceIdText,
    TraceStart,
    TraceEnd,
    TraceDuration,
    RootService,
    RootName,
    StatsService,
    StatsSpans,
    StatsErrors,
    ResourceDropped,
    ServiceName,
    /// One of [`RESOURCE_FIXED`].
    ResourceFixed(usize),
    ResourceSlot(usize),
    ScopeName,
    ScopeVersion,
    ScopeDropped,
    SpanId,
    ParentSpanId,
    ParentId,
    NestedLeft,
    NestedRight,
    SpanName,
    SpanKind,
    TraceState,
    SpanStart,
    SpanDuration,
    StatusCode,
    StatusMessage,
    SpanDropped,
    EventTime,
    EventName,
    EventDropped,
    DroppedEvents,
    LinkTrace,
    LinkSpan,
    LinkTraceState,
    LinkDropped,
    DroppedLinks,
    HttpMethod,
    HttpUrl,
    HttpStatus,
    SpanSlot(usize),
    /// A leaf of an attribute list.
    Attr(Owner, AttrField),
}

/// What a leaf of an attribute list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AttrField {
    Key,
    IsArray,
    Text,
    Int,
    Double,
    Bool,
    /// Everything else, as protobuf JSON.
    Unsupported,
}

/// The leaves of an attribute list: name, type, whether it is optional.
pub(crate) const ATTRIBUTE: [(&str, LeafType, bool, AttrField); 7] = [
    ("Key", LeafType::Text, false, AttrField::Key),
    ("IsArray", LeafType::Bool, false, AttrField::IsArray),
    ("Value[]", LeafType::Text, false, AttrField::Text),
    ("ValueInt[]", LeafType::I64, false, AttrField::Int),
    ("ValueDouble[]", LeafType::Double, false, AttrField::Double),
    ("ValueBool[]", LeafType::Bool, false, AttrField::Bool),
    ("ValueUnsupported", LeafType::Text, true, AttrField::Unsupported),
];

/// String attributes of resources with a fixed column in vParquet4: the column, the key.
pub(crate) const RESOURCE_FIXED: [(&str, &str); 8] = [
    ("Cluster", "cluster"),
    ("Namespace", "namespace"),
    ("Pod", "pod"),
    ("Container", "container"),
    ("K8sClusterName", "k8s.cluster.name"),
    ("K8sNamespaceName", "k8s.namespace.name"),
    ("K8sPodName", "k8s.pod.name"),
    ("K8sContainerName", "k8s.container.name"),
];

/// Key of the attribute that [`Field::ServiceName`] holds.
pub(crate) const SERVICE_NAME: &str = "service.name";
/// Key of the attribute that [`Field::HttpMethod`] holds if it is a string.
pub(crate) const HTTP_METHOD: &str = "http.method";
/// Key of the attribute that [`Field::HttpUrl`] holds if it is a string.
pub(crate) const HTTP_URL: &str = "http.url";
/// Key of the attribute that [`Field::HttpStatus`] holds if it is an integer.
pub(crate) const HTTP_STATUS: &str = "http.status_code";

/// Slots of strings that each scope has beside its fixed columns.
pub(crate) const SLOTS: usize = 10;

enum Row {
    /// A required leaf.
    One(&'static str, LeafType, Field),
    /// An optional leaf.
    Maybe(&'static str, LeafType, Field),
    /// [`RESOURCE_FIXED`] below this path.
    Fixed(&'static str),
    /// Ten slots below this path.
    Slots(&'static str, fn(usize) -> Field),
    /// An attribute list at this path.
    Attrs(&'static str, Owner),
}

/// vParquet4's leaves in their order.
const LEAVES: [Row; 48] = [
    Row::One("TraceID", LeafType::Bytes, Field::TraceId),
    Row::One("TraceIDText", LeafType::Text, Field::TraceIdText),
    Row::One("StartTimeUnixNano", LeafType::U64, Field::TraceStart),
    Row::One("EndTimeUnixNano", LeafType::U64, Field::TraceEnd),
    Row::One("DurationNano", LeafType::U64, Field::TraceDuration),
    Row::One("RootServiceName", LeafType::Text, Field::RootService),
    Row::One("RootSpanName", LeafType::Text, Field::RootName),
    Row::One("ServiceStats{}key", LeafType::Text, Field::StatsService),
    Row::One("ServiceStats{}value.SpanCount", LeafType::U32, Field::StatsSpans),
    Row::One("ServiceStats{}value.ErrorCount", LeafType::U32, Field::StatsErrors),
    Row::Attrs("rs[].Resource.Attrs[]", Owner::Resource),
    Row::One("rs[].Resource.DroppedAttributesCount", LeafType::I32, Field::ResourceDropped),
    Row::One("rs[].Resource.ServiceName", LeafType::Text, Field::ServiceName),
    Row::Fixed("rs[].Resource"),
    Row::Slots("rs[].Resource.DedicatedAttributes", Field::ResourceSlot),
    Row::One("rs[].ss[].Scope.Name", LeafType::Text, Field::ScopeName),
    Row::One("rs[].ss[].Scope.Version", LeafType::Text, Field::ScopeVersion),
    Row::Attrs("rs[].ss[].Scope.Attrs[]", Owner::Scope),
    Row::One("rs[].ss[].Scope.DroppedAttributesCount", LeafType::I32, Field::ScopeDropped),
    Row::One("rs[].ss[].Spans[].SpanID", LeafType::Bytes, Field::SpanId),
    Row::One("rs[].ss[].Spans[].ParentSpanID", LeafType::Bytes, Field::ParentSpanId),
    Row::One("rs[].ss[].Spans[].ParentID", LeafType::I32, Field::ParentId),
    Row::One("rs[].ss[].Spans[].NestedSetLeft", LeafType::I32, Field::NestedLeft),
    Row::One("rs[].ss[].Spans[].NestedSetRight", LeafType::I32, Field::NestedRight),
    Row::One("rs[].ss[].Spans[].Name", LeafType::Text, Field::SpanName),
    Row::One("rs[].ss[].Spans[].Kind", LeafType::I64, Field::SpanKind),
    Row::One("rs[].ss[].Spans[].TraceState", LeafType::Text, Field::TraceState),
    Row::One("rs[].ss[].Spans[].StartTimeUnixNano", LeafType::U64, Field::SpanStart),
    Row::One("rs[].ss[].Spans[].DurationNano", LeafType::U64, Field::SpanDuration),
    Row::One("rs[].ss[].Spans[].StatusCode", LeafType::I64, Field::StatusCode),
    Row::One("rs[].ss[].Spans[].StatusMessage", LeafType::Text, Field::StatusMessage),
    Row::Attrs("rs[].ss[].Spans[].Attrs[]", Owner::Span),
    Row::One("rs[].ss[].Spans[].DroppedAttributesCount", LeafType::I32, Field::SpanDropped),
    Row::One("rs[].ss[].Spans[].Events[].TimeSinceStartNano", LeafType::U64, Field::EventTime),
    Row::One("rs[].ss[].Spans[].Events[].Name", LeafType::Text, Field::EventName),
    Row::Attrs("rs[].ss[].Spans[].Events[].Attrs[]", Owner::Event),
    Row::One(
        "rs[].ss[].Spans[].Events[].DroppedAttributesCount",
        LeafType::I32,
        Field::EventDropped,
    ),
    Row::One("rs[].ss[].Spans[].DroppedEventsCount", LeafType::I32, Field::DroppedEvents),
    Row::One("rs[].ss[].Spans[].Links[].TraceID", LeafType::Bytes, Field::LinkTrace),
    Row::One("rs[].ss[].Spans[].Links[].SpanID", LeafType::Bytes, Field::LinkSpan),
    Row::One("rs[].ss[].Spans[].Links[].TraceState", LeafType::Text, Field::LinkTraceState),
    Row::Attrs("rs[].ss[].Spans[].Links[].Attrs[]", Owner::Link),
    Row::One("rs[].ss[].Spans[].Links[].DroppedAttributesCount", LeafType::I32, Field::LinkDropped),
    Row::One("rs[].ss[].Spans[].DroppedLinksCount", LeafType::I32, Field::DroppedLinks),
    Row::Maybe("rs[].ss[].Spans[].HttpMethod", LeafType::Text, Field::HttpMethod),
    Row::Maybe("rs[].ss[].Spans[].HttpUrl", LeafType::Text, Field::HttpUrl),
    Row::Maybe("rs[].ss[].Spans[].HttpStatusCode", LeafType::I64, Field::HttpStatus),
    Row::Slots("rs[].ss[].Spans[].DedicatedAttributes", Field::SpanSlot),
];

/// A leaf of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Path with marks, see the module's page.
    pub(crate) path: String,
    pub(crate) leaf_type: LeafType,
    pub(crate) optional: bool,
    pub(crate) field: Field,
    /// Highest definition level.
    pub(crate) max_def: u8,
    /// Highest repetition level.
    pub(crate) max_rep: u8,
}

impl Leaf {
    /// Path of the innermost list that it stands in; empty for none.
    pub(crate) fn list(&self) -> &str {
        let end = self.path.rfind(['[', '{']).unwrap_or(0);
        self.path.get(..end).unwrap_or_default()
    }

    /// Path without marks, as readers name columns.
    pub(crate) fn plain_path(&self) -> String {
        self.path.replace("[]", "").replace("{}", ".")
    }
}

/// vParquet4's leaves in their order.
pub(crate) fn leaves() -> Vec<Leaf> {
    let mut leaves = Vec::with_capacity(103);
    let mut push = |path: String, leaf_type, optional, field| {
        let lists = path.matches(['[', '{']).count();
        let max_rep = u8::try_from(lists).unwrap_or(u8::MAX);
        let max_def = max_rep + u8::from(optional);
        leaves.push(Leaf { path, leaf_type, optional, field, max_def, max_rep });
    };
    for row in &LEAVES {
        match *row {
            Row::One(path, leaf_type, field) => push(path.to_owned(), leaf_type, false, field),
            Row::Maybe(path, leaf_type, field) => push(path.to_owned(), leaf_type, true, field),
            Row::Fixed(path) => {
                for (i, (name, _)) in RESOURCE_FIXED.iter().enumerate() {
                    push(format!("{path}.{name}"), LeafType::Text, true, Field::ResourceFixed(i));
                }
            }
            Row::Slots(path, field) => {
                for i in 0..SLOTS {
                    push(format!("{path}.String{:02}", i + 1), LeafType::Text, true, field(i));
                }
            }
            Row::Attrs(path, owner) => {
                for (name, leaf_type, optional, field) in ATTRIBUTE {
                    push(format!("{path}.{name}"), leaf_type, optional, Field::Attr(owner, field));
                }
            }
        }
    }
    leaves
}

/// The plain path of a column of a file: its parts without the list groups of vParquet4.
pub(crate) fn plain_parts(parts: &[String]) -> String {
    let mut path = String::new();
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        if part == "list" && parts.peek().is_some_and(|next| *next == "element") {
            parts.next();
        } else if part != "key_value" {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
    }
    path
}

#[cfg(test)]
mod tests;
