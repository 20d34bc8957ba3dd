//! Object storage as Tributary uses it: the only crate that names a cloud.
//!
//! In come a URL and its options ([`Store::open`]), then paths relative to that URL and bytes; out
//! come bytes, listings, and for a create-only write the answer to the one question that matters:
//! did these bytes become the object ([`Created`])? Nothing here knows of spans or of the journal.
//!
//! Only two kinds of write are used, because every kind of store has them: create-if-absent
//! ([`Store::create`]) and overwriting a key that has one owner ([`Store::put`]). A store that
//! ignores create-if-absent would lose acknowledged data without a sign of it, so
//! [`Store::probe`] tries it out at start and refuses such a store.
//!
//! Invariants
//! 1. [`Created::Won`] is answered only when the whole object with exactly these bytes was in the
//!    store. It may have got there by an earlier attempt whose answer was lost.
//! 2. [`Created::Lost`] is answered only when other bytes were read under that name.
//! 3. An error of `create` says nothing about the object: it may exist, or appear later. Calling
//!    again with the same bytes is always right; other bytes under the same name never are.
//! 4. Listings are sorted by path and show every object that was complete before the call.

mod counters;
mod create;
mod error;
mod hedge;
mod location;
mod open;
mod options;
mod probe;
mod store;
mod unfinished;

pub use counters::{Counters, Operations};
pub use error::StoreError;
pub use options::StoreOptions;
pub use probe::ProbeError;
pub use store::{Created, ObjectInfo, Store};
pub use unfinished::remove_unfinished;

/// Fills `bytes` with randomness from the operating system, for names and ids that no other
/// process may choose.
///
/// # Errors
/// When the operating system has none to give, which no supported one does after boot.
pub fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| {
        StoreError::Config(format!("the operating system gives no random bytes: {e}"))
    })?;
    Ok(bytes)
}
