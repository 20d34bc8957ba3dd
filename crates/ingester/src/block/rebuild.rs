//! Spans out of segments: for adoption, for generations that had to leave memory, for queries.

use crate::group::{Batch, Generation};
use crate::metrics::Metrics;
use std::sync::Arc;
use tokio::time::Instant;
use tributary_journal::segment::{Group, SegmentError};
use tributary_journal::{EpochId, Journal, JournalError, Segment};
use tributary_span::Columns;
use tributary_telemetry::ErrorChain;
use tributary_wire::frame::{DecodeLimits, Decoder};

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
    /// Spans in frames that cannot be decoded.
    pub rejected: u64,
}

impl Rebuilder {
    /// The spans of these segments; `None` when one of them is gone, so that another process is at
    /// work in the epoch. One that only a newer release can read is left out.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn read(
        &self,
        epoch: &EpochId,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Result<Option<Rebuilt>, JournalError> {
        let mut rebuilt = Rebuilt::default();
        for n in numbers {
            match self.journal.get_segment(epoch, n).await {
                Ok(segment) => {
                    let (batches, rejected) = batches(&segment);
                    if rejected > 0 {
                        tracing::error!(%epoch, n, rejected, "frames of a segment cannot be decoded; a copy of it is kept under journal/quar");
                        self.quarantine(epoch, n).await?;
                    }
                    rebuilt.rejected += rejected;
                    rebuilt.generation.add(segment.info(), batches, Instant::now());
                }
                Err(JournalError::Store(error)) if error.is_not_found() => return Ok(None),
                Err(error @ JournalError::Segment { .. }) => {
                    tracing::error!(%epoch, n, error = %ErrorChain(&error), "a segment cannot be read; it stays");
                    let newer = matches!(
                        &error,
                        JournalError::Segment { source: SegmentError::UnknownVersion(_), .. }
                    );
                    if !newer {
                        self.quarantine(epoch, n).await?;
                        rebuilt.quarantined.push(n);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(rebuilt))
    }

    async fn quarantine(&self, epoch: &EpochId, n: u64) -> Result<(), JournalError> {
        self.journal.quarantine(epoch, n).await?;
        self.metrics.segments_quarantined.inc();
        Ok(())
    }
}

/// The spans of a segment, and the number of those in frames that cannot be decoded.
fn batches(segment: &Segment) -> (Vec<Batch>, u64) {
    let (mut batches, mut rejected) = (Vec::new(), 0);
    for (tenant, decoded) in frames(segment) {
        match decoded {
            Ok(columns) => batches.push(Batch {
                tenant: tenant.into(),
                columns: Arc::new(columns),
                permit: None,
            }),
            Err(Undecodable { spans }) => rejected += u64::from(spans),
        }
    }
    (batches, rejected)
}

/// A frame that cannot be decoded. Each was decoded before it was logged, so there is none unless
/// this release is at fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Undecodable {
    /// Spans in it, as its sender counted them.
    pub spans: u32,
}

/// The frames of a segment with their tenants, decoded one at a time.
pub(crate) fn frames(
    segment: &Segment,
) -> impl Iterator<Item = (&str, Result<Columns, Undecodable>)> {
    segment.groups().iter().flat_map(|group| {
        let mut decoder = decoder(group);
        group.frames.iter().map(move |frame| {
            let decoded = decoder.as_mut().and_then(|d| d.decode(group.dict, &frame.payload).ok());
            let columns = decoded.map(|decoded| decoded.columns);
            (group.tenant.as_str(), columns.ok_or(Undecodable { spans: frame.spans }))
        })
    })
}

fn decoder(group: &Group) -> Option<Decoder> {
    let mut decoder = Decoder::new(DecodeLimits::default());
    for definitions in &group.definitions {
        decoder.define(group.dict, definitions).ok()?;
    }
    Some(decoder)
}
