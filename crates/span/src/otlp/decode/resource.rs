//! A `Resource` or an `InstrumentationScope` into its table.

use super::attribute::{attribute, string};
use crate::columns::{Builder, Text};
use crate::protobuf::{Fields, Known, Value, low32, put};

const RESOURCE: Known = Known(b"bvb");
const ENTITY_REF: Known = Known(b"bbbb");
const SCOPE: Known = Known(b"bbbv");

/// Appends a resource, unless the columns have it. Its number.
pub(super) fn put_resource(b: &mut Builder, bytes: &[u8], schema_url: &[u8]) -> u32 {
    let (mut dropped, mut lost, mut odd) = (0, 0, 0);
    let mut entity_refs = Vec::new();
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(RESOURCE, &mut odd) {
        match (field.number, field.value) {
            (1, Value::Bytes(bytes)) => {
                let attr = attribute(b, bytes, &mut lost);
                attr.into_iter().for_each(|attr| b.resource_attr(attr));
            }
            (2, Value::Varint(n)) => dropped = low32(n),
            (_, Value::Bytes(bytes)) if is_texts(bytes) => put::bytes(&mut entity_refs, 3, bytes),
            _ => odd += 1,
        }
    }
    b.left_out += u64::from(lost) + odd;
    let schema_url = string(b, schema_url);
    let entity_refs = b.text(&entity_refs);
    b.end_resource(lost.saturating_add(dropped), schema_url, entity_refs)
}

/// Whether an `EntityRef`, which is kept as it came, can be read.
fn is_texts(bytes: &[u8]) -> bool {
    let (mut fields, mut odd) = (Fields::new(bytes), 0);
    while let Some(field) = fields.next_readable(ENTITY_REF, &mut odd) {
        odd += u64::from(field.text().is_err());
    }
    odd == 0
}

/// Appends a scope, unless the columns have it. Its number.
pub(super) fn put_scope(b: &mut Builder, bytes: &[u8], schema_url: &[u8]) -> u32 {
    let (mut name, mut version, mut dropped) = (Text::EMPTY, Text::EMPTY, 0);
    let (mut lost, mut odd) = (0, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(SCOPE, &mut odd) {
        match (field.number, field.value) {
            (1, Value::Bytes(bytes)) => name = string(b, bytes),
            (2, Value::Bytes(bytes)) => version = string(b, bytes),
            (3, Value::Bytes(bytes)) => {
                let attr = attribute(b, bytes, &mut lost);
                attr.into_iter().for_each(|attr| b.scope_attr(attr));
            }
            (_, Value::Varint(n)) => dropped = low32(n),
            _ => {}
        }
    }
    b.left_out += u64::from(lost) + odd;
    let schema_url = string(b, schema_url);
    b.end_scope(name, version, lost.saturating_add(dropped), schema_url)
}
