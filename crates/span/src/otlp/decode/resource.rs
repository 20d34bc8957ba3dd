//! A `Resource` or an `InstrumentationScope` into its table.

use super::attribute::{attribute, string};
use crate::columns::{Builder, Text};
use crate::protobuf::{Fields, Malformed, put};

/// Appends a resource, unless the columns have it. Its number.
pub(super) fn put_resource(
    b: &mut Builder,
    bytes: &[u8],
    schema_url: &[u8],
) -> Result<u32, Malformed> {
    let (mut dropped, mut lost) = (0, 0);
    let mut entity_refs = Vec::new();
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => {
                let attr = attribute(b, field.bytes().unwrap_or_default(), &mut lost);
                attr.into_iter().for_each(|attr| b.resource_attr(attr));
            }
            2 => dropped = field.varint32().unwrap_or_default(),
            3 => put::bytes(&mut entity_refs, 3, field.bytes().unwrap_or_default()),
            _ => {}
        }
    }
    b.left_out += u64::from(lost);
    let schema_url = string(b, schema_url);
    let entity_refs = b.text(&entity_refs);
    Ok(b.end_resource(dropped.saturating_add(lost), schema_url, entity_refs))
}

/// Appends a scope, unless the columns have it. Its number.
pub(super) fn put_scope(
    b: &mut Builder,
    bytes: &[u8],
    schema_url: &[u8],
) -> Result<u32, Malformed> {
    let (mut name, mut version, mut dropped, mut lost) = (Text::EMPTY, Text::EMPTY, 0, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => name = string(b, field.bytes().unwrap_or_default()),
            2 => version = string(b, field.bytes().unwrap_or_default()),
            3 => {
                let attr = attribute(b, field.bytes().unwrap_or_default(), &mut lost);
                attr.into_iter().for_each(|attr| b.scope_attr(attr));
            }
            4 => dropped = field.varint32().unwrap_or_default(),
            _ => {}
        }
    }
    b.left_out += u64::from(lost);
    let schema_url = string(b, schema_url);
    Ok(b.end_scope(name, version, dropped.saturating_add(lost), schema_url))
}
