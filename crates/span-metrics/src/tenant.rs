//! What is counted of one tenant.

use crate::attributes::{Found, Keys};
use crate::edge::{CLIENT, CONSUMER, ConnectionType, Edge, PRODUCER, SERVER, Side};
use crate::histogram::{EDGES, Exemplar, SPANS};
use crate::room::Room;
use crate::series::{Bound, Counted, SeriesTable, end_value};
use crate::spans::{Labelled, Resources};
use crate::stats::Stats;
use crate::totals::{EdgeTotals, SpanTotals, Target};
use crate::waiting::{Meeting, Waiting};
use crate::{Now, Settings, size};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use tributary_span::SpanId;
use tributary_span::columns::Columns;

/// Parts of the room for series, in eighths: spans of many names must not crowd out who calls whom.
const OF_SPANS: usize = 6;
const OF_OTHERS: usize = 8;
/// Rows and series that scratch memory is kept for.
const KEPT: usize = 4096;
/// OTLP's number of the status of an error.
const ERROR: i32 = 2;

/// What all tenants share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) series: Room,
    pub(crate) waiting: Room,
    pub(crate) stats: Stats,
    keys: Keys,
    scratch: Scratch,
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Shared {
        Shared {
            series: Room::new(settings.series_bytes),
            waiting: Room::new(settings.waiting_bytes),
            stats: Stats::default(),
            keys: Keys::new(&settings.dimensions),
            scratch: Scratch::default(),
            settings,
        }
    }

    fn bound(&self, eighths: usize) -> Bound {
        Bound { most: self.settings.series, eighths }
    }
}

/// Memory that is used again for each frame.
#[derive(Debug, Default)]
struct Scratch {
    resources: Resources,
    /// Attributes of the span at hand.
    own: Found,
    /// Series of this frame, by resource and name, kind and status.
    groups: HashMap<(u64, u64), Option<u32>, FixedState>,
    key: Vec<u8>,
    /// Rows that are sides of calls.
    sides: Vec<usize>,
}

impl Scratch {
    /// A large frame leaves no memory behind.
    fn shrink(&mut self) {
        self.groups.shrink_to(KEPT);
        self.sides.shrink_to(KEPT);
    }
}

/// Everything that is counted of one tenant.
#[derive(Debug, Default)]
pub(crate) struct Tenant {
    pub(crate) spans: SeriesTable<SpanTotals>,
    pub(crate) edges: SeriesTable<EdgeTotals>,
    /// By their labels as text.
    pub(crate) targets: SeriesTable<Target>,
    /// Where spans are counted that may have no series of their own.
    pub(crate) other_spans: SpanTotals,
    pub(crate) other_edges: EdgeTotals,
    waiting: Waiting,
    /// When spans came last.
    touched: u64,
}

fn pick<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

impl Tenant {
    /// Bytes that it takes from the beginning, beside its name.
    pub(crate) const LEAST_BYTES: usize =
        size_of::<Tenant>() + SpanTotals::LEAST_BYTES + EdgeTotals::LEAST_BYTES;

    /// Counts the spans of a frame.
    pub(crate) fn count(&mut self, columns: &Columns, shared: &mut Shared, now: Now) {
        self.touched = now.ms;
        shared.keys.begin(columns);
        self.read_resources(columns, shared, now);
        let Shared { settings, series, keys, scratch, stats, .. } = &mut *shared;
        let Scratch { resources, own, groups, key, .. } = scratch;
        let few = settings.dimensions.are_few();
        let bound = Bound { most: settings.series, eighths: OF_SPANS };
        let mut sides = std::mem::take(&mut scratch.sides);
        groups.clear();
        let spans = &columns.spans;
        for row in 0..columns.len() {
            let number = pick(&spans.resource, row);
            let resource = resources.get(keys, columns, number as usize);
            let (kind, status) = (pick(&spans.kind, row), pick(&spans.status_code, row));
            let (name, message) = (pick(&spans.name, row), pick(&spans.status_message, row));
            if !few {
                keys.find(columns, columns.attrs_of_span(row), own);
            }
            let labelled = Labelled { columns, resource, own, name, kind, status, message };
            let table = &mut self.spans;
            let mut find = || {
                key.clear();
                labelled.key(key, &settings.dimensions, keys, settings.target_info);
                table.find_or_add(key, bound, series)
            };
            let halves = |a: u32, b: u32| u64::from(a) << 32 | u64::from(b);
            let group =
                (halves(number, name.0), halves(kind.cast_unsigned(), status.cast_unsigned()));
            let found = match few {
                true => *groups.entry(group).or_insert_with(find),
                false => find(),
            };
            let totals = match found.and_then(|number| self.spans.get_mut(number)) {
                Some(series) => {
                    series.touched = now.ms;
                    &mut series.value
                }
                None => {
                    stats.spans_overflowed += 1;
                    &mut self.other_spans
                }
            };
            let ns = pick(&spans.end, row).saturating_sub(pick(&spans.start, row));
            let trace = columns.trace_of(row);
            let seen = Exemplar { trace, ns, unix_ms: now.unix_ms };
            totals.latency.observe(&SPANS, seen, |bytes| series.take(bytes, OF_SPANS));
            totals.size += size::of_span(columns, row);
            if (SERVER..=CONSUMER).contains(&kind) && resource.service.is_some() {
                sides.push(row);
            }
        }
        stats.spans += columns.len() as u64;
        for &row in &sides {
            self.side(columns, row, shared, now);
        }
        sides.clear();
        shared.scratch.sides = sides;
        shared.scratch.shrink();
    }

    fn read_resources(&mut self, columns: &Columns, shared: &mut Shared, now: Now) {
        let bound = shared.bound(OF_OTHERS);
        let Shared { settings, series, keys, scratch, .. } = shared;
        scratch.resources.begin(keys, columns);
        if !settings.target_info {
            return;
        }
        for number in 0..columns.resources.attrs_end.len() {
            let resource = scratch.resources.get(keys, columns, number);
            let Some(target) = resource.target(columns, number) else { continue };
            let found = self.targets.find_or_add(target.as_bytes(), bound, series);
            if let Some(target) = found.and_then(|number| self.targets.get_mut(number)) {
                target.touched = now.ms;
            }
        }
    }

    /// One side of a call has come.
    fn side(&mut self, columns: &Columns, row: usize, shared: &mut Shared, now: Now) {
        let spans = &columns.spans;
        let number = pick(&spans.resource, row) as usize;
        let Shared { keys, scratch, waiting, settings, .. } = &mut *shared;
        let Scratch { resources, own, .. } = scratch;
        let resource = resources.get(keys, columns, number);
        let Some(service) = &resource.service else { return };
        let (kind, parent) = (pick(&spans.kind, row), pick(&spans.parent, row));
        let is_client = matches!(kind, CLIENT | PRODUCER);
        // Of a server's span attributes tell of a caller outside, which only roots have.
        let tells = is_client || parent.is_zero();
        let attrs = columns.attrs_of_span(row).take(if tells { usize::MAX } else { 0 });
        keys.find(columns, attrs, own);
        let side = Side {
            service,
            kind,
            ns: pick(&spans.end, row).saturating_sub(pick(&spans.start, row)),
            failed: pick(&spans.status_code, row) == ERROR,
            found: [&resource.found, own],
            columns,
        };
        let span: SpanId = if is_client { pick(&spans.id, row) } else { parent };
        let at = Meeting { trace: columns.trace_of(row), span };
        let mut edge = self.waiting.take(&at, waiting).unwrap_or_default();
        match is_client {
            true => edge.add_client(&side),
            false => edge.add_server(&side, parent.is_zero()),
        }
        if edge.ends().is_some() {
            self.complete(&at, &edge, edge.ends(), edge.connection, shared, now);
        } else if !self.waiting.put(at, edge, now.ms + settings.wait_ms, waiting) {
            shared.stats.sides_dropped += 1;
        }
    }

    /// Counts a call whose ends are known.
    fn complete(
        &mut self,
        at: &Meeting,
        edge: &Edge,
        ends: Option<(&str, &str)>,
        connection: ConnectionType,
        shared: &mut Shared,
        now: Now,
    ) {
        let Some((client, server)) = ends else { return };
        let bound = shared.bound(OF_OTHERS);
        let Shared { scratch, series, stats, .. } = shared;
        scratch.key.clear();
        for value in [client, server, connection.name()] {
            scratch.key.extend_from_slice(value.as_bytes());
            end_value(&mut scratch.key);
        }
        let found = self.edges.find_or_add(&scratch.key, bound, series);
        let totals = match found.and_then(|number| self.edges.get_mut(number)) {
            Some(series) => {
                series.touched = now.ms;
                &mut series.value
            }
            None => {
                stats.edges_overflowed += 1;
                &mut self.other_edges
            }
        };
        stats.edges += 1;
        totals.failed += u64::from(edge.failed);
        let seen = |ns| Exemplar { trace: at.trace, ns, unix_ms: now.unix_ms };
        let mut take = |bytes| series.take(bytes, OF_OTHERS);
        totals.server.observe(&EDGES, seen(edge.server_ns), &mut take);
        totals.client.observe(&EDGES, seen(edge.client_ns), take);
    }

    /// Counts the calls that have waited long enough, as far as it is known who the other side is.
    pub(crate) fn expire(&mut self, shared: &mut Shared, now: Now) {
        while let Some((at, edge)) = self.waiting.next_due(now.ms, &mut shared.waiting) {
            let ends = edge.ends_of_one();
            if ends.is_none() {
                shared.stats.sides_expired += 1;
            }
            self.complete(&at, &edge, ends, ConnectionType::VirtualNode, shared, now);
        }
    }

    /// Drops what was not counted in since `before`; whether anything is left.
    pub(crate) fn drop_stale(&mut self, before: u64, shared: &mut Shared) -> bool {
        self.spans.drop_stale(before, &mut shared.series);
        self.edges.drop_stale(before, &mut shared.series);
        self.targets.drop_stale(before, &mut shared.series);
        self.touched >= before || self.series() > 0 || self.waiting.len() > 0
    }

    /// Bytes that it has taken for what may have no series of its own, beyond [`Tenant::LEAST_BYTES`].
    pub(crate) fn bytes(&self) -> usize {
        self.other_spans.bytes() + self.other_edges.bytes()
    }

    /// Sets of labels.
    pub(crate) fn series(&self) -> usize {
        self.spans.len() + self.edges.len() + self.targets.len()
    }

    /// Calls of which one side waits.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
