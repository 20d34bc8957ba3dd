//! Spans out of segments: for adoption, for generations that had to leave memory, for queries.
//!
//! What is to become of a segment is decided by what was read of it ([`Content`]), after the journal
//! has read it twice if need be. Nothing of it is done with unless every byte was understood, or a copy
//! of all of them is kept.

use crate::group::{Batch, Generation};
use crate::metrics::Metrics;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;
use tributary_journal::segment::{Group, SegmentError};
use tributary_journal::{EpochId, Journal, JournalError, Segment, SegmentInfo};
use tributary_span::Columns;
use tributary_telemetry::ErrorChain;
use tributary_wire::frame::{DecodeLimits, Decoder, FrameError};

#[cfg(test)]
mod tests;

/// Reads segments back into generations.
#[derive(Clone)]
pub(crate) struct Rebuilder {
    /// Where segments lie.
    pub journal: Journal,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// What was read of some segments.
#[derive(Default)]
pub(crate) struct Rebuilt {
    /// Their spans.
    pub generation: Generation,
    /// Segments that will never be readable; copies of them are kept for a person to look at.
    pub quarantined: Vec<u64>,
    /// Spans in frames that cannot be decoded; copies of their segments are kept.
    pub rejected: u64,
    /// The last of the segments, which were not read, since the spans of the others fill memory.
    pub rest: Vec<u64>,
    /// Segments that stay as they are, live, and what would have to change before they can be read.
    pub left: BTreeMap<u64, Cure>,
}

impl Rebuilt {
    /// Whether one more segment like those that were read fits into `most` bytes of memory.
    fn has_room(&self, most: usize) -> bool {
        let Generation { bytes, segments, .. } = &self.generation;
        bytes.saturating_add(bytes / segments.len().max(1)) <= most
    }
}

/// What a segment that is left as it is waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cure {
    /// A newer release, or a person: reading it again soon would not help.
    Change,
    /// The next reading may be a better one.
    Reading,
}

/// What a segment turned out to be.
#[derive(Debug)]
enum Content {
    /// Its spans, and how many are in frames that no release will be able to decode.
    Spans { info: SegmentInfo, batches: Vec<Batch>, rejected: u64 },
    /// It, or a frame in it, is of a version that this release does not know.
    Newer(Unknown),
    /// It is not what was written.
    Damaged(SegmentError),
}

/// What is newer than this release.
#[derive(Debug, PartialEq, thiserror::Error)]
enum Unknown {
    #[error(transparent)]
    Segment(SegmentError),
    #[error("a frame in it: {0}")]
    Frame(FrameError),
}

impl Rebuilder {
    /// The spans of these segments, or of the first of them when all would take more than `most` bytes
    /// of memory: what a segment takes there, its length does not tell. `None` when one of them is gone,
    /// so that another process is at work in the epoch. What cannot be read for good is set aside, and
    /// what cannot be read by this release or at this time is left out.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn read(
        &self,
        epoch: &EpochId,
        numbers: impl IntoIterator<Item = u64>,
        most: usize,
    ) -> Result<Option<Rebuilt>, JournalError> {
        let mut rebuilt = Rebuilt::default();
        let mut numbers = numbers.into_iter();
        while let Some(n) = numbers.next() {
            if !rebuilt.has_room(most) {
                rebuilt.rest = std::iter::once(n).chain(numbers).collect();
                break;
            }
            let object = match self.journal.read_segment(epoch, n).await {
                Ok(object) => object,
                Err(JournalError::Store(error)) if error.is_not_found() => return Ok(None),
                Err(error @ JournalError::Unsteady { .. }) => {
                    tracing::warn!(%epoch, n, error = %ErrorChain(&error), "a segment cannot be read now; it stays, and is read again later");
                    self.leave(&mut rebuilt, n, Cure::Reading);
                    continue;
                }
                Err(error) => return Err(error),
            };
            match content(object.segment.as_ref()) {
                Content::Spans { info, batches, rejected } => {
                    if rejected > 0 {
                        tracing::error!(%epoch, n, rejected, "frames of a segment cannot be decoded; a copy of it is kept under journal/quar");
                        self.quarantine(epoch, n, object.bytes).await?;
                    }
                    rebuilt.rejected += rejected;
                    rebuilt.generation.add(info, batches, Instant::now());
                }
                Content::Newer(error) => {
                    tracing::error!(%epoch, n, error = %ErrorChain(&error), "a newer release wrote this segment or something in it; it stays until one adopts it");
                    self.leave(&mut rebuilt, n, Cure::Change);
                }
                Content::Damaged(error) => {
                    tracing::error!(%epoch, n, error = %ErrorChain(&error), "a segment cannot be read; it stays, and a copy of it is kept under journal/quar");
                    self.quarantine(epoch, n, object.bytes).await?;
                    rebuilt.quarantined.push(n);
                }
            }
        }
        Ok(Some(rebuilt))
    }

    fn leave(&self, rebuilt: &mut Rebuilt, n: u64, cure: Cure) {
        self.metrics.segments_left.inc();
        rebuilt.left.insert(n, cure);
    }

    async fn quarantine(&self, epoch: &EpochId, n: u64, bytes: Bytes) -> Result<(), JournalError> {
        self.journal.quarantine(epoch, n, bytes).await?;
        self.metrics.segments_quarantined.inc();
        Ok(())
    }
}

/// What a segment is, frame by frame. One frame that is newer than this release keeps all of the
/// segment: it is covered as a whole or not at all.
fn content(segment: Result<&Segment, &SegmentError>) -> Content {
    let segment = match segment {
        Ok(segment) => segment,
        Err(error @ SegmentError::UnknownVersion(_)) => {
            return Content::Newer(Unknown::Segment(*error));
        }
        Err(error) => return Content::Damaged(*error),
    };
    let (mut batches, mut rejected) = (Vec::new(), 0);
    for (tenant, decoded) in frames(segment) {
        match decoded {
            Ok(columns) => batches.push(Batch {
                tenant: tenant.into(),
                columns: Arc::new(columns),
                permit: None,
            }),
            Err(Undecodable { why: why @ FrameError::Version(_), .. }) => {
                return Content::Newer(Unknown::Frame(why));
            }
            Err(Undecodable { spans, .. }) => rejected += u64::from(spans),
        }
    }
    Content::Spans { info: segment.info(), batches, rejected }
}

/// A frame that cannot be decoded. Each was decoded before it was logged, so there is none unless
/// this release is at fault, or older than the one that logged it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{spans} spans of it cannot be decoded: {why}")]
pub(crate) struct Undecodable {
    /// Spans in it, as its sender counted them.
    pub spans: u32,
    /// Why.
    pub why: FrameError,
}

/// The frames of a segment with their tenants, decoded one at a time.
pub(crate) fn frames(
    segment: &Segment,
) -> impl Iterator<Item = (&str, Result<Columns, Undecodable>)> {
    segment.groups().iter().flat_map(|group| {
        let mut decoder = decoder(group);
        group.frames.iter().map(move |frame| {
            let decoded = match &mut decoder {
                Ok(decoder) => decoder.decode(group.dict, &frame.payload),
                Err(why) => Err(why.clone()),
            };
            let columns = decoded.map(|decoded| decoded.columns);
            let columns = columns.map_err(|why| Undecodable { spans: frame.spans, why });
            (group.tenant.as_str(), columns)
        })
    })
}

fn decoder(group: &Group) -> Result<Decoder, FrameError> {
    let mut decoder = Decoder::new(DecodeLimits::default());
    for definitions in &group.definitions {
        decoder.define(group.dict, definitions)?;
    }
    Ok(decoder)
}
