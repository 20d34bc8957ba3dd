//! What a span has of an attribute.

use crate::value::{Has, Value, look_up};
use crate::world::World;
use tributary_traceql::ast::{Attribute, Intrinsic, Scope};

/// Of what a span may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Events,
    Links,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(text: &str) -> Has {
    Has::One(Value::Str(text.to_owned()))
}

/// The list that an attribute is looked for in.
pub(crate) fn list_of(attribute: &Attribute) -> Option<List> {
    match attribute {
        Attribute::Named { scope: Some(Scope::Event), .. } => Some(List::Events),
        Attribute::Named { scope: Some(Scope::Link), .. } => Some(List::Links),
        Attribute::Intrinsic { intrinsic, .. } => match intrinsic {
            Intrinsic::EventName | Intrinsic::EventTimeSinceStart => Some(List::Events),
            Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => Some(List::Links),
            _ => None,
        },
        Attribute::Named { .. } => None,
    }
}

impl World {
    pub(crate) fn elements(&self, list: List, n: usize) -> usize {
        match list {
            List::Events => self.spans[n].events.len(),
            List::Links => self.spans[n].links.len(),
        }
    }

    pub(crate) fn of_element(&self, attribute: &Attribute, n: usize, element: usize) -> Has {
        let span = &self.spans[n];
        match attribute {
            Attribute::Named { scope: Some(Scope::Event), key } => {
                look_up(&span.events[element].attributes, key)
            }
            Attribute::Named { key, .. } => look_up(&span.links[element].attributes, key),
            Attribute::Intrinsic { intrinsic, .. } => match intrinsic {
                Intrinsic::EventName => text(span.events[element].name),
                Intrinsic::EventTimeSinceStart => {
                    let since = span.events[element].time as i64 - span.start as i64;
                    Value::Duration(since).into()
                }
                Intrinsic::LinkTraceId => Value::Id(hex(&span.links[element].trace)).into(),
                _ => Value::Id(hex(&span.links[element].span)).into(),
            },
        }
    }

    /// What a span has of an attribute: of events and links the first that has something counts.
    pub(crate) fn get(&self, attribute: &Attribute, n: usize) -> Has {
        let span = &self.spans[n];
        if let Some(list) = list_of(attribute) {
            let all: Vec<Has> = (0..self.elements(list, n))
                .map(|element| self.of_element(attribute, n, element))
                .collect();
            let unseen = all.contains(&Has::Unseen);
            let seen = all.into_iter().find(Has::is_seen);
            return seen.unwrap_or(if unseen { Has::Unseen } else { Has::Nothing });
        }
        match attribute {
            Attribute::Named { scope: None, key } => {
                let own = look_up(&span.attributes, key);
                match self.of_resource(n, key) {
                    _ if own.is_seen() => own,
                    Has::Nothing => own,
                    other => other,
                }
            }
            Attribute::Named { scope: Some(Scope::Resource), key } => self.of_resource(n, key),
            Attribute::Named { scope: Some(Scope::Instrumentation), key } => {
                look_up(&span.scope.attributes, key)
            }
            Attribute::Named { key, .. } => look_up(&span.attributes, key),
            Attribute::Intrinsic { intrinsic, .. } => self.intrinsic(*intrinsic, n),
        }
    }

    fn of_resource(&self, n: usize, key: &str) -> Has {
        match key {
            // Without a name it is the empty text.
            "service.name" => text(self.service(n)),
            _ => look_up(&self.spans[n].resource, key),
        }
    }

    fn intrinsic(&self, intrinsic: Intrinsic, n: usize) -> Has {
        let (span, trace) = (&self.spans[n], self.trace_of(n));
        let int = |n: usize| Has::One(Value::Int(n as i64));
        match intrinsic {
            Intrinsic::Duration => Value::Duration(span.duration() as i64).into(),
            Intrinsic::Name => text(span.name),
            Intrinsic::Status => Value::Status(span.status.into()).into(),
            Intrinsic::StatusMessage => text(span.message),
            Intrinsic::Kind => Value::Kind(span.kind.into()).into(),
            Intrinsic::SpanId => Value::Id(hex(&span.id)).into(),
            Intrinsic::ParentId => Value::Id(hex(&span.parent)).into(),
            Intrinsic::ChildCount => int(self.children(n)),
            // Only their signs are asked for: the numbers depend on the order of the spans.
            Intrinsic::NestedSetLeft | Intrinsic::NestedSetRight => {
                int(usize::from(self.hangs_on_root(n)))
            }
            Intrinsic::NestedSetParent if self.is_numbered_root(n) => Value::Int(-1).into(),
            Intrinsic::NestedSetParent => int(usize::from(self.hangs_on_root(n))),
            Intrinsic::RootName => text(trace.root.map_or("", |root| self.spans[root].name)),
            Intrinsic::RootService => text(trace.root.map_or("", |root| self.service(root))),
            Intrinsic::TraceDuration => Value::Duration(trace.duration as i64).into(),
            Intrinsic::TraceId => Value::Id(hex(&span.trace)).into(),
            Intrinsic::ScopeName => text(span.scope.name),
            Intrinsic::ScopeVersion => text(span.scope.version),
            _ => Has::Nothing,
        }
    }
}
