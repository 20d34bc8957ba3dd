//! What a caller can be told.

/// Why nothing can be injected at all. What is wrong with one object alone is an
/// [`Outcome`](crate::Outcome).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// What should be injected would not start: the platform team mends its settings.
    #[error("the sidecar's settings cannot be injected\n  {}", .0.join("\n  "))]
    Context(Vec<String>),
    /// The text is no YAML or JSON that can be read.
    #[error("line {line}: {why}")]
    Text {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
}
