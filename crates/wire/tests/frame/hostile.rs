//! No bytes from outside make a decoder panic, or give columns that break their invariants.

use crate::Stream;
use crate::synthetic::{by_number, columns};
use proptest::prelude::*;
use tributary_wire::frame::Decoder;

/// A stream's definitions, and a payload that needs them.
fn sample(spans: u64) -> (Vec<u8>, Vec<u8>) {
    let mut stream = Stream::new();
    for _ in 0..3 {
        stream.send(&columns(&by_number(0, spans))).1.unwrap();
    }
    let (frame, _) = stream.send(&columns(&by_number(3, spans)));
    let definitions = stream.encoder.definitions(0, 0..frame.needs).unwrap();
    (definitions.to_vec(), frame.payload.to_vec())
}

fn harmless(decoder: &mut Decoder, payload: &[u8]) -> bool {
    let decoded = decoder.decode(0, payload);
    decoded.is_ok_and(|decoded| {
        assert_eq!(decoded.columns.check(), Ok(()));
        true
    })
}

#[test]
fn truncated_payloads_are_refused() {
    for spans in [1, 8, 120] {
        let (definitions, payload) = sample(spans);
        let mut decoder = Decoder::new(Default::default());
        decoder.define(0, &definitions).unwrap();
        assert!(harmless(&mut decoder, &payload));
        for cut in 0..payload.len() {
            assert!(!harmless(&mut decoder, &payload[..cut]), "{spans} spans cut at {cut}");
        }
    }
}

#[test]
fn flipped_bits_do_no_harm() {
    for spans in [1, 8, 60] {
        let (definitions, payload) = sample(spans);
        let mut decoder = Decoder::new(Default::default());
        decoder.define(0, &definitions).unwrap();
        let mut flipped = payload.clone();
        for at in 0..payload.len() {
            for bit in 0..8 {
                flipped[at] ^= 1 << bit;
                harmless(&mut decoder, &flipped);
                flipped[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn spoiled_definitions_do_no_harm() {
    let (definitions, payload) = sample(20);
    for at in 0..definitions.len() {
        for bit in 0..8 {
            let mut spoiled = definitions.clone();
            spoiled[at] ^= 1 << bit;
            let mut decoder = Decoder::new(Default::default());
            decoder.define(0, &spoiled).ok();
            harmless(&mut decoder, &payload);
        }
        let mut decoder = Decoder::new(Default::default());
        decoder.define(0, &definitions[..at]).ok();
        harmless(&mut decoder, &payload);
    }
}

proptest! {
    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut decoder = Decoder::new(Default::default());
        decoder.define(0, &bytes).ok();
        harmless(&mut decoder, &bytes);
    }
}
