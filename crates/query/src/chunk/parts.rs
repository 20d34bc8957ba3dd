//! What spans in memory must have for fields to be found in them.

use super::{Field, Level};
use tributary_block::{Keys, Parts};
use tributary_traceql::ast::{Intrinsic, Scope};

/// The parts of spans that fields are in.
pub(crate) fn parts_of(fields: &[Field]) -> Parts {
    let mut parts = Parts::NONE;
    for field in fields {
        match field {
            Field::Named(Scope::Resource, key) => add(&mut parts.resource, key),
            Field::OtherServiceNames => add(&mut parts.resource, "service.name"),
            Field::Named(Scope::Span, key) => add(&mut parts.span, key),
            Field::Named(Scope::Instrumentation, _) => parts.scope = true,
            Field::Intrinsic(intrinsic) => add_intrinsic(&mut parts, *intrinsic),
            _ => {}
        }
        match field.level() {
            Level::Event => parts.events = true,
            Level::Link => parts.links = true,
            _ => {}
        }
    }
    parts
}

fn add_intrinsic(parts: &mut Parts, intrinsic: Intrinsic) {
    match intrinsic {
        Intrinsic::Name => parts.names = true,
        Intrinsic::Status | Intrinsic::StatusMessage => parts.statuses = true,
        Intrinsic::ScopeVersion => parts.scope = true,
        Intrinsic::ParentId
        | Intrinsic::ChildCount
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent
        | Intrinsic::RootService => parts.parents = true,
        Intrinsic::RootName => (parts.parents, parts.names) = (true, true),
        _ => {}
    }
}

fn add(keys: &mut Keys, key: &str) {
    if let Keys::Only(keys) = keys {
        keys.insert(key.to_owned());
    }
}
