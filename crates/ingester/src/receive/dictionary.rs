//! What a stream has defined: frames refer to it, and so do the segments that they join.

use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tributary_wire::frame::{DecodeLimits, Decoded, Decoder, FrameError};
use tributary_wire::v1::Frame;

/// Definitions of one dictionary of one stream, shared with the segments that need them.
#[derive(Debug)]
pub(crate) struct Dictionary {
    /// Its number on the stream.
    pub number: u32,
    decoder: Mutex<Decoder>,
}

impl Dictionary {
    pub(super) fn new(number: u32) -> Self {
        Dictionary { number, decoder: Mutex::new(Decoder::new(DecodeLimits::default())) }
    }

    /// Takes in what a frame defines, before anything is made of its payload.
    pub(super) fn define(&self, frame: &Frame) -> Result<(), FrameError> {
        if frame.definitions.is_empty() {
            return Ok(());
        }
        self.lock().define(self.number, &frame.definitions)
    }

    pub(super) fn decode(&self, frame: &Frame) -> Result<Decoded, FrameError> {
        self.lock().decode(self.number, &frame.payload)
    }

    fn lock(&self) -> MutexGuard<'_, Decoder> {
        self.decoder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Definitions so far, in a form that any decoder takes.
    ///
    /// # Errors
    /// When a number is not defined, which a decoded frame's are.
    pub(crate) fn export(&self, numbers: &[u32]) -> Result<Bytes, FrameError> {
        self.lock().export(numbers)
    }
}
