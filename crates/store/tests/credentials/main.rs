//! Credentials of all four clouds' pods, which live for seconds here: stand-ins for STS, for the agent
//! of EKS Pod Identity, for Google's metadata server and for Azure's login go down and come back
//! while a process of its own writes without a pause. The process has what a pod has: variables, and
//! a file with a token.
//!
//! The bucket knows when each credential ends by a clock of its own, and denies what comes later.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]

mod cloud;
mod outage;
mod writer;
