//! What a decoder brings along to be attacked.

use crate::memory;

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
