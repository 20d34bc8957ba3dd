//! Recorded requests without end: each round is the whole recording again, as other traces.

use anyhow::{Result, ensure};
use tributary_testkit::{NormalSpan, Recording};

/// Trace id, span id and kind of a span: by these it is known.
pub type Identity = [u8; 16 + 8 + 1];

/// One recorded request, where in its bytes the trace ids of its spans stand, and who its spans
/// are.
#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    trace_ids: Vec<usize>,
    identities: Vec<Identity>,
}

/// An endless row of requests.
#[derive(Debug)]
pub struct Traffic(Vec<Template>);

impl Traffic {
    /// Requests of these pods, the pods taking turns.
    ///
    /// # Errors
    /// When one cannot be decoded.
    pub fn of(recordings: &[Recording]) -> Result<Traffic> {
        let longest = recordings.iter().map(|r| r.records.len()).max().unwrap_or(0);
        let turns =
            (0..longest).flat_map(|i| recordings.iter().filter_map(move |r| r.records.get(i)));
        let templates = turns.map(|record| template(record)).collect::<Result<Vec<_>>>()?;
        ensure!(!templates.is_empty(), "no requests");
        Ok(Traffic(templates))
    }

    /// Requests of a round.
    pub fn requests(&self) -> usize {
        self.0.len()
    }

    /// Spans of a round.
    pub fn spans(&self) -> usize {
        self.0.iter().map(|t| t.trace_ids.len()).sum()
    }

    /// Request `i` and the number of its spans. The first round is as recorded; in every other
    /// the first four bytes of all trace ids differ.
    pub fn request(&self, i: usize) -> (Vec<u8>, usize) {
        let (round, i) = (i / self.0.len(), i % self.0.len());
        let Some(template) = self.0.get(i) else { return (Vec::new(), 0) };
        let mut bytes = template.bytes.clone();
        for &at in &template.trace_ids {
            change(bytes.get_mut(at..).unwrap_or_default(), round);
        }
        (bytes, template.trace_ids.len())
    }

    /// Who the spans of request `i` are.
    pub fn identities(&self, i: usize) -> impl Iterator<Item = Identity> {
        let (round, i) = (i / self.0.len(), i % self.0.len());
        let identities = self.0.get(i).map(|t| t.identities.as_slice()).unwrap_or_default();
        identities.iter().map(move |identity| {
            let mut identity = *identity;
            change(&mut identity, round);
            identity
        })
    }
}

/// Makes a trace id that of a round.
fn change(id: &mut [u8], round: usize) {
    let round = u32::try_from(round).unwrap_or(u32::MAX).to_be_bytes();
    id.iter_mut().zip(round).for_each(|(byte, change)| *byte ^= change);
}

/// Finds the trace ids of the spans: field 1, 16 bytes, in the order of the spans.
fn template(bytes: &[u8]) -> Result<Template> {
    let spans = NormalSpan::parse(bytes)?;
    let mut trace_ids = Vec::with_capacity(spans.len());
    let mut from = 0;
    for span in &spans {
        let needle = [&[0x0a, 16], span.trace_id.0.as_slice()].concat();
        let rest = bytes.get(from..).unwrap_or_default();
        let found = rest.windows(needle.len()).position(|window| window == needle);
        let Some(found) = found else { anyhow::bail!("trace id {} not found", span.trace_id) };
        trace_ids.push(from + found + 2);
        from += found + needle.len();
    }
    let identities = spans.iter().map(identity).collect::<Result<_>>()?;
    Ok(Template { bytes: bytes.to_vec(), trace_ids, identities })
}

fn identity(span: &NormalSpan) -> Result<Identity> {
    let kind = u8::try_from(span.kind)?;
    let bytes = [span.trace_id.0.as_slice(), &span.span_id.0, &[kind]].concat();
    bytes.try_into().map_err(|_| anyhow::anyhow!("ids of other lengths: {span:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_testkit::normal::compare;

    #[test]
    fn rounds_differ_in_trace_ids_alone() {
        let recording = tributary_testkit::recording("notifier").unwrap();
        let traffic = Traffic::of(std::slice::from_ref(&recording)).unwrap();
        let round = traffic.requests();
        assert_eq!(traffic.request(0).0, recording.records[0]);
        let first = NormalSpan::parse(&recording.records[0]).unwrap();
        let (bytes, spans) = traffic.request(round * 0x0102);
        let mut other = NormalSpan::parse(&bytes).unwrap();
        assert_eq!(spans, first.len());
        let expected: Vec<Identity> = other.iter().map(|span| identity(span).unwrap()).collect();
        let identities: Vec<Identity> = traffic.identities(round * 0x0102).collect();
        assert_eq!(identities, expected);
        for (span, was) in other.iter_mut().zip(&first) {
            assert_ne!(span.trace_id, was.trace_id);
            span.trace_id.0[2] ^= 1;
            span.trace_id.0[3] ^= 2;
        }
        assert_eq!(compare(&first, &other), Ok(()));
    }
}
