//! Translations, from the bytes of each format to spans as another decoder reads them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers fail as loud as the test"
)]

mod bad_values;
mod hostile;
mod jaeger;
mod zipkin;

use tributary_receivers::format::Format;
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::Outcome;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_testkit::NormalSpan;
use tributary_testkit::normal::Value;

/// The spans that a body becomes.
fn spans(format: Format, body: &[u8]) -> Vec<NormalSpan> {
    let request = format.translate(body, 64 << 20).unwrap();
    NormalSpan::parse(&request).unwrap()
}

/// An attribute of a span, or of its resource.
fn attribute<'s>(span: &'s NormalSpan, key: &str) -> Option<&'s Value> {
    let all = span.attributes.iter().chain(&span.resource.attributes);
    all.into_iter().find(|(k, _)| k == key).map(|(_, value)| value)
}

fn text(value: &str) -> Value {
    Value::Str(value.to_owned())
}

/// What is kept of a body as the decoder of OTLP's protobuf has it, which counts what was left out.
fn kept(format: Format, body: &[u8]) -> (Columns, Outcome) {
    let request = format.translate(body, 1 << 20).unwrap();
    let mut builder = Builder::new();
    let outcome = append_all(&mut builder, &request, &Limits::default()).unwrap();
    (builder.take(), outcome)
}
