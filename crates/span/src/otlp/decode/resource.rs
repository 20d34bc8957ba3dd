//! A `Resource` or an `InstrumentationScope` into its table.

use super::attribute::attribute;
use crate::columns::{Builder, Text};
use crate::protobuf::{Fields, Malformed, put};

/// Appends a resource, unless the columns have it. Its number.
pub(super) fn put_resource(
    b: &mut Builder,
    bytes: &[u8],
    schema_url: &[u8],
) -> Result<u32, Malformed> {
    let mut dropped = 0;
    let mut entity_refs = Vec::new();
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => {
                let attr = attribute(b, field.bytes()?)?;
                b.resource_attr(attr);
            }
            2 => dropped = field.varint32()?,
            3 => put::bytes(&mut entity_refs, 3, field.bytes()?),
            _ => {}
        }
    }
    let schema_url = b.text(schema_url);
    let entity_refs = b.text(&entity_refs);
    Ok(b.end_resource(dropped, schema_url, entity_refs))
}

/// Appends a scope, unless the columns have it. Its number.
pub(super) fn put_scope(
    b: &mut Builder,
    bytes: &[u8],
    schema_url: &[u8],
) -> Result<u32, Malformed> {
    let (mut name, mut version, mut dropped) = (Text::EMPTY, Text::EMPTY, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => name = b.text(field.text()?.as_bytes()),
            2 => version = b.text(field.text()?.as_bytes()),
            3 => {
                let attr = attribute(b, field.bytes()?)?;
                b.scope_attr(attr);
            }
            4 => dropped = field.varint32()?,
            _ => {}
        }
    }
    let schema_url = b.text(schema_url);
    Ok(b.end_scope(name, version, dropped, schema_url))
}
