//! One bad value costs itself, nothing else.

use super::*;
use crate::columns::ValueType;
use crate::otlp::any::MAX_DEPTH;

const BAD: &[u8] = b"caf\xe9";

/// A request of one span, with these fields of each message beside those that it needs.
fn with(
    of_request: impl Fn(&mut Vec<u8>),
    of_resource: impl Fn(&mut Vec<u8>),
    of_scope_spans: impl Fn(&mut Vec<u8>),
    of_scope: impl Fn(&mut Vec<u8>),
    of_span: impl Fn(&mut Vec<u8>),
) -> Vec<u8> {
    let mut out = Vec::new();
    put::message(&mut out, 1, |rs| {
        put::message(rs, 1, &of_resource);
        put::message(rs, 2, |ss| {
            put::message(ss, 1, &of_scope);
            put::bytes(ss, 2, &span(&[1; 16], &[1; 8], |s| of_span(s)));
            of_scope_spans(ss);
        });
        of_request(rs);
    });
    out
}

fn none(_: &mut Vec<u8>) {}

/// A `KeyValue` in field `number`.
fn attr(out: &mut Vec<u8>, number: u32, key: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
    put::message(out, number, |kv| {
        put::bytes(kv, 1, key);
        put::message(kv, 2, value);
    });
}

/// Arrays in arrays, `depth` of them.
fn nested(depth: usize) -> Vec<u8> {
    let mut value = Vec::new();
    for _ in 0..depth {
        let mut array = Vec::new();
        put::bytes(&mut array, 1, &value);
        value.clear();
        put::bytes(&mut value, 5, &array);
    }
    value
}

fn decode(request: &[u8]) -> (crate::Columns, Outcome) {
    let mut b = Builder::new();
    let outcome = append_all(&mut b, request, &Limits::default()).unwrap();
    let columns = b.take();
    assert_eq!(columns.check(), Ok(()));
    (columns, outcome)
}

#[test]
fn text_that_is_not_utf8_is_mended_wherever_it_stands() {
    let name = |n| move |out: &mut Vec<u8>| put::bytes(out, n, BAD);
    let value = |n| move |out: &mut Vec<u8>| attr(out, n, b"k", |v| put::bytes(v, 1, BAD));
    let key = |n| move |out: &mut Vec<u8>| attr(out, n, BAD, |v| put::uint(v, 3, 7));
    let within =
        |n: u32, inner: fn(&mut Vec<u8>)| move |out: &mut Vec<u8>| put::message(out, n, inner);
    let list = |out: &mut Vec<u8>| {
        attr(out, 9, b"k", |v| {
            put::message(v, 6, |list| {
                attr(list, 1, BAD, |v| {
                    put::message(v, 5, |a| put::message(a, 1, |v| put::bytes(v, 1, BAD)))
                });
            });
        });
    };
    let table = [
        ("resource schema", with(name(3), none, none, none, none)),
        ("resource key", with(none, key(1), none, none, none)),
        ("resource value", with(none, value(1), none, none, none)),
        ("scope schema", with(none, none, name(3), none, none)),
        ("scope name", with(none, none, none, name(1), none)),
        ("scope version", with(none, none, none, name(2), none)),
        ("scope value", with(none, none, none, value(3), none)),
        ("trace state", with(none, none, none, none, name(3))),
        ("span name", with(none, none, none, none, name(5))),
        ("span key", with(none, none, none, none, key(9))),
        ("span value", with(none, none, none, none, value(9))),
        ("span list", with(none, none, none, none, list)),
        ("event name", with(none, none, none, none, within(11, |e| put::bytes(e, 2, BAD)))),
        ("event key", with(none, none, none, none, within(11, |e| attr(e, 3, BAD, none)))),
        ("link state", with(none, none, none, none, within(13, |l| put::bytes(l, 3, BAD)))),
        (
            "link value",
            with(
                none,
                none,
                none,
                none,
                within(13, |l| attr(l, 4, b"k", |v| put::bytes(v, 1, BAD))),
            ),
        ),
        ("status", with(none, none, none, none, within(15, |s| put::bytes(s, 2, BAD)))),
    ];
    for (what, request) in table {
        let (columns, outcome) = decode(&request);
        assert_eq!((outcome.accepted, outcome.rejected, outcome.mended), (1, 0, 1), "{what}");
        assert_eq!(outcome.left_out, 0, "{what}");
        let mut out = Vec::new();
        encode::resource_spans(&mut out, &columns, &[0]);
        assert!(out.windows(4).any(|four| four == b"caf?"), "{what}");
        assert!(!out.contains(&0xe9), "{what}");
    }
}

#[test]
fn an_attribute_that_cannot_be_read_is_left_out_and_counted_as_dropped() {
    type Put = fn(&mut Vec<u8>);
    let values: [(&str, Put); 5] = [
        ("a string as a number", |v| put::uint(v, 1, 1)),
        ("a double as a varint", |v| put::uint(v, 4, 1)),
        ("too deep", |v| v.extend_from_slice(&nested(MAX_DEPTH + 1))),
        ("far too deep", |v| v.extend_from_slice(&nested(5_000))),
        ("cut", |v| v.extend_from_slice(&[0x0a, 9, b'x'])),
    ];
    for (what, value) in values {
        let two = |number| {
            move |out: &mut Vec<u8>| {
                attr(out, number, b"bad", value);
                attr(out, number, b"good", |v| put::uint(v, 3, 7));
            }
        };
        let request = with(none, two(1), none, two(3), |s| {
            two(9)(s);
            // What the sender dropped itself is told behind the attributes.
            put::uint(s, 10, 4);
            put::message(s, 11, two(3));
            put::message(s, 13, two(4));
        });
        let (c, outcome) = decode(&request);
        assert_eq!((outcome.accepted, outcome.left_out), (1, 5), "{what}");
        assert_eq!(c.spans.dropped_attrs, [5], "{what}");
        let others = [&c.resources.dropped_attrs, &c.scopes.dropped_attrs, &c.events.dropped_attrs];
        assert_eq!(others, [&[1], &[1], &[1]], "{what}");
        assert_eq!(c.links.dropped_attrs, [1], "{what}");
        assert_eq!(c.span_attrs.value_type, [ValueType::Int], "{what}");
    }
}

#[test]
fn a_field_of_another_wire_type_is_one_that_is_not_set() {
    let request = with(
        |rs| put::uint(rs, 3, 1),
        |r| put::fixed32(r, 2, 1),
        none,
        |s| put::uint(s, 1, 1),
        |s| {
            put::bytes(s, 6, b"SERVER");
            put::uint(s, 7, 1_700_000_000);
            put::bytes(s, 8, b"2024-01-01");
            put::fixed64(s, 16, 1);
            put::uint(s, 15, 2);
            put::bytes(s, 5, b"name");
        },
    );
    let (c, outcome) = decode(&request);
    assert_eq!((outcome.accepted, outcome.rejected, outcome.left_out), (1, 0, 8));
    assert_eq!((c.spans.kind[0], c.spans.start[0], c.spans.end[0]), (0, 0, 0));
    assert_eq!(c.texts.str(c.spans.name[0]), "name");
}

#[test]
fn a_message_of_another_wire_type_is_none() {
    let mut request = with(
        |rs| {
            put::uint(rs, 1, 1);
            put::fixed64(rs, 2, 1);
        },
        |r| {
            put::uint(r, 1, 1);
            put::uint(r, 3, 1);
        },
        |ss| {
            put::uint(ss, 1, 1);
            put::uint(ss, 2, 1);
        },
        |s| put::fixed32(s, 3, 1),
        |s| [9, 11, 13].into_iter().for_each(|number| put::uint(s, number, 1)),
    );
    put::uint(&mut request, 1, 7);
    let (c, outcome) = decode(&request);
    assert_eq!((outcome.accepted, outcome.rejected, outcome.left_out), (1, 0, 11));
    assert_eq!((c.events.name.len(), c.links.span.len(), c.span_attrs.key.len()), (0, 0, 0));
    assert_eq!((c.resource_attrs.key.len(), c.scope_attrs.key.len()), (0, 0));
    assert_eq!(c.spans.dropped_attrs, [0]);
}

#[test]
fn an_id_that_is_none_costs_no_span() {
    for parent in [&[1; 3][..], &[1; 16], &[0; 16]] {
        let request = with(none, none, none, none, |s| put::bytes(s, 4, parent));
        let (c, outcome) = decode(&request);
        assert_eq!((outcome.accepted, outcome.rejected, outcome.left_out), (1, 0, 1), "{parent:?}");
        assert!(c.spans.parent[0].is_zero());
    }
    let link = |s: &mut Vec<u8>| {
        put::message(s, 13, |link| {
            put::bytes(link, 1, &[7; 8]);
            put::bytes(link, 2, &[8; 8]);
            put::bytes(link, 3, b"state");
        });
    };
    let (c, outcome) = decode(&with(none, none, none, none, link));
    assert_eq!((outcome.accepted, outcome.left_out), (1, 1));
    assert!(c.links.trace[0].is_zero() && !c.links.span[0].is_zero());
}

#[test]
fn a_group_is_passed_over() {
    // Field 50 as a group with a group in it, which has a field of each wire type.
    let mut group = Vec::new();
    for (number, wire) in [(50, 3), (9, 3), (50, 4), (50, 4)] {
        put::varint(&mut group, number << 3 | wire);
        if (number, wire) == (9, 3) {
            put::uint(&mut group, 1, 300);
            put::fixed64(&mut group, 1, 1);
            put::fixed32(&mut group, 1, 1);
            put::bytes(&mut group, 1, b"skipped");
        }
    }
    let plain = |number| move |out: &mut Vec<u8>| attr(out, number, b"k", |v| put::uint(v, 3, 7));
    let more = |out: &mut Vec<u8>| out.extend_from_slice(&group);
    let mut request = with(
        more,
        |r| {
            more(r);
            plain(1)(r);
        },
        more,
        |s| {
            more(s);
            plain(3)(s);
        },
        |s| {
            more(s);
            put::message(s, 9, |kv| {
                more(kv);
                put::bytes(kv, 1, b"k");
                put::message(kv, 2, |v| {
                    more(v);
                    put::uint(v, 3, 7);
                });
            });
        },
    );
    more(&mut request);
    let (c, outcome) = decode(&request);
    assert_eq!((outcome.accepted, outcome.rejected, outcome.left_out), (1, 0, 0));
    let kept = [c.resource_attrs.key.len(), c.scope_attrs.key.len(), c.span_attrs.key.len()];
    assert_eq!(kept, [1, 1, 1]);
    // One where an attribute should be is none; one without an end is no message.
    let (c, outcome) =
        decode(&with(none, none, none, none, |s| s.extend_from_slice(&[0x4b, 0x4c])));
    assert_eq!((outcome.left_out, c.span_attrs.key.len()), (1, 0));
    for cut in [&[0x4b][..], &[0x4c], &[0x4b, 0x4b, 0x4c]] {
        let request = with(none, none, none, none, |s| s.extend_from_slice(cut));
        let outcome = append_all(&mut Builder::new(), &request, &Limits::default()).unwrap();
        assert_eq!((outcome.accepted, outcome.rejected), (0, 1), "{cut:?}");
    }
}

#[test]
fn a_message_that_breaks_off_is_what_could_be_read() {
    const BREAK: &[u8] = &[0x0a, 99, 1];
    let broken = |number: u32, name: u32| {
        move |out: &mut Vec<u8>| {
            put::message(out, number, |m| {
                put::bytes(m, name, b"kept");
                m.extend_from_slice(BREAK);
            });
        }
    };
    let table = [
        ("resource", with(none, |r| r.extend_from_slice(BREAK), none, none, none)),
        ("scope", with(none, none, none, |s| s.extend_from_slice(BREAK), none)),
        ("event", with(none, none, none, none, broken(11, 2))),
        ("link", with(none, none, none, none, broken(13, 3))),
        ("status", with(none, none, none, none, broken(15, 2))),
        ("entity", with(none, broken(3, 2), none, none, none)),
    ];
    for (what, request) in table {
        let (c, outcome) = decode(&request);
        assert_eq!((outcome.accepted, outcome.rejected, outcome.left_out), (1, 0, 1), "{what}");
        let mut out = Vec::new();
        encode::resource_spans(&mut out, &c, &[0]);
        let kept = out.windows(4).any(|four| four == b"kept");
        assert_eq!(kept, ["event", "link", "status"].contains(&what), "{what}");
    }
}

#[test]
fn a_request_without_a_span_is_known() {
    let message = |number, inner: &[u8]| {
        let mut out = Vec::new();
        put::bytes(&mut out, number, inner);
        out
    };
    let mut bare = message(1, &[0x07; 16]);
    put::bytes(&mut bare, 2, &[1; 8]);
    put::bytes(&mut bare, 5, b"GET /");
    let table = [
        ("empty", Vec::new(), false),
        ("another message", message(1000, b"x"), true),
        ("a resource alone", message(1, &message(1, b"")), true),
        ("names of 0.x", message(1, &message(1000, b"")), true),
        ("a span", request(&[Vec::new()]), false),
        ("a span without its wrapper", bare, true),
    ];
    for (what, bytes, spanless) in table {
        let mut b = Builder::new();
        let outcome = append_all(&mut b, &bytes, &Limits::default()).unwrap();
        assert_eq!((outcome.spanless, outcome.accepted), (spanless, 0), "{what}");
    }
}

proptest! {
    /// Whatever an attribute holds, the span with it is kept.
    #[test]
    fn no_attribute_costs_its_span(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let request = with(none, |r| put::bytes(r, 1, &bytes), none, none, |s| {
            put::bytes(s, 9, &bytes);
            put::message(s, 9, |kv| put::bytes(kv, 2, &bytes));
        });
        let (columns, outcome) = decode(&request);
        prop_assert_eq!((columns.len(), outcome.accepted), (1, 1));
    }
}
