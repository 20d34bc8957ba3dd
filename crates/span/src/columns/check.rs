//! Proof of the invariants for columns that came from elsewhere (a frame, a segment).

use super::{Attrs, Columns, Text, ValueType};

/// Columns that break an invariant of [`super`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table}: {what}")]
pub struct Inconsistent {
    /// The table.
    pub table: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
}

fn fail(table: &'static str, what: &'static str) -> Result<(), Inconsistent> {
    Err(Inconsistent { table, what })
}

impl Columns {
    /// Checks all invariants of the module's page but the well-formedness of [`ValueType::Any`], which
    /// needs a walk that only readers of such values make.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<(), Inconsistent> {
        // The table as a whole is UTF-8 unless there are byte strings in it.
        let utf8 = self.texts.all_utf8();
        let s = &self.spans;
        let n = s.id.len();
        let lengths = [
            s.trace.len(),
            s.resource.len(),
            s.scope.len(),
            s.parent.len(),
            s.name.len(),
            s.kind.len(),
            s.start.len(),
            s.end.len(),
            s.trace_state.len(),
            s.flags.len(),
            s.status_code.len(),
            s.status_message.len(),
            s.dropped_attrs.len(),
            s.dropped_events.len(),
            s.dropped_links.len(),
            s.attrs_end.len(),
            s.events_end.len(),
            s.links_end.len(),
        ];
        if lengths.iter().any(|&l| l != n) {
            return fail("spans", "columns of different length");
        }
        within("spans", &s.trace, self.traces.len())?;
        within("spans", &s.resource, self.resources.attrs_end.len())?;
        within("spans", &s.scope, self.scopes.attrs_end.len())?;
        if s.id.iter().any(|id| id.is_zero()) || self.traces.iter().any(|id| id.is_zero()) {
            return fail("spans", "an id of zero");
        }
        for texts in [&s.name, &s.trace_state, &s.status_message] {
            self.strings("spans", texts, utf8)?;
        }
        ends("span attributes", &s.attrs_end, self.span_attrs.len())?;
        ends("events", &s.events_end, self.events.time.len())?;
        ends("links", &s.links_end, self.links.span.len())?;

        let r = &self.resources;
        let n = r.attrs_end.len();
        if [r.dropped_attrs.len(), r.schema_url.len(), r.entity_refs.len()].iter().any(|&l| l != n)
        {
            return fail("resources", "columns of different length");
        }
        self.strings("resources", &r.schema_url, utf8)?;
        self.known("resources", &r.entity_refs)?;
        ends("resource attributes", &r.attrs_end, self.resource_attrs.len())?;

        let c = &self.scopes;
        let n = c.attrs_end.len();
        if [c.name.len(), c.version.len(), c.dropped_attrs.len(), c.schema_url.len()]
            .iter()
            .any(|&l| l != n)
        {
            return fail("scopes", "columns of different length");
        }
        for texts in [&c.name, &c.version, &c.schema_url] {
            self.strings("scopes", texts, utf8)?;
        }
        ends("scope attributes", &c.attrs_end, self.scope_attrs.len())?;

        let e = &self.events;
        let n = e.time.len();
        if [e.name.len(), e.dropped_attrs.len(), e.attrs_end.len()].iter().any(|&l| l != n) {
            return fail("events", "columns of different length");
        }
        self.strings("events", &e.name, utf8)?;
        ends("event attributes", &e.attrs_end, self.event_attrs.len())?;

        let l = &self.links;
        let n = l.span.len();
        if [
            l.trace.len(),
            l.trace_state.len(),
            l.flags.len(),
            l.dropped_attrs.len(),
            l.attrs_end.len(),
        ]
        .iter()
        .any(|&len| len != n)
        {
            return fail("links", "columns of different length");
        }
        self.strings("links", &l.trace_state, utf8)?;
        ends("link attributes", &l.attrs_end, self.link_attrs.len())?;

        self.attrs("resource attributes", &self.resource_attrs, utf8)?;
        self.attrs("scope attributes", &self.scope_attrs, utf8)?;
        self.attrs("span attributes", &self.span_attrs, utf8)?;
        self.attrs("event attributes", &self.event_attrs, utf8)?;
        self.attrs("link attributes", &self.link_attrs, utf8)
    }

    fn known(&self, table: &'static str, texts: &[Text]) -> Result<(), Inconsistent> {
        if texts.iter().any(|t| t.0 as usize > self.texts.len()) {
            return fail(table, "a text that does not exist");
        }
        Ok(())
    }

    fn strings(&self, table: &'static str, texts: &[Text], utf8: bool) -> Result<(), Inconsistent> {
        self.known(table, texts)?;
        if !utf8 && texts.iter().any(|&t| std::str::from_utf8(self.texts.get(t)).is_err()) {
            return fail(table, "a string that is not UTF-8");
        }
        Ok(())
    }

    fn attrs(&self, table: &'static str, attrs: &Attrs, utf8: bool) -> Result<(), Inconsistent> {
        let n = attrs.len();
        if attrs.value_type.len() != n || attrs.value.len() != n {
            return fail(table, "columns of different length");
        }
        self.strings(table, &attrs.key, utf8)?;
        for (&value_type, &value) in attrs.value_type.iter().zip(&attrs.value) {
            let fine = match value_type {
                ValueType::Empty => value == 0,
                ValueType::Bool => value <= 1,
                ValueType::Int | ValueType::Double => true,
                ValueType::Str => {
                    value <= self.texts.len() as u64
                        && (utf8
                            || u32::try_from(value).is_ok_and(|text| {
                                std::str::from_utf8(self.texts.get(Text(text))).is_ok()
                            }))
                }
                ValueType::Bytes | ValueType::Any => value <= self.texts.len() as u64,
            };
            if !fine {
                return fail(table, "a value that its type cannot have");
            }
        }
        Ok(())
    }
}

fn within(table: &'static str, numbers: &[u32], len: usize) -> Result<(), Inconsistent> {
    if numbers.iter().any(|&n| n as usize >= len) {
        return fail(table, "a number beyond its table");
    }
    Ok(())
}

fn ends(table: &'static str, ends: &[u32], len: usize) -> Result<(), Inconsistent> {
    if !ends.is_sorted() {
        return fail(table, "ends that fall");
    }
    if ends.last().map_or(0, |&e| e as usize) != len {
        return fail(table, "ends that do not meet the table's end");
    }
    Ok(())
}
