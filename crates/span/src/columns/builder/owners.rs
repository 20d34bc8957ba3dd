//! Resources and scopes: who spans are of, each once.

use super::{Builder, number, pick};
use crate::columns::{Attr, Columns, Text, owned};
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hasher};

impl Builder {
    /// Adds an attribute to the resource being built.
    pub fn resource_attr(&mut self, attr: Attr) {
        self.columns.resource_attrs.push(attr);
    }

    /// Ends the resource being built: its number, which is an older one if an equal resource is
    /// there already.
    pub fn end_resource(&mut self, dropped_attrs: u32, schema_url: Text, entity_refs: Text) -> u32 {
        let c = &mut self.columns;
        let new = c.resources.attrs_end.len();
        c.resources.attrs_end.push(number(c.resource_attrs.len()));
        c.resources.dropped_attrs.push(dropped_attrs);
        c.resources.schema_url.push(schema_url);
        c.resources.entity_refs.push(entity_refs);
        let c = &self.columns;
        let hash = resource_hash(c, new);
        let same = |&n: &u32| {
            let (r, n) = (&c.resources, n as usize);
            r.dropped_attrs.get(n) == Some(&dropped_attrs)
                && r.schema_url.get(n) == Some(&schema_url)
                && r.entity_refs.get(n) == Some(&entity_refs)
                && c.attrs_of_resource(n).eq(c.attrs_of_resource(new))
        };
        if let Some(&found) = self.resources.find(hash, same) {
            self.columns.resources.truncate(new);
            let len = owned(&self.columns.resources.attrs_end, new.wrapping_sub(1)).end;
            self.columns.resource_attrs.truncate(if new == 0 { 0 } else { len });
            return found;
        }
        self.resources.insert_unique(hash, number(new), |&n| resource_hash(c, n as usize));
        number(new)
    }

    /// Adds an attribute to the scope being built.
    pub fn scope_attr(&mut self, attr: Attr) {
        self.columns.scope_attrs.push(attr);
    }

    /// Ends the scope being built: its number, which is an older one if an equal scope is there.
    pub fn end_scope(
        &mut self,
        name: Text,
        version: Text,
        dropped_attrs: u32,
        schema_url: Text,
    ) -> u32 {
        let c = &mut self.columns;
        let new = c.scopes.attrs_end.len();
        c.scopes.name.push(name);
        c.scopes.version.push(version);
        c.scopes.attrs_end.push(number(c.scope_attrs.len()));
        c.scopes.dropped_attrs.push(dropped_attrs);
        c.scopes.schema_url.push(schema_url);
        let c = &self.columns;
        let hash = scope_hash(c, new);
        let same = |&n: &u32| {
            let (s, n) = (&c.scopes, n as usize);
            s.name.get(n) == Some(&name)
                && s.version.get(n) == Some(&version)
                && s.dropped_attrs.get(n) == Some(&dropped_attrs)
                && s.schema_url.get(n) == Some(&schema_url)
                && c.attrs_of_scope(n).eq(c.attrs_of_scope(new))
        };
        if let Some(&found) = self.scopes.find(hash, same) {
            self.columns.scopes.truncate(new);
            let len = owned(&self.columns.scopes.attrs_end, new.wrapping_sub(1)).end;
            self.columns.scope_attrs.truncate(if new == 0 { 0 } else { len });
            return found;
        }
        self.scopes.insert_unique(hash, number(new), |&n| scope_hash(c, n as usize));
        number(new)
    }
}

fn hash_attrs(seed: &[u64], attrs: impl Iterator<Item = Attr>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    seed.iter().for_each(|&n| hasher.write_u64(n));
    for attr in attrs {
        hasher.write_u32(attr.key.0);
        hasher.write_u8(attr.value_type as u8);
        hasher.write_u64(attr.value);
    }
    hasher.finish()
}

fn resource_hash(c: &Columns, i: usize) -> u64 {
    let r = &c.resources;
    let seed = [
        u64::from(pick(&r.dropped_attrs, i)),
        u64::from(pick(&r.schema_url, i).0),
        u64::from(pick(&r.entity_refs, i).0),
    ];
    hash_attrs(&seed, c.attrs_of_resource(i))
}

fn scope_hash(c: &Columns, i: usize) -> u64 {
    let s = &c.scopes;
    let seed = [
        u64::from(pick(&s.name, i).0),
        u64::from(pick(&s.version, i).0),
        u64::from(pick(&s.dropped_attrs, i)),
        u64::from(pick(&s.schema_url, i).0),
    ];
    hash_attrs(&seed, c.attrs_of_scope(i))
}
