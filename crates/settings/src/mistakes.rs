//! What is wrong with the settings.

use std::fmt;

/// A mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it was made: a flag, a variable, or a file and a key in it.
    pub at: String,
    /// What is wrong there.
    pub why: String,
}

impl Mistake {
    pub(crate) fn new(at: impl Into<String>, why: impl Into<String>) -> Self {
        Mistake { at: at.into(), why: why.into() }
    }
}

/// All mistakes in the settings. Written as one message, a line each below a heading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} mistake", self.0.len())?;
        f.write_str(if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {}: {}", mistake.at, mistake.why))
    }
}
