//! The order of spans in a frame, and what follows from it: gaps instead of times, and parents as
//! steps in the tree.

use crate::frame::number::BitWriter;
use tributary_span::Columns;
use tributary_span::protobuf::put::varint;

/// The row of a parent that is not in the frame.
const NONE: u32 = u32::MAX;

/// How many rows back a parent is looked for that no step of the tree leads to.
const REACH: usize = 256;

/// How many steps up the tree are tried.
pub(in crate::frame) const STEPS: u32 = 30;

/// Rows in the order of the frame: by trace, then by start, then the longer span first, which puts
/// parents before children.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) order: Vec<u32>,
    /// Number of the trace and of its spans.
    pub(super) groups: Vec<(u32, u32)>,
    counts: Vec<u32>,
    ids: Vec<u64>,
    parents: Vec<u64>,
    parent_rows: Vec<u32>,
}

impl Rows {
    pub(super) fn arrange(&mut self, columns: &Columns) {
        let s = &columns.spans;
        self.counts.clear();
        self.counts.resize(columns.traces.len(), 0);
        for &trace in &s.trace {
            if let Some(count) = self.counts.get_mut(trace as usize) {
                *count += 1;
            }
        }
        self.groups.clear();
        let mut end = 0;
        for (trace, count) in self.counts.iter_mut().enumerate() {
            if *count > 0 {
                self.groups.push((trace as u32, *count));
            }
            // From here on: where the next row of the trace goes.
            end += std::mem::replace(count, end);
        }
        self.order.clear();
        self.order.resize(s.trace.len(), 0);
        for (row, &trace) in s.trace.iter().enumerate() {
            if let Some(next) = self.counts.get_mut(trace as usize)
                && let Some(place) = self.order.get_mut(*next as usize)
            {
                *place = row as u32;
                *next += 1;
            }
        }
        let mut rest = self.order.as_mut_slice();
        for &(_, count) in &self.groups {
            let Some((group, tail)) = rest.split_at_mut_checked(count as usize) else { break };
            group.sort_unstable_by_key(|&row| {
                let at = row as usize;
                let start = s.start.get(at).copied().unwrap_or_default();
                (start, !s.end.get(at).copied().unwrap_or_default(), row)
            });
            rest = tail;
        }
    }

    /// Appends the span ids to `ids`, then the parents' codes to `body` and to `ids` those of
    /// parents that a code does not lead to.
    pub(super) fn write_ids(&mut self, columns: &Columns, body: &mut Vec<u8>, ids: &mut Vec<u8>) {
        let s = &columns.spans;
        self.ids.clear();
        self.parents.clear();
        for &row in &self.order {
            let id = s.id.get(row as usize).copied().unwrap_or_default();
            let parent = s.parent.get(row as usize).copied().unwrap_or_default();
            ids.extend_from_slice(&id.0);
            self.ids.push(u64::from_le_bytes(id.0));
            self.parents.push(u64::from_le_bytes(parent.0));
        }
        let (mut rest_ids, mut rest_parents) = (self.ids.as_slice(), self.parents.as_slice());
        for &(_, count) in &self.groups {
            let count = count as usize;
            let (Some((group, tail)), Some((parents, parents_tail))) =
                (rest_ids.split_at_checked(count), rest_parents.split_at_checked(count))
            else {
                break;
            };
            (rest_ids, rest_parents) = (tail, parents_tail);
            self.parent_rows.clear();
            for (at, &parent) in parents.iter().enumerate() {
                let (code, parent_row) = code(group, parents, &self.parent_rows, at, parent);
                if code == 1 {
                    ids.extend_from_slice(&parent.to_le_bytes());
                }
                varint(body, u64::from(code));
                self.parent_rows.push(parent_row);
            }
        }
    }

    /// Appends the classes of starts and then of durations to `body`, and their bits to `bits`.
    pub(super) fn write_times(&self, columns: &Columns, body: &mut Vec<u8>, bits: &mut BitWriter) {
        let s = &columns.spans;
        let (mut starts, mut durations) = (Unit::start(), Unit::start());
        for (&start, &end) in s.start.iter().zip(&s.end) {
            starts.see(start);
            durations.see(end.wrapping_sub(start).cast_signed().unsigned_abs());
        }
        body.push(starts.code | durations.code << 2);
        let (start_unit, duration_unit) = (starts.ns(), durations.ns());
        let mut rows = self.order.iter();
        let mut group_start = 0u64;
        for &(_, count) in &self.groups {
            let mut before = group_start;
            for (i, &row) in rows.by_ref().take(count as usize).enumerate() {
                let start = s.start.get(row as usize).copied().unwrap_or_default() / start_unit;
                body.push(bits.put_number(start.wrapping_sub(before).cast_signed()));
                before = start;
                if i == 0 {
                    group_start = start;
                }
            }
        }
        for &row in &self.order {
            let start = s.start.get(row as usize).copied().unwrap_or_default();
            let end = s.end.get(row as usize).copied().unwrap_or_default();
            let duration = end.wrapping_sub(start).cast_signed();
            body.push(bits.put_number(duration / duration_unit.cast_signed()));
        }
    }
}

/// The largest unit that a column's times are whole multiples of.
struct Unit {
    code: u8,
}

/// Units by code, in ns.
pub(in crate::frame) const UNITS: [u64; 4] = [1, 1_000, 1_000_000, 1_000_000_000];

impl Unit {
    fn start() -> Self {
        Unit { code: 3 }
    }

    #[inline]
    fn see(&mut self, time: u64) {
        while self.code > 0 && !time.is_multiple_of(self.ns()) {
            self.code -= 1;
        }
    }

    fn ns(&self) -> u64 {
        UNITS.get(usize::from(self.code)).copied().unwrap_or(1)
    }
}

/// The code of the parent of the span at `at` in its group, and the parent's row.
///
/// 0: there is no parent. 1: its id stands among the ids. 2 + k: k steps up the tree from the row
/// before, so that 2 is that row and 3 its parent, in the frame or not. 2 + [`STEPS`] + d: the row d
/// rows back.
#[inline]
fn code(ids: &[u64], parents: &[u64], parent_rows: &[u32], at: usize, parent: u64) -> (u32, u32) {
    if parent == 0 {
        return (0, NONE);
    }
    let Some(before) = at.checked_sub(1) else { return (1, NONE) };
    let mut row = before;
    if ids.get(row) == Some(&parent) {
        return (2, row as u32);
    }
    for step in 1..STEPS {
        let up = parent_rows.get(row).copied().unwrap_or(NONE);
        if parents.get(row) == Some(&parent) {
            return (2 + step, up);
        }
        if up == NONE {
            break;
        }
        row = up as usize;
    }
    let earlier = ids.get(..at).unwrap_or_default();
    match earlier.iter().rev().take(REACH).position(|&id| id == parent) {
        Some(back) => (2 + STEPS + back as u32 + 1, (before - back) as u32),
        None => (1, NONE),
    }
}
