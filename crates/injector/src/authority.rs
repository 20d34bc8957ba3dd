//! An authority of the injectors' own, for clusters without cert-manager: no leader, no files.
//!
//! The authority lies in a Secret that all replicas read; the replica that finds none creates it, and a
//! conflict means that another one was quicker. Each replica signs a certificate for itself, in memory,
//! and writes the authorities of the Secret into the `caBundle` of the webhook configuration, by
//! server-side apply and one field manager, so that replicas write the same and nothing else.
//!
//! # The Secret, version 1
//!
//! | key | |
//! |---|---|
//! | `ca.crt`, `ca.key` | the authority that signs: certificate and private key in PEM, P-256, ten years |
//! | `next.crt`, `next.key` | the one that comes after it, while it only is in bundles |
//! | `old.crt` | the one before it, while certificates that it has signed may be shown |
//!
//! Other keys are kept. A Secret that cannot be read is never written over.
//!
//! # Invariants
//!
//! 1. An authority signs at the earliest an hour after it was made, the first one excepted: every
//!    `caBundle` has it by then.
//! 2. It stays in `caBundle` until all that it has signed has ended.

mod api;
mod cluster;
mod plan;
mod secret;
mod sign;

pub(crate) use api::Api;
pub(crate) use cluster::{Cluster, Names, system_clock};
