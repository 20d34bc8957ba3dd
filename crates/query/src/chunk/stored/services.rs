//! Spans by service of traces.

use super::super::ChunkError;
use super::{StoredChunk, disagree};
use crate::answer::ServiceStats;
use std::sync::Arc;
use tributary_block::{Dictionary, Leaf};

/// Spans by service of a chunk's traces.
pub(super) struct Services {
    /// Where the services of each trace end.
    ends: Vec<usize>,
    services: Vec<u32>,
    dictionary: Arc<Dictionary>,
    spans: Vec<i64>,
    errors: Vec<i64>,
}

/// Where the values of each row end.
fn ends<T>(leaf: &Leaf<T>) -> Vec<usize> {
    let (mut ends, mut values) = (Vec::new(), 0);
    for (rep, def) in leaf.rep.iter().zip(&leaf.def) {
        if *rep == 0 {
            ends.push(values);
        }
        values += usize::from(*def == leaf.max_def);
        if let Some(end) = ends.last_mut() {
            *end = values;
        }
    }
    ends
}

impl Services {
    pub(super) fn of(chunk: &StoredChunk<'_>) -> Result<Services, ChunkError> {
        // vParquet4 has a map, vParquet5 a list.
        let paths = if chunk.block.has_leaf("ServiceStats.key") {
            ["ServiceStats.key", "ServiceStats.value.SpanCount", "ServiceStats.value.ErrorCount"]
        } else {
            ["ServiceStats.ServiceName", "ServiceStats.SpanCount", "ServiceStats.ErrorCount"]
        };
        chunk.need(&paths)?;
        let [service, spans, errors] = paths;
        let (services, dictionary) = chunk.leaves.texts(service, &chunk.rows)?;
        let ends = ends(&services);
        if ends.len() != chunk.rows.len() {
            return Err(disagree(service));
        }
        let spans = chunk.leaves.ints(spans, &chunk.rows)?.values;
        let errors = chunk.leaves.ints(errors, &chunk.rows)?.values;
        Ok(Services { ends, services: services.values, dictionary, spans, errors })
    }

    /// Those of a trace, by its number in the chunk.
    pub(super) fn of_trace(&self, trace: usize) -> Vec<ServiceStats> {
        let end = self.ends.get(trace).copied().unwrap_or_default();
        let before = trace.checked_sub(1).and_then(|before| self.ends.get(before));
        let rows = before.copied().unwrap_or_default()..end;
        let count = |all: &[i64], row| {
            all.get(row).and_then(|n| u32::try_from(*n).ok()).unwrap_or_default()
        };
        let said = rows.filter_map(|row| {
            let service = self.dictionary.get(*self.services.get(row)?);
            Some(ServiceStats {
                service: String::from_utf8_lossy(service).into_owned(),
                spans: count(&self.spans, row),
                errors: count(&self.errors, row),
            })
        });
        said.collect()
    }
}
