//! Frames of every earlier version decode.
//!
//! A golden file is a row of parts, each a `u32` little-endian length and that many bytes: for each
//! frame its definitions, its payload, and the spans that come of it (sorted, each with its resource
//! and scope in OTLP, each again behind its length). A golden file is never changed once a version has been
//! released; a new version of the format gets a new one.

use crate::synthetic::{by_number, columns};
use crate::{Stream, spans};
use std::path::PathBuf;
use tributary_wire::frame::Decoder;

fn path(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}.bin"))
}

fn put(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u32).to_le_bytes());
    out.extend_from_slice(part);
}

fn parts(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((len, rest)) = bytes.split_first_chunk::<4>() {
        let (part, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        parts.push(part);
        bytes = rest;
    }
    assert!(bytes.is_empty());
    parts
}

/// What today's encoder makes of a few synthetic frames.
fn today() -> Vec<u8> {
    let mut stream = Stream::new();
    let mut out = Vec::new();
    // Small ones, whose bodies are not compressed, and one large enough for it.
    for (first, count) in [(0, 12), (12, 1), (13, 60), (73, 40), (113, 3)] {
        let columns = columns(&by_number(first, count));
        let before = stream.sent.1;
        let (frame, decoded) = stream.send(&columns);
        let definitions = stream.encoder.definitions(0, before..stream.sent.1).unwrap();
        put(&mut out, &definitions);
        put(&mut out, &frame.payload);
        let mut expected = Vec::new();
        spans(&decoded.unwrap().columns).iter().for_each(|span| put(&mut expected, span));
        put(&mut out, &expected);
    }
    out
}

#[test]
fn version_1_decodes() {
    if std::env::var_os("TRIBUTARY_REGENERATE").is_some() {
        std::fs::write(path(1), today()).unwrap();
    }
    let golden = std::fs::read(path(1)).unwrap();
    let parts = parts(&golden);
    assert_eq!(parts.len(), 15);
    let mut decoder = Decoder::new(Default::default());
    for (i, frame) in parts.chunks(3).enumerate() {
        decoder.define(0, frame[0]).unwrap();
        let decoded = decoder.decode(0, frame[1]).unwrap();
        let expected: Vec<_> = self::parts(frame[2]).iter().map(|span| span.to_vec()).collect();
        assert_eq!(spans(&decoded.columns), expected, "frame {i}");
    }
    // The expected spans are what the numbers say, not merely what a decoder said once.
    let whole = columns(&by_number(0, 12));
    assert_eq!(self::parts(parts[2]), spans(&whole));
}
