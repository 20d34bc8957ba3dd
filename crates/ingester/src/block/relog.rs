//! Spans that are logged again, because the store takes everything but their blocks: a folder that is
//! a file, a rule for one prefix, a name that it does not like. The blocks of all other tenants are
//! not to wait for that.
//!
//! Such a tenant's spans go into segments of an epoch of their own, and count as rejected in the slot
//! that covers the segments they came in. The epoch is this process's until it is adopted, which is
//! tried again with growing pauses ([`crate::group::LiveSpans::relogged`]): heartbeats name it, and queries read it.

use super::{CommitError, retry_until_done};
use crate::group::{Generation, LiveSpans};
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tributary_journal::segment::Header;
use tributary_journal::{EpochId, Journal, NewFrame, Sealed, SegmentBuilder, Uid};
use tributary_span::Columns;
use tributary_store::Created;
use tributary_wire::frame::Encoder;

/// A frame's columns have about so many bytes.
const FRAME: usize = 4 << 20;
/// A segment is sealed when it has so many.
const SEGMENT: usize = 4 << 20;

/// Logs spans again.
#[derive(Clone)]
pub(crate) struct Relogger {
    /// Where segments go.
    pub journal: Journal,
    /// Makes the ids of epochs and segments.
    pub ids: IdGenerator,
    /// Knows the new epochs as this process's own.
    pub live: Arc<LiveSpans>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Relogger {
    /// Logs the spans of these tenants again. When this returns they are durable, and read by
    /// queries, where they are now.
    ///
    /// # Errors
    /// When the operating system gives no random bytes, or spans do not fit into a segment.
    pub(super) async fn relog(
        &self,
        generation: &Generation,
        tenants: &BTreeSet<String>,
    ) -> Result<(), CommitError> {
        let epoch = self.ids.epoch()?;
        let mut segments = BTreeMap::new();
        for (tenant, batches) in generation.tenants.iter().filter(|(t, _)| tenants.contains(&***t))
        {
            let mut batches = batches.iter().flat_map(|batch| (**batch).clone().into_pieces(FRAME));
            let mut next = batches.next();
            while next.is_some() {
                let mut open = Open::new(tenant, self.ids.uid()?);
                while let Some(batch) = &next {
                    if !open.push(batch) {
                        break;
                    }
                    next = batches.next();
                }
                if open.seq == 0 {
                    return Err(CommitError::TooLargeToRelog(epoch));
                }
                self.metrics.spans_relogged.add(open.spans);
                let sealed = self.write(epoch, segments.len() as u64, open.builder).await?;
                segments.insert(sealed.info.n, sealed.info);
            }
        }
        tracing::error!(
            ?tenants, %epoch, segments = segments.len(),
            "the store takes no blocks of these tenants; their spans are logged again, and tried again from there"
        );
        self.live.add_relogged(epoch, segments);
        Ok(())
    }

    async fn write(
        &self,
        epoch: EpochId,
        n: u64,
        builder: SegmentBuilder,
    ) -> Result<Sealed, CommitError> {
        let instance = String::new();
        let written_ms = self.ids.unix_ms();
        let uid = self.ids.uid()?;
        let sealed = builder.seal(&Header { epoch, n, uid, written_ms, instance });
        let put = || self.journal.put_segment(&epoch, &sealed);
        match retry_until_done("log spans again", uid.0[0], put).await {
            Created::Won => Ok(sealed),
            Created::Lost => Err(CommitError::BornTwice(epoch)),
        }
    }
}

/// A segment of one tenant's spans: a stream of its own, so that it holds all that it defines.
struct Open {
    builder: SegmentBuilder,
    encoder: Encoder,
    tenant: Arc<str>,
    incarnation: Uid,
    seq: u64,
    spans: u64,
    /// Dictionary, and how many of its definitions are in the segment.
    defined: (u32, u32),
}

impl Open {
    fn new(tenant: &Arc<str>, incarnation: Uid) -> Self {
        Open {
            builder: SegmentBuilder::new(),
            encoder: Encoder::new(),
            tenant: tenant.clone(),
            incarnation,
            seq: 0,
            spans: 0,
            defined: (0, 0),
        }
    }

    /// Appends a frame; or finds that it belongs into the next segment.
    fn push(&mut self, columns: &Columns) -> bool {
        if self.builder.bytes() >= SEGMENT {
            return false;
        }
        let frame = self.encoder.encode(columns);
        if frame.dict != self.defined.0 {
            self.defined = (frame.dict, 0);
            self.encoder.release(frame.dict);
        }
        let new = self.defined.1..frame.needs.max(self.defined.1);
        let defines: Vec<u32> = new.clone().collect();
        let definitions = (!defines.is_empty())
            .then(|| self.encoder.definitions(frame.dict, new.clone()))
            .flatten()
            .unwrap_or_default();
        let pushed = self.builder.push(&NewFrame {
            stream: 0,
            tenant: &self.tenant,
            incarnation: self.incarnation,
            seq: self.seq + 1,
            dict: frame.dict,
            spans: frame.spans,
            defines: &defines,
            definitions: &definitions,
            payload: &frame.payload,
        });
        if pushed.is_err() {
            return false;
        }
        self.defined.1 = new.end;
        self.seq += 1;
        self.spans += u64::from(frame.spans);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::frames;
    use tributary_journal::Segment;
    use tributary_span::columns::Builder;
    use tributary_span::otlp::decode::{Limits, append_all};
    use tributary_testkit::sample;

    #[test]
    fn what_is_logged_again_is_read_back() {
        let mut open = Open::new(&"t".into(), Uid([3; 16]));
        let batch = |seed| {
            let mut builder = Builder::new();
            let bytes = prost::Message::encode_to_vec(&sample::request(seed));
            append_all(&mut builder, &bytes, &Limits::default()).unwrap();
            builder.take()
        };
        let batches: Vec<Columns> = (1..20).map(batch).collect();
        assert!(batches.iter().all(|batch| open.push(batch)));
        let header = Header {
            epoch: EpochId::new(0, [1; 12]),
            n: 0,
            uid: Uid([2; 16]),
            written_ms: 0,
            instance: String::new(),
        };
        let spans = open.spans;
        let segment = Segment::parse(open.builder.seal(&header).bytes).unwrap();
        let read: Vec<Columns> = frames(&segment).map(|(_, columns)| columns.unwrap()).collect();
        assert_eq!(read.iter().map(|columns| columns.len() as u64).sum::<u64>(), spans);
        assert_eq!(segment.info().spans, spans);
        let ids = |all: &[Columns]| {
            let mut ids: Vec<_> = all.iter().flat_map(|c| c.spans.id.iter().copied()).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(ids(&read), ids(&batches));
    }
}
