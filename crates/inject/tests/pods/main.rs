//! Pods in, pods out: what [`tributary_inject::inject`] does to every kind of pod.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "code of a test fails it by panicking"
)]

mod asked;
mod beside;
mod container;
mod odd;
mod pod_security;
mod pods;
mod schema;
