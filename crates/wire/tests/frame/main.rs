//! Frames from outside: what goes in comes out, and nothing that comes in does harm.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]
#![expect(clippy::indexing_slicing, reason = "code of a test fails it by panicking")]

mod golden;
mod hostile;
mod recorded;
mod round_trip;
mod synthetic;

use tributary_span::columns::{Builder, Columns};
use tributary_span::otlp::{Limits, decode, encode};
use tributary_wire::frame::{Decoded, Decoder, EncodedFrame, Encoder, FrameError};

/// Each span with its resource and scope, as OTLP, in one order whatever order they were in.
fn spans(columns: &Columns) -> Vec<Vec<u8>> {
    let mut spans: Vec<_> = (0..columns.len() as u32)
        .map(|row| {
            let mut out = Vec::new();
            encode::resource_spans(&mut out, columns, &[row]);
            out
        })
        .collect();
    spans.sort();
    spans
}

/// The columns of an OTLP request.
fn columns(request: &[u8]) -> Columns {
    let mut builder = Builder::new();
    decode::append_all(&mut builder, request, &Limits::default()).unwrap();
    builder.take()
}

/// An encoder and a decoder with a stream between them.
struct Stream {
    encoder: Encoder,
    decoder: Decoder,
    sent: (u32, u32),
}

impl Stream {
    fn new() -> Self {
        let (encoder, decoder) = (Encoder::new(), Decoder::new(Default::default()));
        Stream { encoder, decoder, sent: (0, 0) }
    }

    /// Encodes, and sends the definitions that the stream has not carried yet.
    fn send(&mut self, columns: &Columns) -> (EncodedFrame, Result<Decoded, FrameError>) {
        let frame = self.encoder.encode(columns);
        if self.sent.0 != frame.dict {
            self.sent = (frame.dict, 0);
        }
        let fresh = self.sent.1..frame.needs.max(self.sent.1);
        self.sent.1 = fresh.end;
        let definitions = self.encoder.definitions(frame.dict, fresh).unwrap();
        self.decoder.define(frame.dict, &definitions).unwrap();
        let decoded = self.decoder.decode(frame.dict, &frame.payload);
        (frame, decoded)
    }
}
