use super::*;
use crate::otlp::encode;
use crate::protobuf::put;
use proptest::prelude::*;

mod bad_values;

fn request(spans: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    put::message(&mut out, 1, |rs| {
        // The resource stands behind its spans, which protobuf allows.
        put::message(rs, 2, |ss| {
            spans.iter().for_each(|s| put::bytes(ss, 2, s));
            put::message(ss, 1, |scope| put::bytes(scope, 1, b"the scope"));
        });
        put::message(rs, 1, |r| {
            put::message(r, 1, |kv| {
                put::bytes(kv, 1, b"service.name");
                put::message(kv, 2, |v| put::bytes(v, 1, b"shop"));
            });
            put::message(r, 3, |entity| put::bytes(entity, 2, b"service"));
        });
        put::bytes(rs, 3, b"https://schema/1");
    });
    out
}

fn span(trace: &[u8], id: &[u8], more: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    put::bytes(&mut out, 1, trace);
    put::bytes(&mut out, 2, id);
    more(&mut out);
    out
}

#[test]
fn spans_without_ids_are_refused_alone() {
    let good = span(&[1; 16], &[1; 8], |_| {});
    let table: Vec<(Vec<u8>, Reject)> = vec![
        (span(&[0; 16], &[1; 8], |_| {}), Reject::TraceId),
        (span(&[1; 15], &[1; 8], |_| {}), Reject::TraceId),
        (vec![], Reject::TraceId),
        (span(&[1; 16], &[0; 8], |_| {}), Reject::SpanId),
        (span(&[1; 16], &[1; 9], |_| {}), Reject::SpanId),
        (span(&[1; 16], &[1; 8], |s| s.push(0x2a)), Reject::Malformed(Malformed::Truncated)),
        (vec![0x0a, 16], Reject::Malformed(Malformed::Truncated)),
        (span(&[1; 16], &[1; 8], |s| put::bytes(s, 5, &[b'x'; 200])), Reject::TooLarge(200)),
    ];
    for (bad, expected) in table {
        let mut b = Builder::new();
        let limits = Limits { span_bytes: 200 };
        let outcome =
            append_all(&mut b, &request(&[good.clone(), bad, good.clone()]), &limits).unwrap();
        assert_eq!(
            outcome,
            Outcome { accepted: 2, rejected: 1, first: Some(expected), ..Outcome::default() }
        );
        assert_eq!(b.columns().check(), Ok(()));
    }
}

#[test]
fn a_broken_request_leaves_the_lanes_as_they_were() {
    let good = request(&[span(&[1; 16], &[1; 8], |_| {})]);
    let mut lanes = [Builder::new(), Builder::new()];
    let route = |t: &TraceId| usize::from(t.0[0].is_multiple_of(2));
    append(&mut lanes, route, &good, &Limits::default()).unwrap();
    let before: Vec<_> = lanes.iter().map(|l| l.columns().clone()).collect();
    let two = request(&[span(&[2; 16], &[1; 8], |_| {}), span(&[3; 16], &[1; 8], |_| {})]);
    for cut in 1..two.len() {
        assert!(
            append(&mut lanes, route, &two[..cut], &Limits::default()).is_err(),
            "cut at {cut}"
        );
        assert!(lanes.iter().map(Builder::columns).eq(&before), "cut at {cut}");
    }
}

#[test]
fn lanes_get_the_traces_that_are_theirs() {
    let spans: Vec<_> = (1..=10).map(|i| span(&[i; 16], &[i; 8], |_| {})).collect();
    let mut lanes = [Builder::new(), Builder::new(), Builder::new()];
    append(&mut lanes, |t| usize::from(t.0[0] % 3), &request(&spans), &Limits::default()).unwrap();
    assert_eq!(lanes.each_ref().map(Builder::len), [3, 4, 3]);
    for (i, lane) in lanes.iter().enumerate() {
        let c = lane.columns();
        assert_eq!(c.check(), Ok(()));
        assert!(c.traces.iter().all(|t| usize::from(t.0[0] % 3) == i));
        assert_eq!(c.resources.attrs_end.len(), 1);
        assert_eq!(c.texts.str(c.resources.schema_url[0]), "https://schema/1");
    }
}

#[test]
fn encoding_what_was_decoded_gives_the_same_columns() {
    let bytes = request(&[span(&[1; 16], &[1; 8], |s| {
        put::bytes(s, 3, b"k=v");
        put::bytes(s, 5, b"name");
        put::uint(s, 6, u64::MAX); // an enum of -1
        put::fixed64(s, 7, 1);
        put::message(s, 11, |e| {
            put::fixed64(e, 1, 3);
            put::bytes(e, 2, b"event");
        });
        put::message(s, 13, |l| put::fixed32(l, 6, 0x300));
        put::message(s, 9, |kv| {
            put::bytes(kv, 1, b"list");
            put::message(kv, 2, |v| {
                put::message(v, 5, |a| put::message(a, 1, |e| put::uint(e, 3, 4)))
            });
        });
        put::fixed32(s, 16, 0x101);
    })]);
    let mut first = Builder::new();
    append_all(&mut first, &bytes, &Limits::default()).unwrap();
    let mut out = Vec::new();
    encode::resource_spans(&mut out, first.columns(), &[0]);
    let mut second = Builder::new();
    append_all(&mut second, &out, &Limits::default()).unwrap();
    let mut again = Vec::new();
    encode::resource_spans(&mut again, second.columns(), &[0]);
    assert_eq!(out, again);
    assert_eq!(second.columns().spans.kind, [-1]);
    assert_eq!(count_spans(&out), Ok(1));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut b = Builder::new();
        append_all(&mut b, &bytes, &Limits::default()).ok();
        prop_assert_eq!(b.columns().check(), Ok(()));
    }

    #[test]
    fn flipped_bits_never_break_the_columns(at in 0usize..200, bit in 0u8..8) {
        let mut bytes = request(&[span(&[1; 16], &[1; 8], |s| {
            put::bytes(s, 5, b"name");
            put::message(s, 11, |e| put::message(e, 3, |kv| put::bytes(kv, 1, b"k")));
        }), span(&[2; 16], &[2; 8], |_| {})]);
        let len = bytes.len();
        bytes[at % len] ^= 1 << bit;
        let mut b = Builder::new();
        append_all(&mut b, &bytes, &Limits::default()).ok();
        prop_assert_eq!(b.columns().check(), Ok(()));
    }
}

/// An attribute as encoders write it, or (with `odd`) the same in other bytes.
fn put_attr(span: &mut Vec<u8>, key: &str, odd: bool, value: impl Fn(&mut Vec<u8>)) {
    put::message(span, 9, |kv| {
        if !odd {
            put::bytes(kv, 1, key.as_bytes());
        }
        put::message(kv, 2, |v| {
            if odd {
                // An earlier field of the same oneof, which the last one overrides.
                put::uint(v, 2, 1);
            }
            value(v);
        });
        if odd {
            put::bytes(kv, 1, key.as_bytes());
        }
    });
}

#[test]
fn quick_and_long_road_come_to_the_same() {
    let build = |odd: bool| {
        let spans: Vec<_> = (1..60u8)
            .map(|n| {
                span(&[1; 16], &[n; 8], |s| {
                    put::bytes(s, 5, format!("name {}", n % 3).as_bytes());
                    put_attr(s, "same", odd, |v| put::bytes(v, 1, b"value"));
                    if n % 4 > 0 {
                        put_attr(s, "often", odd, |v| put::bytes(v, 1, &[b'a' + n % 5]));
                    }
                    put_attr(s, "int", odd, |v| put::uint(v, 3, u64::from(n) << 33));
                    put_attr(s, "empty", odd, |v| put::bytes(v, 1, b""));
                    if n % 7 == 0 {
                        put_attr(s, "int", odd, |v| put::bytes(v, 1, b"a string this time"));
                    }
                    put_attr(s, "share", odd, |v| put::fixed64(v, 4, u64::from(n)));
                    put_attr(s, "long", odd, |v| put::bytes(v, 1, &vec![b'x'; usize::from(n) * 4]));
                })
            })
            .collect();
        let mut b = Builder::new();
        append_all(&mut b, &request(&spans), &Limits::default()).unwrap();
        b.take()
    };
    let (usual, odd) = (build(false), build(true));
    assert_eq!(usual.check(), Ok(()));
    let said = |c: &crate::Columns| -> Vec<Vec<u8>> {
        (0..c.len())
            .map(|row| {
                let mut out = Vec::new();
                encode::span(&mut out, c, row);
                out
            })
            .collect()
    };
    assert_eq!(said(&usual), said(&odd));
}

#[test]
fn bytes_that_are_known_as_bytes_are_mended_as_a_string() {
    let bad = [0xff, 0xfe];
    let as_bytes = span(&[1; 16], &[1; 8], |s| {
        put::bytes(s, 5, b"name");
        put_attr(s, "raw", false, |v| put::bytes(v, 7, &bad));
    });
    let as_string = span(&[1; 16], &[2; 8], |s| {
        put::bytes(s, 5, b"name");
        put_attr(s, "raw", false, |v| put::bytes(v, 1, &bad));
    });
    let as_name = span(&[1; 16], &[3; 8], |s| put::bytes(s, 5, &bad));
    let mut b = Builder::new();
    let bytes = request(&[as_bytes, as_string, as_name]);
    let outcome = append_all(&mut b, &bytes, &Limits::default()).unwrap();
    assert_eq!((outcome.accepted, outcome.rejected, outcome.mended), (3, 0, 2));
    let c = b.columns();
    assert_eq!(c.check(), Ok(()));
    assert_eq!(c.texts.str(c.spans.name[2]), "??");
}
