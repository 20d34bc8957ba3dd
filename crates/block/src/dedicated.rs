//! Dedicated columns: attributes that have a column of their own.
//!
//! The k-th entry of a scope and type in the list is stored in slot k of that scope and type. The
//! list stands in `meta.json`; readers cannot tell what a slot holds without it, and compaction
//! joins only blocks with the same list.

use crate::error::BlockError;
use crate::schema::{HTTP_METHOD, HTTP_STATUS, HTTP_URL, RESOURCE_FIXED, SERVICE_NAME, SLOTS};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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
    pub column_type: ColumnType,
    /// `array`, `blob` (vParquet5 only); kept as they are.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Lists that are remembered. Hardly a bucket has more.
const LISTS: usize = 64;

/// A list for a meta: one for all metas of the process that have it, since an ingester knows ten thousands
/// of them, and the list is most of a meta.
pub(crate) fn shared(list: Vec<DedicatedColumn>) -> Arc<[DedicatedColumn]> {
    static KNOWN: Mutex<Vec<Weak<[DedicatedColumn]>>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut alive = known.iter().filter_map(Weak::upgrade);
    if let Some(same) = alive.find(|known| **known == *list) {
        return same;
    }
    let list: Arc<[DedicatedColumn]> = list.into();
    known.retain(|list| list.strong_count() > 0);
    if known.len() < LISTS {
        known.push(Arc::downgrade(&list));
    }
    list
}

impl DedicatedColumn {
    /// A string column.
    pub fn string(scope: Scope, name: &str) -> Self {
        DedicatedColumn {
            scope,
            name: name.to_owned(),
            column_type: ColumnType::String,
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
        if column.scope == Scope::Event || column.column_type != ColumnType::String {
            return fail(format!("dedicated column {name:?}: only strings of resources and spans"));
        }
        if !column.options.is_empty() {
            return fail(format!("dedicated column {name:?}: options are not supported"));
        }
        if name.is_empty() || has_fixed_column(column.scope, name) {
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

/// Whether vParquet4 has a fixed column for the attribute.
fn has_fixed_column(scope: Scope, key: &str) -> bool {
    match scope {
        Scope::Resource => key == SERVICE_NAME || RESOURCE_FIXED.iter().any(|(_, k)| *k == key),
        Scope::Span => [HTTP_METHOD, HTTP_URL, HTTP_STATUS].contains(&key),
        Scope::Event => false,
    }
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
        let int = DedicatedColumn { column_type: ColumnType::Int, ..span("x") };
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
