//! Names of attributes by scope.

use super::elements_of;
use crate::answer::TagsAnswer;
use crate::chunk::{Bits, Chunk, Level};
use crate::eval::EvalError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tributary_traceql::ast::Scope;

/// Names that were found, by scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// By the scope's name.
    found: BTreeMap<String, BTreeSet<String>>,
}

/// Scopes that have attributes, with the level of their elements.
pub(super) const SCOPES: [(Scope, Level); 5] = [
    (Scope::Resource, Level::Resource),
    (Scope::Span, Level::Span),
    (Scope::Event, Level::Event),
    (Scope::Link, Level::Link),
    (Scope::Instrumentation, Level::Scope),
];

impl Names {
    /// Adds a name.
    pub(super) fn insert(&mut self, scope: Scope, name: &str) {
        let names = self.found.entry(scope.name().to_owned()).or_default();
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
    }

    /// Adds those that these spans, or what is around them, have.
    pub(super) fn add(&mut self, chunk: &dyn Chunk, spans: &Bits) -> Result<(), EvalError> {
        if spans.has_none() {
            return Ok(());
        }
        for (scope, level) in SCOPES {
            let owners = elements_of(chunk, level, spans)?;
            for key in chunk.keys_of(scope, &owners)? {
                self.insert(scope, &key);
            }
        }
        Ok(())
    }

    /// Adds what others found.
    pub fn merge(&mut self, other: Names) {
        for (scope, names) in other.found {
            self.found.entry(scope).or_default().extend(names);
        }
    }

    /// The names of each scope that has any.
    pub fn finish(self) -> TagsAnswer {
        let mut found = self.found;
        let scopes = SCOPES.into_iter().filter_map(|(scope, _)| {
            let names = found.remove(scope.name())?;
            (!names.is_empty()).then(|| (scope.name(), names.into_iter().collect()))
        });
        let scopes = scopes.collect();
        TagsAnswer { scopes, ..TagsAnswer::default() }
    }
}
