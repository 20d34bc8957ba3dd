//! In which order resources stand within a trace, and scopes within a resource.
//!
//! By what they say: services by name, the pods of one by theirs. So the traces of one kind look
//! alike, wherever their spans came from, and compression finds in one what it has seen in the last.

use super::attrs::{AttrTable, Stored};
use super::shared::Shared;
use super::texts::{Gid, Interner};
use std::ops::Range;

/// The places of all resources and scopes of a row group, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Order {
    resources: Vec<u32>,
    scopes: Vec<u32>,
}

impl Order {
    pub(super) fn new(shared: &Shared, texts: &Interner<'_>) -> Self {
        let resources = shared.resources.iter().map(|r| {
            let mut key = Vec::new();
            put(&mut key, texts, r.service.unwrap_or_default());
            let columns = r.columns.iter();
            columns.for_each(|gid| put(&mut key, texts, gid.unwrap_or_default()));
            put_attrs(&mut key, texts, &shared.resource_attrs, &r.attrs);
            key
        });
        let scopes = shared.scopes.iter().map(|s| {
            let mut key = Vec::new();
            put(&mut key, texts, s.name);
            put(&mut key, texts, s.version);
            put_attrs(&mut key, texts, &shared.scope_attrs, &s.attrs);
            key
        });
        Order { resources: places(resources.collect()), scopes: places(scopes.collect()) }
    }

    /// Where a resource stands among all.
    pub(super) fn resource(&self, number: u32) -> u32 {
        self.resources.get(number as usize).copied().unwrap_or(number)
    }

    /// Where a scope stands among all.
    pub(super) fn scope(&self, number: u32) -> u32 {
        self.scopes.get(number as usize).copied().unwrap_or(number)
    }
}

fn put(key: &mut Vec<u8>, texts: &Interner<'_>, gid: Gid) {
    key.extend_from_slice(texts.get(gid));
    key.push(0);
}

fn put_attrs(key: &mut Vec<u8>, texts: &Interner<'_>, table: &AttrTable, range: &Range<usize>) {
    for i in range.clone() {
        put(key, texts, table.key.get(i).copied().unwrap_or_default());
        let value = table.value.get(i).copied().unwrap_or_default();
        match table.stored.get(i) {
            Some(Stored::Text) => put(key, texts, Gid::try_from(value).unwrap_or_default()),
            // Arrays and JSON stand here by a number of arrival, which orders nothing.
            Some(Stored::List | Stored::Json) | None => {}
            Some(_) => key.extend_from_slice(&value.to_be_bytes()),
        }
    }
}

/// The place of each key among all; of equal ones the first comes first.
fn places(keys: Vec<Vec<u8>>) -> Vec<u32> {
    let mut sorted: Vec<(Vec<u8>, u32)> = keys.into_iter().zip(0u32..).collect();
    sorted.sort_unstable();
    let mut places = vec![0; sorted.len()];
    for ((_, number), place) in sorted.iter().zip(0u32..) {
        if let Some(slot) = places.get_mut(*number as usize) {
            *slot = place;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_places() {
        let keys = ["b", "a", "c", "a"].map(|key| key.as_bytes().to_vec());
        assert_eq!(places(keys.to_vec()), [2, 0, 3, 1]);
        assert!(places(Vec::new()).is_empty());
    }
}
