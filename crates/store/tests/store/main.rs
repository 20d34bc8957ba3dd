//! The store on everything that it runs on here: memory, a folder, moto's S3 server, and an S3
//! server of our own that misbehaves in the ways that were seen in the wild.

mod behaviour;
mod fake;
mod probe;
mod settle;
