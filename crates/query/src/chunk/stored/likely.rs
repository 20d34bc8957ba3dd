//! What columns will want, before any of them is asked for.

use super::{EVENTS, KeyDictionaries, LINKS, OF_SPANS, attributes};
use crate::chunk::Field;
use tributary_block::Block;
use tributary_traceql::ast::{Intrinsic, Scope};

/// Leaves that a column is made of, as far as that is known without a look at the block.
fn leaves_of(field: &Field) -> &'static [&'static str] {
    match field {
        Field::Named(Scope::Resource, key) if &**key == "service.name" => {
            &["rs.Resource.ServiceName"]
        }
        Field::Named(..) | Field::OtherServiceNames => &[],
        Field::SpanStart => &["rs.ss.Spans.StartTimeUnixNano"],
        Field::TraceStart => &["StartTimeUnixNano"],
        Field::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::Duration => &["rs.ss.Spans.DurationNano"],
            Intrinsic::Name => &["rs.ss.Spans.Name"],
            Intrinsic::Status => &["rs.ss.Spans.StatusCode"],
            Intrinsic::StatusMessage => &["rs.ss.Spans.StatusMessage"],
            Intrinsic::Kind => &[OF_SPANS],
            Intrinsic::SpanId => &["rs.ss.Spans.SpanID"],
            Intrinsic::ParentId => &["rs.ss.Spans.ParentSpanID"],
            Intrinsic::ChildCount => &["rs.ss.Spans.NestedSetLeft", "rs.ss.Spans.ParentID"],
            Intrinsic::NestedSetLeft => &["rs.ss.Spans.NestedSetLeft"],
            Intrinsic::NestedSetRight => &["rs.ss.Spans.NestedSetRight"],
            Intrinsic::NestedSetParent => &["rs.ss.Spans.ParentID"],
            Intrinsic::RootName => &["RootSpanName"],
            Intrinsic::RootService => &["RootServiceName"],
            Intrinsic::TraceDuration => &["DurationNano"],
            Intrinsic::TraceId => &["TraceID"],
            Intrinsic::EventName => &["rs.ss.Spans.Events.Name", EVENTS],
            Intrinsic::EventTimeSinceStart => &[EVENTS],
            Intrinsic::LinkTraceId => &["rs.ss.Spans.Links.TraceID", LINKS],
            Intrinsic::LinkSpanId => &["rs.ss.Spans.Links.SpanID", LINKS],
            Intrinsic::ScopeName => &["rs.ss.Scope.Name"],
            Intrinsic::ScopeVersion => &["rs.ss.Scope.Version"],
        },
    }
}

/// Leaves that columns will want, to be read with one look at the store. What turns out to be needed
/// beside them is read then.
pub(crate) fn likely_leaves(
    block: &Block,
    dictionaries: &KeyDictionaries,
    fields: &[Field],
) -> Vec<String> {
    let mut paths = vec![OF_SPANS.to_owned()];
    for field in fields {
        paths.extend(leaves_of(field).iter().map(|path| (*path).to_owned()));
        if let Field::Named(scope, key) = field {
            attributes::likely_leaves(block, dictionaries, *scope, key, &mut paths);
        }
    }
    paths.retain(|path| block.has_leaf(path));
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The path of a scope's generic keys.
pub(crate) fn keys_of(scope: Scope) -> &'static str {
    match scope {
        Scope::Resource => "rs.Resource.Attrs.Key",
        Scope::Instrumentation => "rs.ss.Scope.Attrs.Key",
        Scope::Span => "rs.ss.Spans.Attrs.Key",
        Scope::Event => "rs.ss.Spans.Events.Attrs.Key",
        Scope::Link => "rs.ss.Spans.Links.Attrs.Key",
    }
}
