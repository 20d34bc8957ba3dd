//! A writer and the adopter after it, stopped at every write they make, and what must be true
//! afterwards: every acknowledged row is in exactly one visible block, and nothing is left to do.
//!
//! The writer and the recovery here are as small as they can be, but take the steps that the
//! crate's documentation lists, in its order, over the real journal on a real store.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]

mod fuse;
mod ledger;
mod matrix;
mod pod;
