//! `data.parquet`: row groups, what no column holds, footer.

use super::WriterSettings;
use super::chunk::{Chunk, ChunkWriter};
use crate::error::BlockError;
use crate::extras::{self, Extras, Place};
use crate::schema::{self, Leaf, WRITER};
use bytes::Bytes;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;
use std::sync::Arc;

/// What a row group is made of: spans, or rows of other row groups.
pub(super) trait RowGroup {
    /// Writes one leaf, which stands at a place of the schema. They come in order.
    fn write(
        &mut self,
        leaf: (usize, &Leaf),
        column: ColumnDescPtr,
        to: &mut ChunkWriter,
    ) -> Result<Chunk, BlockError>;

    /// What no leaf holds, when all were written.
    fn extras(&mut self) -> Result<Extras, BlockError>;
}

/// A file being written.
pub(super) struct File {
    leaves: Vec<Leaf>,
    writer: SerializedFileWriter<Vec<u8>>,
    chunks: ChunkWriter,
    extras: Vec<Place>,
    /// Bytes that were taken.
    taken: u64,
}

/// A file as it is.
pub(super) struct FinishedFile {
    /// What was not taken before.
    pub(super) bytes: Bytes,
    /// Bytes of all of it.
    pub(super) size: u64,
    pub(super) row_groups: u32,
    /// Bytes of the footer, without its length and the magic behind it.
    pub(super) footer: u32,
}

impl File {
    pub(super) fn new(settings: &WriterSettings) -> Result<Self, BlockError> {
        let properties = WriterProperties::builder()
            .set_created_by(format!("{WRITER} version {}", env!("CARGO_PKG_VERSION")))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(false)
            .build();
        let schema = schema::message_type()?;
        Ok(File {
            leaves: schema::leaves(),
            writer: SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?,
            chunks: ChunkWriter::new(settings)?,
            extras: Vec::new(),
            taken: 0,
        })
    }

    /// Makes room for so many bytes: a vector that grows is copied, and is there twice meanwhile.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.writer.inner_mut().reserve(bytes);
    }

    pub(super) fn row_group(&mut self, rows: &mut impl RowGroup) -> Result<(), BlockError> {
        let columns = self.writer.schema_descr().columns().to_vec();
        let mut row_group = self.writer.next_row_group()?;
        for (leaf, column) in self.leaves.iter().enumerate().zip(columns) {
            let chunk = rows.write(leaf, column, &mut self.chunks)?;
            row_group.append_column(&Bytes::from(chunk.bytes), chunk.close)?;
        }
        row_group.close()?;
        let bytes = rows.extras()?.encode()?;
        let offset = self.writer.bytes_written() as u64;
        let crc = crc32fast::hash(&bytes);
        self.extras.push(Place { offset, length: bytes.len() as u64, crc });
        self.writer.write_all(&bytes).map_err(|e| BlockError::Settings(e.to_string()))?;
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> usize {
        self.writer.bytes_written()
    }

    /// Takes the bytes that were written since.
    pub(super) fn take(&mut self) -> Result<Bytes, BlockError> {
        self.writer.flush().map_err(|e| BlockError::Settings(e.to_string()))?;
        let bytes = std::mem::take(self.writer.inner_mut());
        self.taken += bytes.len() as u64;
        Ok(bytes.into())
    }

    pub(super) fn finish(mut self) -> Result<FinishedFile, BlockError> {
        let directory = extras::directory(&self.extras);
        self.writer.append_key_value_metadata(KeyValue::new(extras::KEY.to_owned(), directory));
        let row_groups = u32::try_from(self.extras.len()).unwrap_or(u32::MAX);
        let bytes = Bytes::from(self.writer.into_inner()?);
        let size = self.taken + bytes.len() as u64;
        // The last eight bytes: the footer's length, little-endian, and the magic.
        let tail = bytes.len().checked_sub(8).and_then(|at| bytes.get(at..at + 4));
        let footer = tail.and_then(|b| <[u8; 4]>::try_from(b).ok()).map_or(0, u32::from_le_bytes);
        Ok(FinishedFile { bytes, size, row_groups, footer })
    }
}
