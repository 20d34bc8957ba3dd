//! The bytes of one row group at hand: rows are read many times from it.

use crate::error::BlockError;
use crate::meta::Object;
use crate::read::Source;
use bytes::Bytes;
use std::ops::Range;

/// Bytes of a block's data from an offset on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    at: u64,
    bytes: Bytes,
}

/// A block of which some bytes are at hand.
pub(crate) struct With<'h, S> {
    source: &'h S,
    held: &'h Held,
}

impl Held {
    /// Reads them.
    pub(crate) async fn read<S: Source>(source: &S, range: Range<u64>) -> Result<Held, BlockError> {
        let at = range.start;
        Ok(Held { at, bytes: source.range(Object::Data, range).await? })
    }

    /// The block that they are of.
    pub(crate) fn of<'h, S>(&'h self, source: &'h S) -> With<'h, S> {
        With { source, held: self }
    }

    fn at_hand(&self, range: &Range<u64>) -> Option<Bytes> {
        let start = usize::try_from(range.start.checked_sub(self.at)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.at)?).ok()?;
        (start <= end && end <= self.bytes.len()).then(|| self.bytes.slice(start..end))
    }
}

impl<S: Source> Source for With<'_, S> {
    async fn range(&self, object: Object, range: Range<u64>) -> Result<Bytes, BlockError> {
        match self.held.at_hand(&range).filter(|_| object == Object::Data) {
            Some(bytes) => Ok(bytes),
            None => self.source.range(object, range).await,
        }
    }

    async fn whole(&self, object: Object) -> Result<Bytes, BlockError> {
        self.source.whole(object).await
    }
}
