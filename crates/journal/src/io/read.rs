//! Reading what may be damaged. Bytes go wrong on their way too, in a cache, a cable or a memory, so
//! what does not come out whole is read a second time before it is believed. Only what was read twice
//! alike counts as damaged where it lies: such a segment is set aside, and a damaged slot or record
//! stops its epoch or window.

use super::{Journal, JournalError};
use crate::id::EpochId;
use crate::layout;
use crate::segment::{Segment, SegmentError};
use bytes::Bytes;

/// A segment's object, and what the bytes turned out to be.
#[derive(Debug, Clone)]
pub struct SegmentObject {
    /// The object.
    pub bytes: Bytes,
    /// The segment in these bytes; why they are none, which they were in two readings, or which a
    /// newer release would not say.
    pub segment: Result<Segment, SegmentError>,
}

impl Journal {
    /// Reads a segment.
    ///
    /// # Errors
    /// When the store fails, the segment is not what its name says, or two readings of it differ.
    pub async fn get_segment(&self, epoch: &EpochId, n: u64) -> Result<Segment, JournalError> {
        let object = self.read_segment(epoch, n).await?;
        object.segment.map_err(|source| JournalError::Segment { epoch: *epoch, n, source })
    }

    /// Reads a segment, whatever it turns out to be.
    ///
    /// # Errors
    /// When the store fails, or two readings differ and neither is whole.
    pub async fn read_segment(
        &self,
        epoch: &EpochId,
        n: u64,
    ) -> Result<SegmentObject, JournalError> {
        let decode = |bytes: &Bytes| {
            let segment = Segment::parse(bytes.clone())?;
            match segment.header().epoch == *epoch && segment.header().n == n {
                true => Ok(segment),
                false => Err(SegmentError::Damaged("it lies under another's name")),
            }
        };
        let (bytes, segment) = self.read(&layout::segment(epoch, n), decode, is_newer).await?;
        Ok(SegmentObject { bytes, segment })
    }

    /// Reads the copy of a segment that was set aside, under whatever name its content was written.
    ///
    /// # Errors
    /// When the store fails, or two readings differ and neither is whole.
    pub async fn read_copy(&self, epoch: &EpochId, n: u64) -> Result<SegmentObject, JournalError> {
        let decode = |bytes: &Bytes| Segment::parse(bytes.clone());
        let (bytes, segment) = self.read(&layout::quarantine(epoch, n), decode, is_newer).await?;
        Ok(SegmentObject { bytes, segment })
    }

    /// Reads an object and takes it apart. What cannot be taken apart, unless it is `newer` than this
    /// release, is read a second time.
    ///
    /// # Errors
    /// When the store fails, or two readings differ and neither is whole.
    pub(super) async fn read<T, E>(
        &self,
        path: &str,
        decode: impl Fn(&Bytes) -> Result<T, E>,
        newer: impl Fn(&E) -> bool,
    ) -> Result<(Bytes, Result<T, E>), JournalError> {
        let first = self.store.get(path).await?;
        let damaged = match decode(&first) {
            Err(error) if !newer(&error) => error,
            read => return Ok((first, read)),
        };
        let second = self.store.get(path).await?;
        if second == first {
            return Ok((second, Err(damaged)));
        }
        self.store.misread(path);
        match decode(&second) {
            Ok(whole) => Ok((second, Ok(whole))),
            Err(_) => Err(JournalError::Unsteady { path: path.to_owned() }),
        }
    }
}

fn is_newer(error: &SegmentError) -> bool {
    matches!(error, SegmentError::UnknownVersion(_))
}
