use super::*;
use tributary_span::TraceId;
use tributary_span::columns::{Attr, Builder, SpanFields};

struct Span(u8, u8, &'static str, &'static str, u64, u64, bool);

/// Spans of (id, parent, service, name, start ms, end ms, error).
fn trace(spans: &[Span]) -> Columns {
    let mut b = Builder::new();
    for &Span(id, parent, service, name, start, end, error) in spans {
        let (key, value) = (b.text(b"service.name"), b.text(service.as_bytes()));
        b.resource_attr(Attr { key, value_type: ValueType::Str, value: u64::from(value.0) });
        let resource = b.end_resource(0, Default::default(), Default::default());
        let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
        let name = b.text(name.as_bytes());
        b.end_span(SpanFields {
            trace: TraceId([0xab; 16]),
            id: SpanId([id; 8]),
            parent: SpanId([parent; 8]),
            resource,
            scope,
            name,
            start: start * 1_000_000,
            end: end * 1_000_000,
            status_code: if error { 2 } else { 0 },
            ..SpanFields::default()
        });
    }
    b.take()
}

const PLAIN: Style = Style { width: 59, colour: false };

#[test]
fn a_trace_is_a_tree_with_bars() {
    // The parent stands behind its child, and the siblings are not in the order of their starts.
    let columns = trace(&[
        Span(2, 1, "orders", "GET /orders", 25, 75, true),
        Span(1, 0, "web", "GET /", 0, 100, true),
        Span(4, 2, "orders", "SELECT", 50, 75, false),
        Span(3, 1, "web", "auth", 0, 25, false),
    ]);
    let expected = [
        "trace abababababababababababababababab: 4 spans, 2 services, 100 ms, 2 spans with an error",
        "  web     GET /         ████████████████████████   100 ms ✗",
        "  web     └ auth        ██████··················  25.0 ms  ",
        "  orders  └ GET /orders ······████████████······  50.0 ms ✗",
        "  orders    └ SELECT    ············██████······  25.0 ms  ",
    ];
    assert_eq!(waterfall(&columns, PLAIN), expected);
}

#[test]
fn lines_have_the_width_asked_for() {
    let columns = trace(&[
        Span(
            1,
            0,
            "a service with a very long name",
            "GET /a/very/long/path/that/does/not/fit",
            0,
            9,
            false,
        ),
        Span(2, 1, "ü", "naïve ünïcode näme thät ïs löng", 1, 2, false),
    ]);
    for width in [60, 80, 120, 200] {
        for line in &waterfall(&columns, Style { width, colour: false })[1..] {
            assert_eq!(line.chars().count(), width, "{line:?}");
        }
    }
    for width in 0..60 {
        assert_eq!(waterfall(&columns, Style { width, colour: false }).len(), 3, "{width}");
    }
}

#[test]
fn colours_are_there_only_when_asked_for() {
    let columns = trace(&[Span(1, 0, "web", "GET /", 0, 100, true)]);
    let coloured = waterfall(&columns, Style { colour: true, ..PLAIN });
    assert!(coloured[1].contains(RED) && coloured[1].contains(SERVICES[0]));
    let plain = waterfall(&columns, PLAIN);
    assert!(plain.iter().all(|line| !line.contains('\x1b')));
    let mut stripped = coloured.join("\n");
    for code in [RESET, DIM, BOLD, RED].iter().chain(&SERVICES) {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain.join("\n"));
}

#[test]
fn every_span_stands_once_whatever_the_parents_say() {
    let table: &[(&str, &[Span], &[usize])] = &[
        ("an orphan", &[Span(1, 9, "s", "a", 0, 1, false)], &[0]),
        ("its own parent", &[Span(1, 1, "s", "a", 0, 1, false)], &[0]),
        (
            "a circle",
            &[Span(1, 2, "s", "a", 0, 1, false), Span(2, 1, "s", "b", 0, 1, false)],
            &[0, 1],
        ),
        (
            "one id twice",
            &[Span(1, 0, "s", "a", 0, 1, false), Span(1, 0, "s", "b", 0, 1, false)],
            &[0, 0],
        ),
    ];
    for (what, spans, depths) in table {
        let got: Vec<usize> = outline(&trace(spans)).iter().map(|&(_, depth)| depth).collect();
        assert_eq!(&got, depths, "{what}");
    }
    assert_eq!(waterfall(&Columns::default(), PLAIN).len(), 1);
}

#[test]
fn names_cannot_move_the_cursor() {
    let columns = trace(&[Span(1, 0, "web", "a\x1b[2Jb\nc", 0, 1, false)]);
    let lines = waterfall(&columns, PLAIN);
    assert!(lines.iter().all(|line| !line.contains(['\x1b', '\n'])));
}

#[test]
fn bars_have_a_cell_and_end_within() {
    let table = [
        ((0, 100, 100, 10), (0, 10)),
        ((0, 0, 100, 10), (0, 1)),
        ((100, 100, 100, 10), (9, 1)),
        ((50, 51, 100, 10), (5, 1)),
        ((0, 0, 0, 10), (0, 1)),
        ((u64::MAX - 1, u64::MAX, u64::MAX, 10), (9, 1)),
        ((5, 15, 100, 10), (0, 2)),
    ];
    for ((from, to, total, width), expected) in table {
        assert_eq!(bar(from, to, total, width), expected, "{from}..{to} of {total}");
    }
}

#[test]
fn durations_have_three_or_four_digits() {
    let table = [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1 µs"),
        (999_400, "999 µs"),
        (1_000_000, "1.0 ms"),
        (99_940_000, "99.9 ms"),
        (250_000_000, "250 ms"),
        (1_000_000_000, "1.00 s"),
        (120_000_000_000, "120 s"),
    ];
    for (ns, expected) in table {
        assert_eq!(duration(Duration::from_nanos(ns)), expected);
    }
}
