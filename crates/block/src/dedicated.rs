//! Dedicated columns: attributes that have a column of their own.
//!
//! The k-th entry of a scope and type in the list is stored in slot k of that scope and type. The
//! list stands in `meta.json`; readers cannot tell what a slot holds without it, and compaction
//! joins only blocks with the same list.

use crate::BlockError;
use serde::{Deserialize, Serialize};

/// What carries the attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// A resource.
    Resource,
    /// A span.
    #[default]
    Span,
    /// An event (vParquet5 only).
    Event,
}

/// Type of the values that go to the column; values of other types stay in the generic list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Strings.
    #[default]
    String,
    /// Integers (vParquet5 only).
    Int,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DedicatedColumn {
    /// What carries the attribute.
    #[serde(rename = "s", default, skip_serializing_if = "is_default")]
    pub scope: Scope,
    /// The attribute's key.
    #[serde(rename = "n")]
    pub name: String,
    /// Type of the values.
    #[serde(rename = "t", default, skip_serializing_if = "is_default")]
    pub kind: ColumnType,
    /// `array`, `blob` (vParquet5 only); kept as they are.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// String slots that each scope has in vParquet4.
pub const SLOTS: usize = 10;

impl DedicatedColumn {
    /// A string column.
    pub fn string(scope: Scope, name: &str) -> Self {
        DedicatedColumn {
            scope,
            name: name.to_owned(),
            kind: ColumnType::String,
            options: Vec::new(),
        }
    }
}

/// The default list: what queries of today's conventions ask for most and vParquet4 has no fixed
/// column for (it has `service.name`, `k8s.{cluster,namespace,pod,container}.name`,
/// `http.method`, `http.url` and `http.status_code`).
pub fn defaults() -> Vec<DedicatedColumn> {
    const RESOURCE: [&str; SLOTS] = [
        "service.namespace",
        "service.version",
        "service.instance.id",
        "deployment.environment.name",
        "k8s.deployment.name",
        "k8s.node.name",
        "host.name",
        "container.id",
        "cloud.region",
        "telemetry.sdk.language",
    ];
    const SPAN: [&str; SLOTS] = [
        "http.request.method",
        "http.route",
        "url.path",
        "url.full",
        "server.address",
        "db.system.name",
        "db.query.text",
        "rpc.service",
        "rpc.method",
        "messaging.destination.name",
    ];
    RESOURCE
        .map(|name| DedicatedColumn::string(Scope::Resource, name))
        .into_iter()
        .chain(SPAN.map(|name| DedicatedColumn::string(Scope::Span, name)))
        .collect()
}

/// Proves that a list can be written as vParquet4.
///
/// # Errors
/// What is wrong with it, for the person who configured it.
pub fn check(list: &[DedicatedColumn]) -> Result<(), BlockError> {
    let fail = |what: String| Err(BlockError::Settings(what));
    for (i, column) in list.iter().enumerate() {
        let name = &column.name;
        if column.scope == Scope::Event || column.kind != ColumnType::String {
            return fail(format!("dedicated column {name:?}: only strings of resources and spans"));
        }
        if !column.options.is_empty() {
            return fail(format!("dedicated column {name:?}: options are not supported"));
        }
        if name.is_empty() || crate::schema::has_fixed_column(column.scope, name) {
            return fail(format!(
                "dedicated column {name:?}: the name is empty or has a column already"
            ));
        }
        let before = list.iter().take(i);
        if before.clone().any(|other| other.scope == column.scope && other.name == *name) {
            return fail(format!("dedicated column {name:?}: stands twice in the list"));
        }
        if before.filter(|other| other.scope == column.scope).count() >= SLOTS {
            return fail(format!("dedicated column {name:?}: more than {SLOTS} in its scope"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_written() {
        check(&defaults()).unwrap();
    }

    #[test]
    fn lists_that_cannot_be_written_are_refused() {
        let span = |name| DedicatedColumn::string(Scope::Span, name);
        let many: Vec<_> = (0..11).map(|i| span(["a", "b"][i % 2])).collect();
        let int = DedicatedColumn { kind: ColumnType::Int, ..span("x") };
        let event = DedicatedColumn::string(Scope::Event, "x");
        let array = DedicatedColumn { options: vec!["array".to_owned()], ..span("x") };
        let eleven: Vec<_> = "abcdefghijk".split("").filter(|s| !s.is_empty()).map(span).collect();
        for list in [
            many,
            vec![int],
            vec![event],
            vec![array],
            vec![span("http.url")],
            vec![span("")],
            eleven,
        ] {
            assert!(check(&list).is_err(), "{list:?}");
        }
    }
}
