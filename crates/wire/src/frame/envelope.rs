//! The outside of a payload: a MessagePack map with named fields.
//!
//! | field | what |
//! |---|---|
//! | `v` | version of the format: 1 |
//! | `i` | ids: of traces, of spans, of parents that are not in the frame, of links |
//! | `x` | a string of bits: the low bits of numbers |
//! | `b` | the body as it is, or |
//! | `z` | the body as a zstd frame without its magic number |
//!
//! Invariants
//! 1. A reader skips fields it does not know; a change that it must know of raises `v`, and every
//!    version is a map with a `v`.
//! 2. There is one of `b` and `z`.

use super::FrameError;
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u32 = 1;

/// A payload, taken apart.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "v")]
    pub(super) version: u32,
    #[serde(rename = "i", borrow, with = "serde_bytes")]
    pub(super) ids: &'a [u8],
    #[serde(rename = "x", borrow, with = "serde_bytes", default)]
    pub(super) bits: &'a [u8],
    #[serde(
        rename = "b",
        borrow,
        with = "serde_bytes",
        default,
        skip_serializing_if = "<[u8]>::is_empty"
    )]
    pub(super) plain: &'a [u8],
    #[serde(
        rename = "z",
        borrow,
        with = "serde_bytes",
        default,
        skip_serializing_if = "<[u8]>::is_empty"
    )]
    pub(super) packed: &'a [u8],
}

/// What each version's envelope has.
#[derive(Deserialize)]
struct Versioned {
    #[serde(rename = "v")]
    version: u32,
}

impl<'a> Envelope<'a> {
    pub(super) fn parse(payload: &'a [u8]) -> Result<Self, FrameError> {
        let envelope = rmp_serde::from_slice::<Envelope<'a>>(payload);
        let version = match &envelope {
            Ok(envelope) => Some(envelope.version),
            // A later version may have other fields, and is to be told from what is no envelope.
            Err(_) => rmp_serde::from_slice::<Versioned>(payload).ok().map(|of| of.version),
        };
        match (version, envelope) {
            (Some(other), _) if other != VERSION => Err(FrameError::Version(other)),
            (_, envelope) => envelope.map_err(|_| FrameError::Malformed("the envelope")),
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let len = self.ids.len() + self.bits.len() + self.plain.len() + self.packed.len();
        let mut out = Vec::with_capacity(len + 40);
        // Writing to memory fails for want of it alone, which aborts.
        let written = self.serialize(&mut rmp_serde::Serializer::new(&mut out).with_struct_map());
        debug_assert!(written.is_ok(), "a map of numbers and bytes");
        out
    }
}
