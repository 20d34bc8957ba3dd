//! In which order rows of several pieces become rows of one row group.

use tributary_span::TraceId;

/// Rows of a piece that come one after the other, behind those of the piece's earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) piece: usize,
    pub(crate) rows: usize,
    /// Whether they are taken, or passed over.
    pub(crate) taken: bool,
}

/// The order, and what becomes of traces that several pieces have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) runs: Vec<Run>,
    /// All traces, ascending.
    pub(crate) traces: Vec<TraceId>,
    /// Those that several pieces have. Their rows are passed over, and those of one more piece, behind
    /// all others, take their place.
    pub(crate) shared: Vec<TraceId>,
}

impl Order {
    /// Of pieces with these traces, each ascending.
    pub(crate) fn new(pieces: &[Vec<TraceId>]) -> Order {
        let rows = pieces.iter().enumerate();
        let mut rows: Vec<(TraceId, usize)> =
            rows.flat_map(|(piece, ids)| ids.iter().map(move |id| (*id, piece))).collect();
        rows.sort_unstable();
        let mut order = Order::default();
        for same in rows.chunk_by(|(a, _), (b, _)| a == b) {
            let Some(&(id, piece)) = same.first() else { continue };
            order.traces.push(id);
            if same.len() == 1 {
                order.push(piece, true);
                continue;
            }
            same.iter().for_each(|(_, piece)| order.push(*piece, false));
            order.push(pieces.len(), true);
            order.shared.push(id);
        }
        order
    }

    fn push(&mut self, piece: usize, taken: bool) {
        match self.runs.last_mut() {
            Some(last) if (last.piece, last.taken) == (piece, taken) => last.rows += 1,
            _ => self.runs.push(Run { piece, rows: 1, taken }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_by_trace_and_shared_ones_are_made_anew() {
        let ids = |numbers: &[u8]| numbers.iter().map(|n| TraceId([*n; 16])).collect::<Vec<_>>();
        let run = |piece, rows, taken| Run { piece, rows, taken };
        let order = Order::new(&[ids(&[1, 2, 5, 7]), ids(&[3, 5, 8]), ids(&[])]);
        let expected = [
            run(0, 2, true),
            run(1, 1, true),
            run(0, 1, false),
            run(1, 1, false),
            run(3, 1, true),
            run(0, 1, true),
            run(1, 1, true),
        ];
        assert_eq!(order.runs, expected);
        assert_eq!((order.traces, order.shared), (ids(&[1, 2, 3, 5, 7, 8]), ids(&[5])));
        assert_eq!(Order::new(&[]), Order::default());
    }
}
