//! `deploy/`: what the chart and Kustomize make is what Kubernetes takes, each says the same as the
//! other, and what it sets is what the programs take. (That the plain files are what the chart makes is
//! told by `cargo xtask manifests --check`.)

#![expect(clippy::indexing_slicing, reason = "what is not there is `Value::Null`")]

mod agree;
mod chart;
mod files;
mod kustomize;
mod network;
mod operators;
mod programs;
mod schema;
mod security;
mod tools;
mod webhook;
