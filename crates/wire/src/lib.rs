//! The stream between a sidecar and an ingester: frames, definitions, acknowledgements, credits.
//!
//! In flow [`Columns`](tributary_span::Columns), out flow frames ([`frame::Encoder`]); on the other
//! side it is the reverse ([`frame::Decoder`]). The messages around the frames are generated from
//! `proto/wire.proto` ([`v1`]); which ingester gets which trace is decided by [`ring`]. Nothing
//! here opens a socket, holds a task or knows of storage.
//!
//! A frame, and what its receiver must have been given before:
//!
//! ```
//! use tributary_span::columns::{Builder, SpanFields, Text};
//! use tributary_span::{SpanId, TraceId};
//! use tributary_wire::frame::{DecodeLimits, Decoder, Encoder};
//!
//! let mut spans = Builder::new();
//! let resource = spans.end_resource(0, Text::EMPTY, Text::EMPTY);
//! let scope = spans.end_scope(Text::EMPTY, Text::EMPTY, 0, Text::EMPTY);
//! let (trace, id) = (TraceId([7; 16]), SpanId([1; 8]));
//! let name = spans.text(b"GET /cart");
//! spans.end_span(SpanFields { trace, id, name, resource, scope, ..SpanFields::default() });
//!
//! let mut encoder = Encoder::new();
//! let frame = encoder.encode(spans.columns());
//! assert_eq!(frame.spans, 1);
//!
//! let mut decoder = Decoder::new(DecodeLimits::default());
//! if let Some(definitions) = encoder.definitions(frame.dict, 0..frame.needs) {
//!     decoder.define(frame.dict, &definitions)?;
//! }
//! let decoded = decoder.decode(frame.dict, &frame.payload)?;
//! assert_eq!(decoded.columns.trace_of(0), trace);
//! assert_eq!(decoded.columns.texts.str(decoded.columns.spans.name[0]), "GET /cart");
//! # Ok::<(), tributary_wire::frame::FrameError>(())
//! ```
//!
//! # The protocol, version 1
//!
//! One gRPC stream (`Ingest.Push`) joins one *lane* of a sidecar to one ingester. A sidecar has a
//! lane for each group of traces that it routes apart ([`ring::group`]).
//!
//! **Hello**
//!
//! - W1. The first message of a stream is a `Frame` with nothing but `hello`; no other has one. The
//!   receiver answers with `Welcome` before anything else. A stream that starts otherwise ends with
//!   INVALID_ARGUMENT.
//! - W2. `hello.version` is the highest version that the sender speaks, `welcome.version` the one
//!   that both speak from there on: the lower of the two sides' highest. Versions only ever add
//!   fields and reply kinds; unknown fields and replies without a known kind are skipped. A receiver
//!   decodes the payloads of every earlier version for ever. A sender writes payloads of no later
//!   version than the welcome's, so receivers are upgraded first.
//! - W3. An incarnation is 16 random bytes, new at each start of the sending process. `(incarnation,
//!   lane, seq)` names a frame for ever: the same name never carries other spans.
//! - W17. `welcome.tenants` says what tenants mean that applications name to the sender. Where all of
//!   its spans are of one tenant, `hello.tenant` means nothing. Where each is of a named one, a
//!   stream with an empty `hello.tenant` is told so in a welcome and ended: so a sender asks before it
//!   takes a span that names none. A receiver that says nothing takes `hello.tenant` as it comes.
//!
//! **Numbers and acknowledgements**
//!
//! - W4. `seq` starts at 1 for each incarnation and lane and rises by 1 from frame to frame. On one
//!   stream frames stand in rising order; a stream may start at any number, and leaves numbers
//!   out only where an earlier stream has settled them.
//! - W5. `ack{seq}` says: each frame of this stream with a number up to and including `seq` is in
//!   object storage, or was rejected. It is cumulative, never falls, and is sent for no other
//!   reason. The sender then forgets those frames.
//! - W6. `reject{seq}` settles one frame, which will not be stored by this receiver. Permanent: the
//!   sender drops and counts it. Not permanent: the sender sends it again, later or elsewhere, on a
//!   new stream. A rejected frame has left nothing in storage.
//! - W7. What is neither acknowledged nor rejected for good when a stream ends is sent again on
//!   the next one, in the same order, with the same `seq`, `dict` and `payload`, byte for byte. It may
//!   therefore arrive twice; a receiver that remembers `(incarnation, lane, seq)` acknowledges the
//!   repeat no earlier than the first copy.
//!
//! **Credit**
//!
//! - W8. The credit is the sum of payload bytes that may be in flight: sent, not acknowledged, not
//!   rejected. `Welcome` sets it; each `ack` and `credit` sets it anew. It may shrink below what is
//!   in flight, which obliges the sender to nothing but waiting.
//! - W9. A sender with nothing in flight may always send one frame, however large, so no credit
//!   can stop a stream for ever. A receiver bounds frames by its message size limit instead.
//!
//! **Definitions**
//!
//! - W10. Definitions belong to one stream and one dictionary number. They are immutable, numbered
//!   from 0 without gaps, and a dictionary holds at most [`frame::MAX_DEFINITIONS_BYTES`] of them.
//! - W11. `frame.definitions` adds to dictionary `frame.dict`, before the payload is decoded. A frame
//!   needs no definition beyond those that it and the frames before it on the same stream have
//!   carried. A blob may repeat definitions, with the same content.
//! - W12. `dict` never falls on a stream. A sender may start a higher one with any frame; the
//!   receiver then drops the lower one.
//! - W13. A new stream starts without definitions: the sender sends those again that its frames
//!   need. Which frame carries them, and how they are cut, may differ from the first time.
//!
//! **Leaving**
//!
//! - W14. `drain` asks the sender to open a stream elsewhere and to send new frames there. The
//!   receiver goes on acknowledging; a sender whose frames are all settled closes the old stream.
//!   After `deadline_ms` the receiver closes it, and W7 holds. A receiver that is itself among
//!   `drain.members` stays: the stream alone is to be opened anew, there as elsewhere, so that who
//!   calls is looked at again.
//! - W15. `members` (also within `welcome` and `drain`) replaces what the sender knew of the
//!   ingesters. An empty list says nothing.
//! - W16. The sender closes a stream by half-closing it; the receiver then settles all frames it has
//!   received, and ends the stream with OK.

pub mod frame;
pub mod ring;

/// The messages and the service, generated from `proto/wire.proto`.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::large_futures,
    reason = "generated code"
)]
pub mod v1 {
    include!("gen/tributary.wire.v1.rs");
}

/// The protocol version that this crate speaks (W2).
pub const VERSION: u32 = 1;
