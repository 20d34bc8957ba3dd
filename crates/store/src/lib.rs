//! Object storage as Tributary uses it: the only crate that names a cloud.
//!
//! In come a URL and its options ([`Store::open`]), then paths relative to that URL and bytes; out
//! come bytes, listings, and for a create-only write the answer to the one question that matters:
//! did these bytes become the object ([`Created`])? Nothing here knows of spans or of the journal.
//!
//! Only two writes are used, because every store has them: create-if-absent
//! ([`Store::create`]) and overwriting a key that has one owner ([`Store::put`]). A store that
//! ignores create-if-absent would lose acknowledged data without a sign of it, so
//! [`Store::probe`] tries it out at start and refuses such a store.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use tributary_store::{Created, Store, StoreError, StoreOptions};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), StoreError> {
//!     let store = Store::open("memory:", &StoreOptions::default()).await?;
//!     store.put("a/name", Bytes::from_static(b"some bytes")).await?;
//!     assert_eq!(store.get_range("a/name", 0..4).await?, "some");
//!
//!     // By its first eight bytes a writer knows its object again.
//!     let ours = Bytes::from_static(b"writer 1 was first");
//!     let theirs = Bytes::from_static(b"writer 2 was second");
//!     assert_eq!(store.create("a/slot", ours.clone(), 0..8).await?, Created::Won);
//!     assert_eq!(store.create("a/slot", theirs, 0..8).await?, Created::Lost);
//!     assert_eq!(store.create("a/slot", ours, 0..8).await?, Created::Won);
//!     Ok(())
//! }
//! ```
//!
//! # Invariants
//!
//! 1. [`Created::Won`] is answered only when the whole object with exactly these bytes was in the
//!    store. It may have got there by an earlier attempt whose answer was lost.
//! 2. [`Created::Lost`] is answered only when other bytes were read under that name.
//! 3. An error of `create` says nothing about the object: it may exist, or appear later. Calling
//!    again with the same bytes is always right; other bytes under the same name never are.
//! 4. What a write to a folder was told to have succeeded is on the disk, contents and names, unless
//!    [`StoreOptions::fsync`] is off. After a sync that failed all writes fail.
//! 5. Listings are sorted by path and show every object that was complete before the call. Names that
//!    no object here can have are left out, and so is what lies in folders that may not be read.

#[cfg(feature = "cloud")]
mod answer;
mod attempts;
mod counters;
mod create;
#[cfg(feature = "cloud")]
mod credentials;
mod delete;
mod error;
mod folder;
mod foreign;
mod hedge;
mod location;
mod open;
mod options;
mod probe;
mod random;
mod read;
mod space;
mod store;
mod strangers;
mod sync;
mod unfinished;
mod write;

pub use counters::{Counters, Operations};
pub use create::Created;
pub use error::StoreError;
pub use options::StoreOptions;
pub use probe::ProbeError;
pub use random::random;
pub use read::ObjectInfo;
pub use space::DiskSpace;
pub use store::Store;
pub use unfinished::remove_unfinished;
pub use write::Upload;
