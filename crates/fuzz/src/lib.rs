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
mod target;
mod targets;

pub use mutate::mutate;
pub use target::Target;
pub use targets::TARGETS;
