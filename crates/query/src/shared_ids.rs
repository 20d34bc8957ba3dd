//! Span ids that the two sides of a call share.
//!
//! Zipkin gives a client's span and its server's one id, and readers that build a tree out of ids
//! see one span in place of two. So the server gets an id of its own in the answer, the client
//! becomes its parent, and what was below the id comes below the server.

use std::collections::{HashMap, HashSet};
use tributary_span::{Columns, SpanId};

const SERVER: i32 = 2;
const CLIENT: i32 = 3;

/// Gives servers that share an id with a client an id of their own, the same one each time. All
/// spans are of one trace, each id and kind once.
pub(crate) fn part(trace: &mut Columns) {
    let spans = &mut trace.spans;
    let of_kind = |wanted: i32| {
        let spans = spans.id.iter().zip(&spans.kind);
        spans.filter(move |(_, kind)| **kind == wanted).map(|(id, _)| *id)
    };
    let clients: HashSet<SpanId> = of_kind(CLIENT).collect();
    let shared: Vec<SpanId> = of_kind(SERVER).filter(|id| clients.contains(id)).collect();
    if shared.is_empty() {
        return;
    }
    let mut taken: HashSet<SpanId> = spans.id.iter().copied().collect();
    let of_server: HashMap<SpanId, SpanId> =
        shared.into_iter().map(|id| (id, free(id, &mut taken))).collect();
    for ((id, parent), kind) in spans.id.iter_mut().zip(&mut spans.parent).zip(&spans.kind) {
        match of_server.get(id) {
            Some(own) if *kind == SERVER => {
                *parent = *id;
                *id = *own;
            }
            _ => {
                if let Some(server) = of_server.get(parent) {
                    *parent = *server;
                }
            }
        }
    }
}

/// An id that no span has yet, found from another one.
fn free(id: SpanId, taken: &mut HashSet<SpanId>) -> SpanId {
    let mut own = u64::from_be_bytes(id.0) ^ (1 << 63);
    loop {
        let candidate = SpanId(own.to_be_bytes());
        if !candidate.is_zero() && taken.insert(candidate) {
            return candidate;
        }
        own = own.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_span::TraceId;
    use tributary_span::columns::{Builder, SpanFields};

    /// Spans by (id, parent, kind) before, and after.
    fn parted(spans: &[(u64, u64, i32)]) -> Vec<(u64, u64)> {
        let mut b = Builder::new();
        let resource = b.end_resource(0, Default::default(), Default::default());
        let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
        for &(id, parent, kind) in spans {
            let [id, parent] = [id, parent].map(|id| SpanId(id.to_be_bytes()));
            let trace = TraceId([7; 16]);
            b.end_span(SpanFields {
                trace,
                id,
                parent,
                kind,
                resource,
                scope,
                ..Default::default()
            });
        }
        let mut trace = b.take();
        part(&mut trace);
        assert_eq!(trace.check(), Ok(()));
        let ids = trace.spans.id.iter().zip(&trace.spans.parent);
        ids.map(|(id, parent)| (u64::from_be_bytes(id.0), u64::from_be_bytes(parent.0))).collect()
    }

    const OTHER: u64 = 1 << 63;

    #[test]
    fn the_server_gets_an_id_and_what_was_below() {
        let before = [(1, 0, 1), (2, 1, CLIENT), (2, 1, SERVER), (3, 2, 1), (4, 2, CLIENT)];
        let own = 2 | OTHER;
        assert_eq!(parted(&before), [(1, 0), (2, 1), (own, 2), (3, own), (4, own)]);
    }

    #[test]
    fn pairs_below_pairs() {
        let before = [(1, 0, CLIENT), (1, 0, SERVER), (2, 1, SERVER), (2, 1, CLIENT)];
        let (first, second) = (1 | OTHER, 2 | OTHER);
        assert_eq!(parted(&before), [(1, 0), (first, 1), (second, 2), (2, first)]);
    }

    #[test]
    fn an_id_that_is_taken_is_passed_over() {
        let before = [(OTHER, 0, CLIENT), (OTHER, 0, SERVER), (1, OTHER, 1)];
        assert_eq!(parted(&before), [(OTHER, 0), (2, OTHER), (1, 2)]);
    }

    #[test]
    fn other_kinds_and_lone_sides_stay() {
        let before = [(1, 0, 1), (1, 0, SERVER), (2, 1, CLIENT), (3, 2, SERVER)];
        let after = before.map(|(id, parent, _)| (id, parent));
        assert_eq!(parted(&before), after);
    }
}
