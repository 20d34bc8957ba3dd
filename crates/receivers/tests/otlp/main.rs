//! OTLP receivers as their clients see them: real sockets, raw bytes and an official client.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as loud as the test")]

mod bad;
mod client;
mod grpc;
mod harness;
mod http;
mod legacy;
mod life;
mod matrix;
mod requests;
mod tenants;
