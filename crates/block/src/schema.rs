//! The schema of `data.parquet` as one table.
//!
//! One row of the file is one trace. Tempo reads whole rows by position, so the leaves' order,
//! count, repetition and levels must be exactly its own; [`LEAVES`] and [`ATTRIBUTE`] are that
//! order for vParquet4, and a test compares what is made of them with a block that Tempo wrote.
//!
//! In the table's paths `[]` marks a list: `rs[].ss[].Spans[].Name`. vParquet4 writes such a list
//! as a `LIST` group (`rs.list.element`), vParquet5 as a bare repeated group (`rs`). Without the
//! marks a path is the same in both, which is how the reader finds its columns.

use crate::dedicated::{SLOTS, Scope};
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::schema::types::{Type, TypePtr};
use std::sync::Arc;

/// Physical and logical type of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
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
pub(crate) const ATTRIBUTE: [(&str, Kind, bool, AttrField); 7] = [
    ("Key", Kind::Text, false, AttrField::Key),
    ("IsArray", Kind::Bool, false, AttrField::IsArray),
    ("Value[]", Kind::Text, false, AttrField::Text),
    ("ValueInt[]", Kind::I64, false, AttrField::Int),
    ("ValueDouble[]", Kind::Double, false, AttrField::Double),
    ("ValueBool[]", Kind::Bool, false, AttrField::Bool),
    ("ValueUnsupported", Kind::Text, true, AttrField::Unsupported),
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

/// Whether vParquet4 has a fixed column for the attribute.
pub(crate) fn has_fixed_column(scope: Scope, key: &str) -> bool {
    match scope {
        Scope::Resource => key == SERVICE_NAME || RESOURCE_FIXED.iter().any(|(_, k)| *k == key),
        Scope::Span => [HTTP_METHOD, HTTP_URL, HTTP_STATUS].contains(&key),
        Scope::Event => false,
    }
}

enum Row {
    /// A required leaf.
    One(&'static str, Kind, Field),
    /// An optional leaf.
    Maybe(&'static str, Kind, Field),
    /// [`RESOURCE_FIXED`] below this path.
    Fixed(&'static str),
    /// Ten slots below this path.
    Slots(&'static str, fn(usize) -> Field),
    /// An attribute list at this path.
    Attrs(&'static str, Owner),
}

/// vParquet4's leaves in their order.
const LEAVES: [Row; 48] = [
    Row::One("TraceID", Kind::Bytes, Field::TraceId),
    Row::One("TraceIDText", Kind::Text, Field::TraceIdText),
    Row::One("StartTimeUnixNano", Kind::U64, Field::TraceStart),
    Row::One("EndTimeUnixNano", Kind::U64, Field::TraceEnd),
    Row::One("DurationNano", Kind::U64, Field::TraceDuration),
    Row::One("RootServiceName", Kind::Text, Field::RootService),
    Row::One("RootSpanName", Kind::Text, Field::RootName),
    Row::One("ServiceStats{}key", Kind::Text, Field::StatsService),
    Row::One("ServiceStats{}value.SpanCount", Kind::U32, Field::StatsSpans),
    Row::One("ServiceStats{}value.ErrorCount", Kind::U32, Field::StatsErrors),
    Row::Attrs("rs[].Resource.Attrs[]", Owner::Resource),
    Row::One("rs[].Resource.DroppedAttributesCount", Kind::I32, Field::ResourceDropped),
    Row::One("rs[].Resource.ServiceName", Kind::Text, Field::ServiceName),
    Row::Fixed("rs[].Resource"),
    Row::Slots("rs[].Resource.DedicatedAttributes", Field::ResourceSlot),
    Row::One("rs[].ss[].Scope.Name", Kind::Text, Field::ScopeName),
    Row::One("rs[].ss[].Scope.Version", Kind::Text, Field::ScopeVersion),
    Row::Attrs("rs[].ss[].Scope.Attrs[]", Owner::Scope),
    Row::One("rs[].ss[].Scope.DroppedAttributesCount", Kind::I32, Field::ScopeDropped),
    Row::One("rs[].ss[].Spans[].SpanID", Kind::Bytes, Field::SpanId),
    Row::One("rs[].ss[].Spans[].ParentSpanID", Kind::Bytes, Field::ParentSpanId),
    Row::One("rs[].ss[].Spans[].ParentID", Kind::I32, Field::ParentId),
    Row::One("rs[].ss[].Spans[].NestedSetLeft", Kind::I32, Field::NestedLeft),
    Row::One("rs[].ss[].Spans[].NestedSetRight", Kind::I32, Field::NestedRight),
    Row::One("rs[].ss[].Spans[].Name", Kind::Text, Field::SpanName),
    Row::One("rs[].ss[].Spans[].Kind", Kind::I64, Field::SpanKind),
    Row::One("rs[].ss[].Spans[].TraceState", Kind::Text, Field::TraceState),
    Row::One("rs[].ss[].Spans[].StartTimeUnixNano", Kind::U64, Field::SpanStart),
    Row::One("rs[].ss[].Spans[].DurationNano", Kind::U64, Field::SpanDuration),
    Row::One("rs[].ss[].Spans[].StatusCode", Kind::I64, Field::StatusCode),
    Row::One("rs[].ss[].Spans[].StatusMessage", Kind::Text, Field::StatusMessage),
    Row::Attrs("rs[].ss[].Spans[].Attrs[]", Owner::Span),
    Row::One("rs[].ss[].Spans[].DroppedAttributesCount", Kind::I32, Field::SpanDropped),
    Row::One("rs[].ss[].Spans[].Events[].TimeSinceStartNano", Kind::U64, Field::EventTime),
    Row::One("rs[].ss[].Spans[].Events[].Name", Kind::Text, Field::EventName),
    Row::Attrs("rs[].ss[].Spans[].Events[].Attrs[]", Owner::Event),
    Row::One("rs[].ss[].Spans[].Events[].DroppedAttributesCount", Kind::I32, Field::EventDropped),
    Row::One("rs[].ss[].Spans[].DroppedEventsCount", Kind::I32, Field::DroppedEvents),
    Row::One("rs[].ss[].Spans[].Links[].TraceID", Kind::Bytes, Field::LinkTrace),
    Row::One("rs[].ss[].Spans[].Links[].SpanID", Kind::Bytes, Field::LinkSpan),
    Row::One("rs[].ss[].Spans[].Links[].TraceState", Kind::Text, Field::LinkTraceState),
    Row::Attrs("rs[].ss[].Spans[].Links[].Attrs[]", Owner::Link),
    Row::One("rs[].ss[].Spans[].Links[].DroppedAttributesCount", Kind::I32, Field::LinkDropped),
    Row::One("rs[].ss[].Spans[].DroppedLinksCount", Kind::I32, Field::DroppedLinks),
    Row::Maybe("rs[].ss[].Spans[].HttpMethod", Kind::Text, Field::HttpMethod),
    Row::Maybe("rs[].ss[].Spans[].HttpUrl", Kind::Text, Field::HttpUrl),
    Row::Maybe("rs[].ss[].Spans[].HttpStatusCode", Kind::I64, Field::HttpStatus),
    Row::Slots("rs[].ss[].Spans[].DedicatedAttributes", Field::SpanSlot),
];

/// A leaf of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Path with marks, see the module's page.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    pub(crate) field: Field,
    /// Highest definition level.
    pub(crate) max_def: u8,
    /// Highest repetition level.
    pub(crate) max_rep: u8,
}

/// vParquet4's leaves in their order.
pub(crate) fn leaves() -> Vec<Leaf> {
    let mut leaves = Vec::with_capacity(103);
    let mut push = |path: String, kind, optional, field| {
        let lists = path.matches(['[', '{']).count();
        let max_rep = u8::try_from(lists).unwrap_or(u8::MAX);
        let max_def = max_rep + u8::from(optional);
        leaves.push(Leaf { path, kind, optional, field, max_def, max_rep });
    };
    for row in &LEAVES {
        match *row {
            Row::One(path, kind, field) => push(path.to_owned(), kind, false, field),
            Row::Maybe(path, kind, field) => push(path.to_owned(), kind, true, field),
            Row::Fixed(path) => {
                for (i, (name, _)) in RESOURCE_FIXED.iter().enumerate() {
                    push(format!("{path}.{name}"), Kind::Text, true, Field::ResourceFixed(i));
                }
            }
            Row::Slots(path, field) => {
                for i in 0..SLOTS {
                    push(format!("{path}.String{:02}", i + 1), Kind::Text, true, field(i));
                }
            }
            Row::Attrs(path, owner) => {
                for (name, kind, optional, field) in ATTRIBUTE {
                    push(format!("{path}.{name}"), kind, optional, Field::Attr(owner, field));
                }
            }
        }
    }
    leaves
}

/// A path with its marks taken off, as both encodings have it but for their list groups.
#[cfg(test)]
pub(crate) fn plain_path(path: &str) -> String {
    path.replace("[]", "").replace("{}", ".")
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

/// vParquet4's message type.
///
/// # Errors
/// Never for the table above, which a test shows.
pub(crate) fn message_type() -> Result<TypePtr, parquet::errors::ParquetError> {
    let leaves = leaves();
    let all: Vec<(&str, &Leaf)> = leaves.iter().map(|leaf| (leaf.path.as_str(), leaf)).collect();
    let message = Type::group_type_builder("Trace").with_fields(fields(&all)?).build()?;
    Ok(Arc::new(message))
}

type Rest<'a> = (&'a str, &'a Leaf);

/// The fields of a group from the rests of its leaves' paths. Leaves of a group stand together.
fn fields<'a>(leaves: &[Rest<'a>]) -> Result<Vec<TypePtr>, parquet::errors::ParquetError> {
    let head = |rest: &str| rest.find(['.', '[', '{']).unwrap_or(rest.len());
    let name = |rest: &Rest<'_>| rest.0.split_at(head(rest.0)).0.to_owned();
    let mut types = Vec::new();
    for same in leaves.chunk_by(|a, b| name(a) == name(b)) {
        let Some(first) = same.first() else { continue };
        let (name, after) = first.0.split_at(head(first.0));
        // What follows the name and `marks` characters of punctuation.
        let below = |marks: usize| -> Vec<Rest<'a>> {
            let rest = |path: &'a str| path.get(name.len() + marks..).unwrap_or_default();
            same.iter().map(|&(path, leaf)| (rest(path), leaf)).collect()
        };
        types.push(Arc::new(match after.as_bytes() {
            [] => leaf_type(name, first.1, first.1.optional)?,
            [b'[', b']'] => list(name, leaf_type("element", first.1, false)?)?,
            [b'[', ..] => list(name, group("element", fields(&below(3))?)?)?,
            [b'{', ..] => {
                let pair = Type::group_type_builder("key_value")
                    .with_repetition(Repetition::REPEATED)
                    .with_fields(fields(&below(2))?)
                    .build()?;
                annotated(name, pair, LogicalType::Map, ConvertedType::MAP)?
            }
            _ => group(name, fields(&below(1))?)?,
        }));
    }
    Ok(types)
}

fn group(name: &str, fields: Vec<TypePtr>) -> Result<Type, parquet::errors::ParquetError> {
    Type::group_type_builder(name).with_repetition(Repetition::REQUIRED).with_fields(fields).build()
}

fn list(name: &str, element: Type) -> Result<Type, parquet::errors::ParquetError> {
    let list = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    annotated(name, list, LogicalType::List, ConvertedType::LIST)
}

fn annotated(
    name: &str,
    inner: Type,
    logical: LogicalType,
    converted: ConvertedType,
) -> Result<Type, parquet::errors::ParquetError> {
    Type::group_type_builder(name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(logical))
        .with_converted_type(converted)
        .with_fields(vec![Arc::new(inner)])
        .build()
}

fn leaf_type(
    name: &str,
    leaf: &Leaf,
    optional: bool,
) -> Result<Type, parquet::errors::ParquetError> {
    let repetition = if optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let integer = |bit_width, is_signed| Some(LogicalType::integer(bit_width, is_signed));
    let (physical, logical) = match leaf.kind {
        Kind::Bytes => (Physical::BYTE_ARRAY, None),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Bool => (Physical::BOOLEAN, None),
        Kind::Double => (Physical::DOUBLE, None),
        Kind::I32 => (Physical::INT32, integer(32, true)),
        Kind::U32 => (Physical::INT32, integer(32, false)),
        Kind::I64 => (Physical::INT64, integer(64, true)),
        Kind::U64 => (Physical::INT64, integer(64, false)),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .build()
}

#[cfg(test)]
mod tests;
