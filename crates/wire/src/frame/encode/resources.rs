//! Resources and scopes, as definitions.

use super::dictionary::Dictionary;
use super::texts::BatchTexts;
use crate::frame::definition::{Definition, Slot};
use tributary_span::columns::{Attr, Columns, Text};

fn pick<T: Copy + Default>(column: &[T], row: u32) -> T {
    column.get(row as usize).copied().unwrap_or_default()
}

fn slots(
    attrs: impl Iterator<Item = Attr>,
    text: &mut impl FnMut(Text) -> Option<u32>,
) -> Option<Vec<Slot>> {
    let mut slots = Vec::new();
    for attr in attrs {
        let value =
            if attr.value_type.is_text() { u64::from(text(attr.text())?) } else { attr.value };
        slots.push(Slot { key: text(attr.key)?, value_type: attr.value_type, value });
    }
    Some(slots)
}

/// A resource's definition, its refs made by `text`.
pub(super) fn describe_resource(
    columns: &Columns,
    resource: u32,
    mut text: impl FnMut(Text) -> Option<u32>,
) -> Option<Definition> {
    let r = &columns.resources;
    Some(Definition::Resource {
        schema_url: text(pick(&r.schema_url, resource))?,
        entity_refs: text(pick(&r.entity_refs, resource))?,
        dropped: pick(&r.dropped_attrs, resource),
        attrs: slots(columns.attrs_of_resource(resource as usize), &mut text)?,
    })
}

/// A scope's definition, its refs made by `text`.
pub(super) fn describe_scope(
    columns: &Columns,
    scope: u32,
    mut text: impl FnMut(Text) -> Option<u32>,
) -> Option<Definition> {
    let s = &columns.scopes;
    Some(Definition::Scope {
        name: text(pick(&s.name, scope))?,
        version: text(pick(&s.version, scope))?,
        schema_url: text(pick(&s.schema_url, scope))?,
        dropped: pick(&s.dropped_attrs, scope),
        attrs: slots(columns.attrs_of_scope(scope as usize), &mut text)?,
    })
}

/// Number of a resource's definition, which is added if it must and can be.
pub(super) fn resource(
    columns: &Columns,
    dictionary: &mut Dictionary,
    texts: &mut BatchTexts,
    resource: u32,
    out: &mut Vec<u8>,
) -> Option<u32> {
    let definition = describe_resource(columns, resource, |text| {
        texts.reference(dictionary, columns, text, true)
    })?;
    out.clear();
    definition.write(out);
    dictionary.find_or_add(out)
}

/// Number of a scope's definition, which is added if it must and can be.
pub(super) fn scope(
    columns: &Columns,
    dictionary: &mut Dictionary,
    texts: &mut BatchTexts,
    scope: u32,
    add: bool,
    out: &mut Vec<u8>,
) -> Option<u32> {
    let definition =
        describe_scope(columns, scope, |text| texts.reference(dictionary, columns, text, add))?;
    out.clear();
    definition.write(out);
    if add { dictionary.find_or_add(out) } else { dictionary.find(out) }
}
