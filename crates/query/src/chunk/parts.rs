//! What spans in memory must have for fields to be found in them.

use super::{Field, Level};
use tributary_block::{Keys, Parts};
use tributary_traceql::ast::Scope;

/// The parts of spans that fields are in.
pub(crate) fn parts_of(fields: &[Field]) -> Parts {
    let mut parts = Parts::NONE;
    for field in fields {
        match field {
            Field::Named(Scope::Resource, key) => add(&mut parts.resource, key),
            Field::OtherServiceNames => add(&mut parts.resource, "service.name"),
            Field::Named(Scope::Span, key) => add(&mut parts.span, key),
            Field::Named(Scope::Instrumentation, _) => parts.scope = true,
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

fn add(keys: &mut Keys, key: &str) {
    if let Keys::Only(keys) = keys {
        keys.insert(key.to_owned());
    }
}
