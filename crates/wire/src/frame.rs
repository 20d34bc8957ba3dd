//! The frame codec: columns to the bytes of one frame and back.
//!
//! An [`Encoder`] finds out what the spans of its lane have in common and defines it, once a stream:
//! texts that recur, resources, scopes, *shapes* (all of a span but ids, times and values) and
//! *templates* (a shape with those of its values that hardly change). A frame then says for each span
//! the number of its shape or template, its ids and times, and the values that are left. A [`Decoder`]
//! needs the frame and the definitions that it refers to, and nothing else.
//!
//! # Layout of a payload, version 1
//!
//! The payload is a MessagePack map (`envelope`). Numbers are LEB128 varints, *classes* are bytes
//! whose low bits stand in the string of bits (`number`), definitions are as in `definition`.
//!
//! Ids: 16 bytes for each trace, 8 for each span, 8 for each parent whose code is 1, and 24 (trace and
//! span) for each link.
//!
//! Body, each column for all rows before the next column:
//!
//! | what | how |
//! |---|---|
//! | definitions in use | count; distance of each number from the lowest possible one |
//! | literals | count; length of each; their bytes are the end of the body |
//! | the frame's own definitions | count; length and bytes of each: scopes, resources, shapes |
//! | traces | count; spans of each |
//! | shape of each span | place in the table of shapes |
//! | resource of each span | place in the table of resources; nothing when that has one entry |
//! | parent of each span | 0: none; 1: among the ids; 2 + k, k < 30: k steps up the tree from the row before, which is step 0 itself; 32 + d: d rows back |
//! | units | a byte: of starts in bits 0 and 1, of durations in bits 2 and 3; 0 to 3 are ns, µs, ms, s |
//! | starts | classes, as distance from the row before in the trace; a trace's first row from that of the trace before |
//! | durations | classes, in their unit |
//! | dropped counts | three numbers for each span whose shape has the bit |
//! | events, links | number of events for each span whose shape has the bit, then of links |
//! | shape of each event, of each link | places in the table of shapes |
//! | event times | classes, ns, from the span's start or the event before |
//! | dropped attributes | a number for each event whose shape has the bit, then of links |
//! | values | the columns below, one behind the other |
//!
//! Tables: texts are the definitions in use by number, then the literals. Shapes are the shapes
//! and templates in use, of spans, events and links, by number, then the frame's own. Resources
//! likewise. Scopes are the frame's own; shapes with definitions name theirs by number.
//!
//! Values: a column of trace states, one of status messages, then one for each key and type that
//! a shape in the table leaves open, in order of first appearance. Rows give their values in order,
//! each span's own, its trace state, its status message, those of its events, those of its links, a
//! link's trace state last. Texts: 0 is the empty one, 1 the next literal that nothing has
//! named yet, 2 + n place n. Integers: a byte (0: values, 1: differences), then classes. Doubles:
//! a byte, the number of bytes without trailing zero bytes, which stand among the bits. Bools: a byte.
//!
//! Invariants
//! 1. Rows of a trace stand together; within it a parent found by a code stands before its child.
//! 2. Each byte of the body and of the ids is accounted for; a rest is an error.
//! 3. The order of a span's attributes, events and links is kept; the order of spans is not.
//! 4. What an encoder of version 1 wrote, every later decoder reads (`tests/golden`).

mod decode;
mod definition;
mod encode;
mod envelope;
mod number;
mod values;
mod zip;

pub use decode::{DecodeLimits, Decoded, Decoder};
pub use encode::{EncodedFrame, Encoder};

/// Bytes of definitions that one dictionary may hold (W10), as they count before compression.
pub const MAX_DEFINITIONS_BYTES: usize = 64 << 10;

/// Why a frame or a blob of definitions cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes are not what an encoder writes: refuse the frame for good.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The payload refers to a definition that was never given: the stream is out of step.
    #[error("definition {number} of dictionary {dict} is not known")]
    Undefined {
        /// The dictionary.
        dict: u32,
        /// The definition.
        number: u32,
    },
    /// Decoding would take more than a limit allows: refuse the frame for good.
    #[error("too large: more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// A format version that this program does not know.
    #[error("version {0} of the frame format is not known")]
    Version(u32),
}

#[cfg(test)]
mod tests;
