//! The store on everything that it runs on here: memory, a folder, moto's S3 server, Azurite, and an S3
//! server of our own that misbehaves in the ways that were seen in the wild.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]

mod behaviour;
mod delete;
mod disk;
mod fake;
mod faults;
mod foreign;
mod probe;
mod settle;
mod space;
