//! The whole sidecar, in this process on free ports, between a sender and fake ingesters.

mod fake;
mod flow;
mod harness;
mod limits;
mod moves;
mod process;
#[cfg(feature = "tls")]
mod secure;
mod tenants;

use anyhow::{Result, anyhow};
use fake::Fake;
use harness::Sidecar;
use prost::Message;
use std::net::SocketAddr;
use tributary_testkit::http::Answer;
use tributary_testkit::otlp::ExportTraceServiceRequest;
use tributary_testkit::wait::SOON;
use tributary_testkit::{NormalSpan, http, wait_for};

/// Waits until the spans that were acknowledged are `expected`, exactly.
async fn acked(fakes: &[&Fake], expected: &[NormalSpan]) -> Result<()> {
    wait_for("all spans to be acknowledged", SOON, async || {
        let got: Vec<_> = fakes.iter().flat_map(|f| f.acked()).collect();
        if got.len() < expected.len() {
            return Err(format!("{} of {}", got.len(), expected.len()));
        }
        tributary_testkit::normal::compare(expected, &got)
    })
    .await
}

/// An encoded request with one span of a trace of its own.
fn plain(seed: u64) -> Vec<u8> {
    tributary_testkit::sample::plain(seed).encode_to_vec()
}

/// An encoded request with every field there is.
fn full(seed: u64) -> Vec<u8> {
    let request: ExportTraceServiceRequest = tributary_testkit::sample::request(seed);
    request.encode_to_vec()
}
