//! Hostile bytes for every decoder: development only.
//!
//! A [`Target`] is a decoder with what belongs to it: inputs that its encoder made, how checksums
//! are set right after bytes were changed (or no change would ever get past them), how much memory
//! it may take, and what must be true of whatever it accepts. Each target is used twice:
//!
//! - `tests/hostile.rs` gives it truncations at each byte, each flipped bit, lengths that lie and
//!   random bytes, in a few seconds: what every change must pass. It begins with the short inputs
//!   alone;
//! - `cargo xtask fuzz [target] --seconds N` mutates for as long as it is told, recorded inputs
//!   too, prefers those that led to an answer not seen before, and keeps the input that broke the
//!   decoder in a file.
//!
//! To add a decoder, write a function of bytes beside those in `targets/` and add it to
//! [`TARGETS`].

pub mod engine;
pub mod memory;
mod mutate;
mod targets;

pub use mutate::mutate;
pub use targets::TARGETS;

/// A decoder under attack.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Inputs to start from, all of which it accepts: short ones, a few of them.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// More of them, for the long form: what was recorded of real senders.
    pub recorded: fn() -> Vec<Vec<u8>>,
    /// Decodes. Panics when something that was accepted breaks a promise; otherwise says in a few
    /// words how it ended, so that inputs which end in a new way are built upon.
    pub run: fn(&[u8]) -> String,
    /// Sets right what a checksum would refuse, as an attacker does.
    pub repair: fn(&mut [u8]),
    /// Bytes that it may hold at a time, whatever the input, and for each byte of input.
    pub memory: (usize, usize),
}

impl Target {
    /// A target without checksums that holds at most 64 KiB and 64 bytes for each byte of input.
    pub const fn new(
        name: &'static str,
        corpus: fn() -> Vec<Vec<u8>>,
        run: fn(&[u8]) -> String,
    ) -> Self {
        Target { name, corpus, recorded: Vec::new, run, repair: |_| {}, memory: (64 << 10, 64) }
    }

    /// The same with recorded inputs.
    pub const fn with_recorded(self, recorded: fn() -> Vec<Vec<u8>>) -> Self {
        Target { recorded, ..self }
    }

    /// The same with checksums that `repair` sets right.
    pub const fn with_checksums(self, repair: fn(&mut [u8])) -> Self {
        Target { repair, ..self }
    }

    /// The same with another bound of memory.
    pub const fn holding(self, fixed: usize, each_byte: usize) -> Self {
        Target { memory: (fixed, each_byte), ..self }
    }

    /// Runs it on one input, its memory watched.
    ///
    /// # Panics
    /// When the decoder does, or holds more than it may. Memory is only seen in programs whose
    /// allocator is [`memory::Counting`].
    pub fn attack(&self, input: &[u8]) -> String {
        let (ended, peak) = memory::peak(|| (self.run)(input));
        let (fixed, each) = self.memory;
        let most = fixed + each * input.len();
        assert!(
            peak <= most,
            "{}: {} bytes of input made it hold {peak} bytes, {most} are allowed ({ended})",
            self.name,
            input.len()
        );
        ended
    }
}
