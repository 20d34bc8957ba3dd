//! One bad value costs itself, in the binary encodings. (For JSON see `zipkin`.)

use super::kept;
use tributary_receivers::format::Format;
use tributary_span::columns::ValueType;
use tributary_span::protobuf::put;

/// A field's head in Thrift's binary protocol.
fn field(out: &mut Vec<u8>, ty: u8, id: u8, value: &[u8]) {
    out.extend_from_slice(&[ty, 0, id]);
    out.extend_from_slice(value);
}

fn text(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat()
}

const INT: [u8; 8] = 7i64.to_be_bytes();
/// A list of two 32-bit integers.
const NUMBERS: &[u8] = &[8, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];

/// Values of each type of Thrift's that our messages have: integer, string, list of no structs, struct.
fn any(ty: u8) -> Vec<u8> {
    match ty {
        10 => INT.to_vec(),
        11 => text(b"odd"),
        15 => NUMBERS.to_vec(),
        _ => vec![0],
    }
}

#[test]
fn a_field_of_another_type_of_thrifts_is_not_set() {
    // Ids of spans' fields with types that they do not have, and a list of something else.
    let jaeger =
        [(5, 10), (6, 11), (6, 15), (7, 11), (8, 11), (9, 12), (10, 10), (10, 15), (11, 12)];
    for (id, ty) in jaeger {
        let mut span = Vec::new();
        [1, 2, 3].into_iter().for_each(|id| field(&mut span, 10, id, &INT));
        field(&mut span, ty, id, &any(ty));
        span.push(0);
        let mut batch = Vec::new();
        field(&mut batch, 12, 1, &[0]);
        field(&mut batch, 15, 2, &[&[12, 0, 0, 0, 1][..], &span, &[0]].concat());
        let (_, outcome) = kept(Format::JaegerHttp, &batch);
        let counts = (outcome.accepted, outcome.rejected, outcome.left_out);
        assert_eq!(counts, (1, 0, 1), "jaeger: field {id} of type {ty}");
    }
    let zipkin =
        [(3, 10), (5, 11), (6, 11), (6, 15), (8, 15), (8, 12), (9, 10), (10, 11), (11, 12)];
    for (id, ty) in zipkin {
        let mut span = Vec::new();
        [1, 4].into_iter().for_each(|id| field(&mut span, 10, id, &INT));
        field(&mut span, ty, id, &any(ty));
        span.push(0);
        let (_, outcome) = kept(Format::ZipkinV1Thrift, &[&[12, 0, 0, 0, 1][..], &span].concat());
        let counts = (outcome.accepted, outcome.rejected, outcome.left_out);
        assert_eq!(counts, (1, 0, 1), "zipkin: field {id} of type {ty}");
    }
}

#[test]
fn a_tag_with_a_value_of_another_type_has_that_value() {
    // It says that it is a long, and holds a string.
    let mut tag = Vec::new();
    field(&mut tag, 11, 1, &text(b"k"));
    field(&mut tag, 8, 2, &3u32.to_be_bytes());
    field(&mut tag, 11, 3, &text(b"seven"));
    tag.push(0);
    let mut span = Vec::new();
    [1, 3].into_iter().for_each(|id| field(&mut span, 10, id, &INT));
    field(&mut span, 15, 10, &[&[12, 0, 0, 0, 1][..], &tag].concat());
    span.push(0);
    let mut batch = Vec::new();
    field(&mut batch, 15, 2, &[&[12, 0, 0, 0, 1][..], &span, &[0]].concat());
    let (c, outcome) = kept(Format::JaegerHttp, &batch);
    assert_eq!((outcome.accepted, outcome.left_out), (1, 0));
    assert_eq!(c.span_attrs.value_type, [ValueType::Str]);

    let mut request = Vec::new();
    put::message(&mut request, 1, |batch| {
        put::message(batch, 1, |span| {
            put::bytes(span, 1, &[1; 16]);
            put::bytes(span, 2, &[1; 8]);
            put::message(span, 8, |tag| {
                put::bytes(tag, 1, b"k");
                put::uint(tag, 2, 2);
                put::bytes(tag, 3, b"seven");
            });
        });
    });
    let (c, outcome) = kept(Format::JaegerGrpc, &request);
    assert_eq!((outcome.accepted, outcome.left_out), (1, 0));
    assert_eq!(c.span_attrs.value_type, [ValueType::Str]);
}

/// Adds fields to a message.
type Add<'f> = &'f dyn Fn(&mut Vec<u8>);

/// A request of two spans in protobuf: a good one, and one with what `odd` adds.
fn two(format: Format, odd: Add<'_>) -> Vec<u8> {
    let mut spans = Vec::new();
    let adds: [Add<'_>; 2] = [&|_| {}, odd];
    for add in adds {
        put::message(&mut spans, 1, |span| {
            put::bytes(span, 1, &[1; 16]);
            let id = if format == Format::JaegerGrpc { 2 } else { 3 };
            put::bytes(span, id, &[1; 8]);
            add(span);
        });
    }
    let mut out = spans.clone();
    if format == Format::JaegerGrpc {
        out.clear();
        put::bytes(&mut out, 1, &spans);
    }
    out
}

#[test]
fn a_field_of_another_wire_type_is_not_set() {
    for number in [3, 4, 6, 7, 8, 9, 10, 12] {
        let body = two(Format::JaegerGrpc, &|span| put::uint(span, number, 7));
        let (_, outcome) = kept(Format::JaegerGrpc, &body);
        let counts = (outcome.accepted, outcome.rejected, outcome.left_out);
        assert_eq!(counts, (2, 0, 1), "jaeger: field {number}");
    }
    for number in [2, 5, 6, 8, 9, 10, 11] {
        let body = two(Format::ZipkinV2Protobuf, &|span| put::uint(span, number, 7));
        let (_, outcome) = kept(Format::ZipkinV2Protobuf, &body);
        let counts = (outcome.accepted, outcome.rejected, outcome.left_out);
        assert_eq!(counts, (2, 0, 1), "zipkin: field {number}");
    }
}

#[test]
fn a_span_that_breaks_off_is_refused_alone_and_what_is_in_it_is_what_could_be_read() {
    for (format, inner) in [(Format::JaegerGrpc, 9), (Format::ZipkinV2Protobuf, 10)] {
        let body = two(format, &|span| span.extend_from_slice(&[0x2a, 99, 1]));
        let (_, outcome) = kept(format, &body);
        assert_eq!((outcome.accepted, outcome.rejected), (1, 1), "{format:?}");
        let body = two(format, &|span| put::bytes(span, inner, &[0x12, 99, 1]));
        let (c, outcome) = kept(format, &body);
        assert_eq!((outcome.accepted, outcome.rejected), (2, 0), "{format:?}");
        assert!(outcome.left_out > 0 && c.events.name.len() == 1, "{format:?}: {outcome:?}");
    }
}

#[test]
fn text_that_is_none_is_mended_and_counted() {
    let ids = |ids: &[u8]| {
        let mut span = Vec::new();
        ids.iter().for_each(|&id| field(&mut span, 10, id, &INT));
        span
    };
    let mut jaeger = ids(&[1, 2, 3]);
    field(&mut jaeger, 11, 5, &text(b"a\xff"));
    let mut batch = Vec::new();
    field(&mut batch, 12, 1, &[0]);
    field(&mut batch, 15, 2, &[&[12, 0, 0, 0, 1][..], &jaeger, &[0, 0]].concat());
    let mut zipkin = ids(&[1, 4]);
    field(&mut zipkin, 11, 3, &text(b"a\xff"));
    let zipkin = [&[12, 0, 0, 0, 1][..], &zipkin, &[0]].concat();
    let raw = br#"[{"traceId":"0000000000000001","id":"0000000000000002","name":"a#"}]"#;
    let raw: Vec<u8> = raw.iter().map(|&b| if b == b'#' { 0xff } else { b }).collect();
    let cut =
        br#"[{"traceId":"0000000000000001","id":"0000000000000002","name":"a\ud83d"}]"#.to_vec();
    for (format, body, expected) in [
        (Format::JaegerHttp, batch, "a?"),
        (Format::ZipkinV1Thrift, zipkin, "a?"),
        (Format::ZipkinV2Json, raw, "a?"),
        (Format::ZipkinV2Json, cut, "a\u{fffd}"),
    ] {
        let (columns, outcome) = kept(format, &body);
        assert_eq!(columns.texts.str(columns.spans.name[0]), expected, "{format:?}");
        assert_eq!((outcome.accepted, outcome.mended), (1, 1), "{format:?}");
    }
}
