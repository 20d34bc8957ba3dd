//! Exit codes that subcommands share.

/// Wrong arguments, as `sysexits.h` has it and both programs have it too.
pub(crate) const USAGE: u8 = 64;
