//! Gathering frames into a segment.

use super::{
    Directory, END_MAGIC, FOOT, HEAD, Header, MAGIC, MAX_SEGMENT, PieceRow, Segment, SegmentError,
    SegmentInfo, VERSION,
};
use crate::id::Uid;
use bytes::Bytes;
use serde_bytes::ByteArray;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A frame on its way into a segment.
#[derive(Debug, Clone, Copy)]
pub struct NewFrame<'a> {
    /// The stream's number in this process; never reused by it.
    pub stream: u32,
    /// The stream's tenant.
    pub tenant: &'a str,
    /// The sender's random incarnation.
    pub incarnation: Uid,
    /// The frame's sequence number.
    pub seq: u64,
    /// The dictionary that the payload refers to.
    pub dict: u32,
    /// Spans in the payload.
    pub spans: u32,
    /// Numbers of the definitions in `definitions`: what [`SegmentBuilder::missing`] answered.
    pub defines: &'a [u32],
    /// These definitions, as the wire's decoder exports them. Empty when nothing was missing.
    pub definitions: &'a [u8],
    /// The payload as it came.
    pub payload: &'a [u8],
}

/// The frame does not fit any more: seal, and put it into the next segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame does not fit into the segment")]
pub struct Full;

/// The open segment of a process.
#[derive(Debug, Default)]
pub struct SegmentBuilder {
    body: Vec<u8>,
    directory: Directory,
    directory_bytes: usize,
    stream_rows: BTreeMap<u32, u32>,
    defined: BTreeMap<(u32, u32), BTreeSet<u32>>,
    spans: u64,
}

/// A finished segment. Its bytes never change again, and no others ever go under its name.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The object.
    pub bytes: Bytes,
    /// Where in it the bytes are that no other writer can have written.
    pub identity: Range<usize>,
    /// What slots say about it.
    pub info: SegmentInfo,
}

/// More than any row takes in MessagePack, so that [`SegmentBuilder::bytes`] never says too little.
const PIECE_ROW: usize = 1 + 4 * 5 + 1 + 9 + 5;
const STREAM_ROW: usize = 1 + 5 + 3 + 2 + 16;
const DIRECTORY: usize = 64;

impl SegmentBuilder {
    /// An empty segment.
    pub fn new() -> Self {
        SegmentBuilder::default()
    }

    /// Which of the definitions in `referenced` this segment does not hold yet for this stream and
    /// dictionary. They must come with the frame that refers to them.
    pub fn missing(&self, stream: u32, dict: u32, referenced: &[u32]) -> Vec<u32> {
        let defined = self.defined.get(&(stream, dict));
        let is_missing = |number: &&u32| !defined.is_some_and(|set| set.contains(number));
        referenced.iter().filter(is_missing).copied().collect()
    }

    /// Appends a frame and the definitions that come with it.
    ///
    /// # Errors
    /// When the segment would outgrow [`MAX_SEGMENT`]; it is then unchanged.
    pub fn push(&mut self, frame: &NewFrame<'_>) -> Result<(), Full> {
        let new_stream = !self.stream_rows.contains_key(&frame.stream);
        let mut rows = PIECE_ROW;
        if new_stream {
            rows += STREAM_ROW + frame.tenant.len();
        }
        if !frame.definitions.is_empty() {
            rows += PIECE_ROW;
        }
        let added = rows + frame.definitions.len() + frame.payload.len();
        if self.bytes() + added > MAX_SEGMENT {
            return Err(Full);
        }
        self.directory_bytes += rows;
        let row = if new_stream { self.add_stream(frame) } else { self.row_of(frame.stream) };
        if !frame.definitions.is_empty() {
            let defined = self.defined.entry((frame.stream, frame.dict)).or_default();
            defined.extend(frame.defines);
            self.add_piece(row, frame.dict, frame.definitions, None);
        }
        self.add_piece(row, frame.dict, frame.payload, Some((frame.seq, frame.spans)));
        self.spans += u64::from(frame.spans);
        Ok(())
    }

    fn row_of(&self, stream: u32) -> u32 {
        self.stream_rows.get(&stream).copied().unwrap_or_default()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "rows are fewer than bytes, of which there are at most 16 Mi"
    )]
    fn add_stream(&mut self, frame: &NewFrame<'_>) -> u32 {
        let row = self.directory.streams.len() as u32;
        let incarnation = ByteArray::new(frame.incarnation.0);
        self.directory.streams.push((frame.stream, frame.tenant.to_owned(), incarnation));
        self.stream_rows.insert(frame.stream, row);
        row
    }

    #[expect(clippy::cast_possible_truncation, reason = "a piece is shorter than 16 MiB")]
    fn add_piece(&mut self, stream: u32, dict: u32, bytes: &[u8], frame: Option<(u64, u32)>) {
        if self.body.is_empty() {
            self.body.resize(HEAD, 0);
        }
        self.body.extend_from_slice(bytes);
        let row: PieceRow = (stream, dict, bytes.len() as u32, crc32fast::hash(bytes), frame);
        self.directory.pieces.push(row);
    }

    /// An upper bound, and a close one, of the sealed segment's length, apart from the name of the
    /// instance.
    pub fn bytes(&self) -> usize {
        self.body.len().max(HEAD) + DIRECTORY + self.directory_bytes + FOOT
    }

    /// Finishes the segment. `header.instance` is cut to 256 bytes.
    pub fn seal(mut self, header: &Header) -> Sealed {
        let mut out = std::mem::take(&mut self.body);
        out.resize(out.len().max(HEAD), 0);
        self.directory.instance = cut(&header.instance, 256).to_owned();
        write_head(&mut out, header);
        let at = out.len();
        let written = rmp_serde::encode::write_named(&mut out, &self.directory);
        written.expect("writing plain structs to memory cannot fail");
        let directory = out.get(at..).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "push keeps the whole under 16 MiB")]
        let directory_len = directory.len() as u32;
        let directory_crc = crc32fast::hash(directory);
        let crc = crc32fast::hash(&out);
        for n in [directory_len, directory_crc, crc, 0] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.extend_from_slice(&END_MAGIC);
        let info = SegmentInfo { n: header.n, len: out.len() as u64, crc, spans: self.spans };
        Sealed { bytes: out.into(), identity: 0..HEAD, info }
    }
}

impl Sealed {
    /// The segment in `bytes` under another name: the same content, readdressed to `header`. Who
    /// wrote it first stays as the instance.
    ///
    /// # Errors
    /// When `bytes` are no segment that can be read.
    pub(crate) fn readdressed(bytes: &Bytes, header: &Header) -> Result<Sealed, SegmentError> {
        let info = Segment::parse(bytes.clone())?.info();
        let mut out = bytes.to_vec();
        write_head(&mut out, header);
        let covered = out.len().saturating_sub(FOOT);
        let crc = crc32fast::hash(out.get(..covered).unwrap_or_default());
        // The third word of the footer.
        let field = out.iter_mut().skip(covered + 8).zip(crc.to_le_bytes());
        field.for_each(|(to, from)| *to = from);
        let info = SegmentInfo { n: header.n, crc, ..info };
        Ok(Sealed { bytes: out.into(), identity: 0..HEAD, info })
    }
}

fn write_head(out: &mut [u8], header: &Header) {
    let mut head = Vec::with_capacity(HEAD);
    head.extend_from_slice(&MAGIC);
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&[0; 6]);
    head.extend_from_slice(&header.epoch.bytes());
    head.extend_from_slice(&header.uid.0);
    head.extend_from_slice(&header.n.to_le_bytes());
    head.extend_from_slice(&header.written_ms.to_le_bytes());
    let crc = crc32fast::hash(head.get(16..).unwrap_or_default());
    let fields = head.iter_mut().skip(12).zip(crc.to_le_bytes());
    fields.for_each(|(to, from)| *to = from);
    out.iter_mut().zip(head).for_each(|(to, from)| *to = from);
}

fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}
