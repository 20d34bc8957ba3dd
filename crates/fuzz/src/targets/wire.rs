//! Frames: two bytes with the length of the definitions, the definitions, the payload.

use prost::Message;
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_testkit::sample;
use tributary_wire::frame::{DecodeLimits, Decoder, Encoder};

/// What a frame may decompress to here.
pub(super) const LIMIT: usize = 1 << 20;
const SPANS: usize = 4096;

fn columns(requests: &[Vec<u8>]) -> Columns {
    let mut builder = Builder::new();
    for request in requests {
        decode::append_all(&mut builder, request, &Limits::default()).unwrap_or_default();
    }
    builder.take()
}

pub(super) fn frames() -> Vec<Vec<u8>> {
    let plain = |n: u64| (1..=n).map(|seed| sample::plain(seed).encode_to_vec()).collect();
    let whole = |n: u64| (1..=n).map(|seed| sample::request(seed).encode_to_vec()).collect();
    let batches: [Vec<Vec<u8>>; 4] = [plain(1), plain(3), whole(1), whole(4)];
    batches.iter().flat_map(|requests| stream(&columns(requests))).collect()
}

/// The first frame of a stream, and the fourth, which has more definitions to refer to.
fn stream(columns: &Columns) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new();
    let frames: Vec<_> = (0..4).map(|_| encoder.encode(columns)).collect();
    let ends = frames.first().into_iter().chain(frames.last());
    ends.filter_map(|frame| {
        let definitions = encoder.definitions(frame.dict, 0..frame.needs)?;
        let mut input = u16::try_from(definitions.len()).ok()?.to_le_bytes().to_vec();
        input.extend_from_slice(&definitions);
        input.extend_from_slice(&frame.payload);
        Some(input)
    })
    .collect()
}

/// Decodes; what is accepted keeps the invariants of columns and the limits, and goes through an
/// encoder and a decoder again.
pub(super) fn frame(input: &[u8]) -> String {
    let Some((len, rest)) = input.split_first_chunk::<2>() else { return "too short".to_owned() };
    let split = usize::from(u16::from_le_bytes(*len)).min(rest.len());
    let (definitions, payload) = rest.split_at(split);
    let mut decoder = Decoder::new(DecodeLimits { bytes: LIMIT, spans: SPANS });
    let defined = match decoder.define(0, definitions) {
        Ok(()) => String::new(),
        Err(error) => super::unquoted(&error) + "; ",
    };
    match decoder.decode(0, payload) {
        Err(error) => defined + &super::unquoted(&error),
        Ok(decoded) => {
            assert_eq!(decoded.columns.check(), Ok(()));
            let spans = decoded.columns.len();
            assert!(spans <= SPANS, "{spans} spans");
            again(&decoded.columns);
            format!("{defined}{spans} spans")
        }
    }
}

fn again(columns: &Columns) {
    let mut encoder = Encoder::new();
    let frame = encoder.encode(columns);
    let definitions = encoder.definitions(frame.dict, 0..frame.needs);
    let mut decoder = Decoder::new(DecodeLimits::default());
    let defined = decoder.define(frame.dict, &definitions.unwrap_or_default());
    let decoded = defined.and_then(|()| decoder.decode(frame.dict, &frame.payload));
    assert_eq!(decoded.map(|decoded| decoded.columns.len()), Ok(columns.len()));
}
