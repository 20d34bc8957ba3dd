//! Resources and scopes of all batches, each distinct one once, with their attributes sorted into
//! columns: what a trace's rows say about them is looked up, not made again.

use super::attrs::{AttrTable, Placement, Placer};
use super::texts::{Gid, Interner};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use tributary_span::Columns;
use tributary_span::columns::Attr;

/// The distinct resources and scopes of a generation.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) resources: Vec<Resource>,
    pub(super) scopes: Vec<Scope>,
    /// Generic attributes of resources, owned by [`Resource::attrs`].
    pub(super) resource_attrs: AttrTable,
    /// Attributes of scopes, owned by [`Scope::attrs`].
    pub(super) scope_attrs: AttrTable,
    resource_table: HashTable<u32>,
    scope_table: HashTable<u32>,
}

/// A resource as it stands in the file.
pub(super) struct Resource {
    identity: Vec<u64>,
    /// Its generic attributes in [`Shared::resource_attrs`].
    pub(super) attrs: std::ops::Range<usize>,
    pub(super) dropped: u32,
    pub(super) schema_url: Gid,
    pub(super) entity_refs: Gid,
    /// `service.name`, if it is there as a string.
    pub(super) service: Option<Gid>,
    /// Fixed columns, then slots; see [`Placer`].
    pub(super) columns: Vec<Option<Gid>>,
}

/// A scope as it stands in the file.
pub(super) struct Scope {
    identity: Vec<u64>,
    pub(super) attrs: std::ops::Range<usize>,
    pub(super) name: Gid,
    pub(super) version: Gid,
    pub(super) dropped: u32,
    pub(super) schema_url: Gid,
}

fn hash(identity: &[u64]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    identity.iter().for_each(|&n| hasher.write_u64(n));
    hasher.finish()
}

/// An attribute's key and value by global numbers, as part of an identity.
fn identify(identity: &mut Vec<u64>, attrs: impl Iterator<Item = Attr>, map: &[Gid]) {
    for attr in attrs {
        let key = map.get(attr.key.0 as usize).copied().unwrap_or_default();
        identity.push(u64::from(key) << 8 | attr.value_type as u64);
        identity.push(match attr.value_type.is_text() {
            true => u64::from(map.get(attr.text().0 as usize).copied().unwrap_or_default()),
            false => attr.value,
        });
    }
}

impl Shared {
    /// The number of resource `n` of a batch, whose texts `map` translates.
    pub(super) fn resource<'a>(
        &mut self,
        batch: &'a Columns,
        n: usize,
        map: &[Gid],
        placer: &mut Placer,
        texts: &mut Interner<'a>,
    ) -> u32 {
        let r = &batch.resources;
        let gid = |texts: &[tributary_span::columns::Text]| {
            let text = texts.get(n).copied().unwrap_or_default();
            map.get(text.0 as usize).copied().unwrap_or_default()
        };
        let dropped = r.dropped_attrs.get(n).copied().unwrap_or_default();
        let (schema_url, entity_refs) = (gid(&r.schema_url), gid(&r.entity_refs));
        let mut identity =
            vec![u64::from(dropped), u64::from(schema_url) << 32 | u64::from(entity_refs)];
        identify(&mut identity, batch.attrs_of_resource(n), map);
        let key = hash(&identity);
        let all = &self.resources;
        let same = |&i: &u32| all.get(i as usize).is_some_and(|r| r.identity == identity);
        if let Some(&found) = self.resource_table.find(key, same) {
            return found;
        }
        let start = self.resource_attrs.len();
        let mut service = None;
        let mut columns = vec![None; placer.resource_columns()];
        for attr in batch.attrs_of_resource(n) {
            match placer.place_resource(attr, map) {
                Placement::Service(gid) if service.is_none() => service = Some(gid),
                Placement::Text(column, gid) if columns.get(column) == Some(&None) => {
                    if let Some(slot) = columns.get_mut(column) {
                        *slot = Some(gid);
                    }
                }
                _ => self.resource_attrs.push(attr, map, placer, texts),
            }
        }
        let attrs = start..self.resource_attrs.len();
        let resource =
            Resource { identity, attrs, dropped, schema_url, entity_refs, service, columns };
        let new = u32::try_from(self.resources.len()).unwrap_or(u32::MAX);
        self.resources.push(resource);
        let all = &self.resources;
        self.resource_table
            .insert_unique(key, new, |&i| all.get(i as usize).map_or(0, |r| hash(&r.identity)));
        new
    }

    /// The number of scope `n` of a batch, whose texts `map` translates.
    pub(super) fn scope<'a>(
        &mut self,
        batch: &'a Columns,
        n: usize,
        map: &[Gid],
        placer: &mut Placer,
        texts: &mut Interner<'a>,
    ) -> u32 {
        let s = &batch.scopes;
        let gid = |texts: &[tributary_span::columns::Text]| {
            let text = texts.get(n).copied().unwrap_or_default();
            map.get(text.0 as usize).copied().unwrap_or_default()
        };
        let dropped = s.dropped_attrs.get(n).copied().unwrap_or_default();
        let (name, version, schema_url) = (gid(&s.name), gid(&s.version), gid(&s.schema_url));
        let mut identity = vec![
            u64::from(dropped) << 32 | u64::from(schema_url),
            u64::from(name) << 32 | u64::from(version),
        ];
        identify(&mut identity, batch.attrs_of_scope(n), map);
        let key = hash(&identity);
        let all = &self.scopes;
        let same = |&i: &u32| all.get(i as usize).is_some_and(|s| s.identity == identity);
        if let Some(&found) = self.scope_table.find(key, same) {
            return found;
        }
        let start = self.scope_attrs.len();
        for attr in batch.attrs_of_scope(n) {
            self.scope_attrs.push(attr, map, placer, texts);
        }
        let attrs = start..self.scope_attrs.len();
        let new = u32::try_from(self.scopes.len()).unwrap_or(u32::MAX);
        self.scopes.push(Scope { identity, attrs, name, version, dropped, schema_url });
        let all = &self.scopes;
        self.scope_table
            .insert_unique(key, new, |&i| all.get(i as usize).map_or(0, |s| hash(&s.identity)));
        new
    }
}
