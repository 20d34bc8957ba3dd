//! Credentials of a cloud that end, renewed before they do.
//!
//! What hands them out is `object_store`'s: it knows how to ask STS (IRSA), the agent of EKS Pod
//! Identity, the metadata servers of Amazon, Google and Azure, and Azure's login (workload identity).
//! It asks within the first request of the last five minutes of a credential, each client for itself,
//! and a question that fails then fails the request, although the old credential would do. So one
//! [`Renewed`] stands between it and all clients of a store: it has a fresh provider of
//! `object_store`'s ask in the background from the half of a credential's life on ([`schedule`]), and
//! hands out the old credential until it ends (less a few seconds for requests on their way).
//!
//! When a credential ends, `object_store` does not tell: it is read from the answer as that comes in
//! ([`end`]). Credentials whose end is not told (keys that are set, tokens that the process signs
//! itself) stay with `object_store`'s provider.
//!
//! # Invariants
//!
//! 1. While a credential lives no request waits for another one, and none fails for the lack of one.
//! 2. One exchange at a time for all clients of a store.
//! 3. A request that finds no live credential waits for the exchange that is under way, if one is, and
//!    fails with what the last one said otherwise.
//! 4. No credential is logged or part of an error.

mod end;
mod exchange;
mod hint;
mod renewed;
mod schedule;

pub(crate) use exchange::Listening;
pub(crate) use hint::{NOT_READ, amazon, azure, google};
pub(crate) use renewed::renewed;

#[cfg(test)]
mod tests;
