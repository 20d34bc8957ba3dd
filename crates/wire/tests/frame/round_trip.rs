//! Any columns come out of a frame as they went in.

use crate::synthetic::{by_number, columns, span};
use crate::{Stream, spans};
use proptest::prelude::*;
use tributary_span::columns::Columns;
use tributary_wire::frame::{DecodeLimits, Decoder, Encoder, FrameError};

fn same(stream: &mut Stream, columns: &Columns) {
    let (frame, decoded) = stream.send(columns);
    let decoded = decoded.unwrap();
    assert_eq!(decoded.columns.check(), Ok(()));
    assert_eq!(spans(&decoded.columns), spans(columns));
    assert_eq!(frame.spans as usize, columns.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_spans_survive(frames in proptest::collection::vec(
        proptest::collection::vec(span(), 0..30), 1..5)) {
        let mut stream = Stream::new();
        for spans in &frames {
            // Twice, so that what the first time taught is used.
            same(&mut stream, &columns(spans));
            same(&mut stream, &columns(spans));
        }
    }
}

#[test]
fn no_spans_are_a_frame_too() {
    same(&mut Stream::new(), &Columns::default());
}

#[test]
fn columns_that_say_things_twice_survive() {
    let mut stream = Stream::new();
    let spans = by_number(0, 200);
    for _ in 0..4 {
        same(&mut stream, &columns(&spans));
        let mut twice = columns(&spans);
        // The same text under a second number, for every other value.
        for value in twice.span_attrs.key.iter_mut().step_by(2) {
            let bytes = twice.texts.get(*value).to_vec();
            *value = twice.texts.push(&bytes);
        }
        for name in twice.spans.name.iter_mut().step_by(2) {
            let bytes = twice.texts.get(*name).to_vec();
            *name = twice.texts.push(&bytes);
        }
        assert_eq!(twice.check(), Ok(()));
        same(&mut stream, &twice);
    }
}

#[test]
fn what_a_stream_has_defined_makes_its_frames_smaller() {
    let mut stream = Stream::new();
    for round in 0..20 {
        stream.send(&columns(&by_number(round * 100, 100))).1.unwrap();
    }
    let columns = columns(&by_number(2000, 100));
    let (taught, _) = stream.send(&columns);
    let mut fresh = Encoder::new();
    let untaught = fresh.encode(&columns);
    let defined = fresh.definitions(0, 0..untaught.needs).unwrap().len();
    let (taught, untaught) = (taught.payload.len(), untaught.payload.len() + defined);
    assert!(taught < untaught, "{taught} bytes when taught, {untaught} when not");
}

#[test]
fn a_dictionary_that_has_become_useless_is_followed_by_another() {
    let mut stream = Stream::new();
    let mut dicts = Vec::new();
    // Values that recur for a while and then never again: more than a dictionary can hold.
    for round in 0..400u64 {
        let mut batch = by_number(round * 50, 50);
        for (i, span) in batch.iter_mut().enumerate() {
            let text = format!("a rather long value, number {:>9}-{i}", round / 4);
            span.names[0] = text;
        }
        let columns = columns(&batch);
        let (frame, decoded) = stream.send(&columns);
        assert_eq!(spans(&decoded.unwrap().columns), spans(&columns));
        dicts.push(frame.dict);
        assert!(frame.needs < 8192, "{} definitions", frame.needs);
    }
    assert!(dicts.is_sorted());
    let last = *dicts.last().unwrap();
    assert!(last > 0, "one dictionary did for all");
    // Definitions of earlier dictionaries are there for frames sent again, until they are released.
    assert!(stream.encoder.definitions(0, 0..10).is_some());
    assert!(stream.encoder.definitions(last, 0..1).is_some());
    stream.encoder.release(last);
    assert!(stream.encoder.definitions(0, 0..10).is_none());
    assert!(stream.encoder.definitions(last, 0..1).is_some());
    assert!(stream.encoder.definitions(last, 0..u32::MAX).is_none());
}

#[test]
fn resent_frames_decode_on_a_fresh_stream() {
    let mut encoder = Encoder::new();
    let batches: Vec<_> = (0..6).map(|round| columns(&by_number(round * 80, 80))).collect();
    let frames: Vec<_> = batches.iter().map(|batch| encoder.encode(batch)).collect();
    // The first three were acknowledged; definitions are cut elsewhere than the first time.
    let mut decoder = Decoder::new(DecodeLimits::default());
    let needs = frames[3..].iter().map(|frame| frame.needs).max().unwrap();
    for range in [0..needs / 2, needs / 2..needs, 0..needs] {
        decoder.define(0, &encoder.definitions(0, range).unwrap()).unwrap();
    }
    for (frame, batch) in frames.iter().zip(&batches).skip(3) {
        let decoded = decoder.decode(frame.dict, &frame.payload).unwrap();
        assert_eq!(spans(&decoded.columns), spans(batch));
    }
}

#[test]
fn frames_without_their_definitions_are_refused() {
    let mut stream = Stream::new();
    let batch = columns(&by_number(0, 60));
    stream.send(&batch).1.unwrap();
    let (frame, decoded) = stream.send(&batch);
    decoded.unwrap();
    let fresh = Decoder::new(DecodeLimits::default());
    let refused = fresh.decode(frame.dict, &frame.payload).unwrap_err();
    assert!(matches!(refused, FrameError::Undefined { dict: 0, .. }), "{refused}");
    // The next dictionary drops the one before.
    stream.decoder.define(frame.dict + 1, &[]).unwrap();
    let refused = stream.decoder.decode(frame.dict, &frame.payload).unwrap_err();
    assert!(matches!(refused, FrameError::Undefined { .. }), "{refused}");
}

#[test]
fn limits_hold() {
    let batch = columns(&by_number(0, 100));
    let mut encoder = Encoder::new();
    let frame = encoder.encode(&batch);
    let definitions = encoder.definitions(0, 0..frame.needs).unwrap();
    let generous = DecodeLimits::default();
    let table = [
        (DecodeLimits { spans: 99, ..generous }, Some("spans")),
        (DecodeLimits { bytes: 4000, ..generous }, Some("bytes")),
        (DecodeLimits { spans: 100, ..generous }, None),
    ];
    for (limits, refused) in table {
        let mut decoder = Decoder::new(limits);
        decoder.define(0, &definitions).unwrap();
        let what = match decoder.decode(0, &frame.payload) {
            Ok(_) => None,
            Err(FrameError::TooLarge { what, .. }) => Some(what),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(what, refused);
    }
}

#[test]
fn a_definition_never_changes() {
    let mut stream = Stream::new();
    stream.send(&columns(&by_number(0, 30))).1.unwrap();
    let mut other = Encoder::new();
    let mut strange = by_number(0, 30);
    strange.iter_mut().for_each(|span| span.names[0].push('!'));
    let frame = other.encode(&columns(&strange));
    let definitions = other.definitions(0, 0..frame.needs).unwrap();
    assert!(matches!(stream.decoder.define(0, &definitions), Err(FrameError::Malformed(_))));
}
