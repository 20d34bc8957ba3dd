//! Requests at random: bytes of OTLP, so that the decoder makes the columns.

use super::attribute;
use proptest::prelude::*;
use tributary_span::protobuf::put;

fn values() -> impl Strategy<Value = Vec<u8>> {
    let put_into = |f: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        f(&mut out);
        out
    };
    let double = prop_oneof![
        any::<i32>().prop_map(|n| f64::from(n) / 8.0),
        prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0)],
    ];
    let leaf = prop_oneof![
        Just(Vec::new()),
        any::<String>().prop_map(move |s| put_into(&|o| put::bytes(o, 1, s.as_bytes()))),
        any::<bool>().prop_map(move |b| put_into(&|o| put::uint(o, 2, u64::from(b)))),
        any::<u64>().prop_map(move |n| put_into(&|o| put::uint(o, 3, n))),
        double.prop_map(move |n| put_into(&|o| put::fixed64(o, 4, n.to_bits()))),
        proptest::collection::vec(any::<u8>(), 0..5)
            .prop_map(move |b| put_into(&|o| put::bytes(o, 7, &b))),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        let entries = proptest::collection::vec(("[a-c]{1,2}", inner.clone()), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(move |values| put_into(&|o| {
                put::message(o, 5, |a| values.iter().for_each(|v| put::bytes(a, 1, v)));
            })),
            entries.prop_map(move |entries| put_into(&|o| {
                put::message(o, 6, |list| {
                    for (key, value) in &entries {
                        attribute(list, 1, key, |v| v.extend_from_slice(value));
                    }
                });
            })),
        ]
    })
}

type Attributes = Vec<(String, Vec<u8>)>;

fn attributes_of() -> impl Strategy<Value = Attributes> {
    proptest::collection::vec(("[a-z.]{1,4}", values()), 0..4)
}

fn put_attributes(out: &mut Vec<u8>, number: u32, attributes: &Attributes) {
    for (key, value) in attributes {
        attribute(out, number, key, |v| v.extend_from_slice(value));
    }
}

fn spans() -> impl Strategy<Value = Vec<u8>> {
    let ids = (1u8..4, any::<[u8; 8]>(), any::<[u8; 8]>());
    let numbers = (-2i32..9, any::<u64>(), any::<u64>(), -2i32..5, any::<u32>(), 0u32..3);
    let lists = (attributes_of(), attributes_of(), attributes_of());
    (ids, numbers, lists, any::<String>()).prop_map(|(ids, numbers, lists, text)| {
        let (trace, mut id, parent) = ids;
        let (kind, start, end, code, flags, dropped) = numbers;
        id[0] |= 1;
        let mut s = Vec::new();
        put::bytes(&mut s, 1, &[trace; 16]);
        put::bytes(&mut s, 2, &id);
        put::bytes(&mut s, 3, text.as_bytes());
        put::bytes(&mut s, 4, &parent);
        put::bytes(&mut s, 5, text.as_bytes());
        put::uint(&mut s, 6, i64::from(kind).cast_unsigned());
        put::fixed64(&mut s, 7, start);
        put::fixed64(&mut s, 8, end);
        put_attributes(&mut s, 9, &lists.0);
        put::uint(&mut s, 10, u64::from(dropped));
        put::message(&mut s, 11, |e| {
            put::fixed64(e, 1, end);
            put::bytes(e, 2, text.as_bytes());
            put_attributes(e, 3, &lists.1);
            put::uint(e, 4, u64::from(dropped));
        });
        put::uint(&mut s, 12, u64::from(dropped));
        put::message(&mut s, 13, |l| {
            put::bytes(l, 1, &[trace - 1; 16]);
            put::bytes(l, 2, &parent);
            put::bytes(l, 3, text.as_bytes());
            put_attributes(l, 4, &lists.2);
            put::uint(l, 5, u64::from(dropped));
            put::fixed32(l, 6, flags);
        });
        put::uint(&mut s, 14, u64::from(dropped));
        put::message(&mut s, 15, |st| {
            put::bytes(st, 2, text.as_bytes());
            put::uint(st, 3, i64::from(code).cast_unsigned());
        });
        put::fixed32(&mut s, 16, flags);
        s
    })
}

pub(super) fn requests() -> impl Strategy<Value = Vec<u8>> {
    let scopes =
        proptest::collection::vec(("[a-b]?", proptest::collection::vec(spans(), 0..4)), 0..3);
    proptest::collection::vec((attributes_of(), scopes), 0..3).prop_map(|resources| {
        let mut out = Vec::new();
        for (attributes, scopes) in &resources {
            put::message(&mut out, 1, |rs| {
                put::message(rs, 1, |r| {
                    put_attributes(r, 1, attributes);
                    put::uint(r, 2, attributes.len() as u64);
                });
                for (name, spans) in scopes {
                    put::message(rs, 2, |ss| {
                        put::message(ss, 1, |scope| {
                            put::bytes(scope, 1, name.as_bytes());
                            put::bytes(scope, 2, name.as_bytes());
                            put_attributes(scope, 3, attributes);
                            put::uint(scope, 4, name.len() as u64);
                        });
                        spans.iter().for_each(|s| put::bytes(ss, 2, s));
                        put::bytes(ss, 3, name.as_bytes());
                    });
                }
                put::bytes(rs, 3, b"https://schema");
            });
        }
        out
    })
}
