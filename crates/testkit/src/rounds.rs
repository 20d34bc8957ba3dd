//! Recorded requests over again, as if the same services had gone on: for more spans than were
//! recorded.
//!
//! What a further round has in common with the recording is what the services have: names, keys,
//! shapes of traces. What is new each time is new: ids, times, durations, and texts that occur in one
//! trace alone, in which digits become others. Clocks keep their resolution.

use crate::Random;
use crate::otlp::trace::v1::Span;
use crate::otlp::{AnyValue, ExportTraceServiceRequest, KeyValue, any_value::Value};
use anyhow::Result;
use prost::Message;
use std::collections::HashMap;

/// What is known of the recording as a whole.
#[derive(Default)]
struct Known {
    /// Earliest start in each trace.
    starts: HashMap<Vec<u8>, u64>,
    /// The trace that each text occurs in; none when there are several.
    texts: HashMap<String, Option<Vec<u8>>>,
    /// Nanoseconds from the first start to the last.
    length: u64,
}

/// `rounds` times the requests: first as they are, then as they might have gone on.
///
/// # Errors
/// When one of them is no `ExportTraceServiceRequest`.
pub fn rounds(requests: &[Vec<u8>], rounds: u64) -> Result<Vec<Vec<u8>>> {
    let mut decoded = Vec::with_capacity(requests.len());
    for request in requests {
        decoded.push(ExportTraceServiceRequest::decode(request.as_slice())?);
    }
    let known = Known::of(&mut decoded);
    let mut all = requests.to_vec();
    for round in 1..rounds {
        for request in &decoded {
            let mut request = request.clone();
            spans(&mut request, |span| known.renew(span, round));
            all.push(request.encode_to_vec());
        }
    }
    Ok(all)
}

fn spans(request: &mut ExportTraceServiceRequest, mut each: impl FnMut(&mut Span)) {
    let scopes = request.resource_spans.iter_mut().flat_map(|r| &mut r.scope_spans);
    scopes.flat_map(|scope| &mut scope.spans).for_each(&mut each);
}

fn texts(span: &mut Span, mut each: impl FnMut(&mut String)) {
    let events = span.events.iter_mut().flat_map(|e| &mut e.attributes);
    for attribute in span.attributes.iter_mut().chain(events) {
        if let KeyValue {
            value: Some(AnyValue { value: Some(Value::StringValue(text)) }), ..
        } = attribute
        {
            each(text);
        }
    }
}

fn seed(bytes: &[u8], round: u64) -> Random {
    let mixed = bytes.iter().fold(round, |seed, &b| Random::new(seed ^ u64::from(b)).bits());
    Random::new(mixed)
}

impl Known {
    fn of(requests: &mut [ExportTraceServiceRequest]) -> Self {
        let mut known = Known::default();
        for request in requests {
            spans(request, |span| {
                let (trace, start) = (span.trace_id.clone(), span.start_time_unix_nano);
                texts(span, |text| {
                    let found = known.texts.entry(text.clone());
                    let found = found.or_insert_with(|| Some(trace.clone()));
                    if found.as_ref().is_some_and(|of| *of != trace) {
                        *found = None;
                    }
                });
                let first = known.starts.entry(trace).or_insert(start);
                *first = start.min(*first);
            });
        }
        let (first, last) = (known.starts.values().min(), known.starts.values().max());
        known.length = last.zip(first).map_or(0, |(last, first)| last - first);
        known
    }

    fn renew(&self, span: &mut Span, round: u64) {
        let base = self.starts.get(&span.trace_id).copied().unwrap_or_default();
        let mut random = seed(&span.trace_id, round);
        let shift = round * self.length + random.draw(1_000_000_000);
        // All of a trace runs faster or slower, by a tenth at most.
        let pace = 900_000 + random.draw(200_000);
        let time = |t: u64| {
            let resolution = [1_000_000, 1000].into_iter().find(|r| t.is_multiple_of(*r));
            let since = u128::from(t.saturating_sub(base)) * u128::from(pace) / 1_000_000;
            let renewed = base + shift + u64::try_from(since).unwrap_or_default();
            renewed - renewed % resolution.unwrap_or(1)
        };
        span.start_time_unix_nano = time(span.start_time_unix_nano);
        span.end_time_unix_nano = time(span.end_time_unix_nano);
        span.events.iter_mut().for_each(|event| event.time_unix_nano = time(event.time_unix_nano));
        texts(span, |text| {
            if self.texts.get(text).is_some_and(Option::is_some) {
                let mut random = seed(text.as_bytes(), round);
                *text = digits(text, &mut random);
            }
        });
        let id = |id: &mut Vec<u8>| {
            let mut random = seed(id, round);
            id.iter_mut().for_each(|byte| *byte = random.byte());
        };
        id(&mut span.trace_id);
        id(&mut span.span_id);
        id(&mut span.parent_span_id);
        span.links.iter_mut().for_each(|link| {
            id(&mut link.trace_id);
            id(&mut link.span_id);
        });
    }
}

/// The text with other digits.
fn digits(text: &str, random: &mut Random) -> String {
    let mut digit = |c: char| match c.to_digit(10) {
        Some(_) => char::from(b'0' + u8::try_from(random.draw(10)).unwrap_or_default()),
        None => c,
    };
    text.chars().map(&mut digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NormalSpan, sample};

    #[test]
    fn rounds_differ_in_what_is_new_each_time() {
        let request = sample::request(1).encode_to_vec();
        let all = rounds(std::slice::from_ref(&request), 3).unwrap();
        assert_eq!((all.len(), &all[0]), (3, &request));
        let spans: Vec<_> = all.iter().map(|r| NormalSpan::parse(r).unwrap()).collect();
        for other in &spans[1..] {
            assert_eq!(other.len(), spans[0].len());
            assert_eq!(other[0].name, spans[0][0].name);
            assert_eq!(other[0].trace_id, other[1].trace_id);
            assert_ne!(other[0].trace_id, spans[0][0].trace_id);
            assert_ne!(other[0].span_id, spans[0][0].span_id);
        }
        assert_ne!(spans[1][0].span_id, spans[2][0].span_id);
    }
}
