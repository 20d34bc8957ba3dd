//! Reading a segment back.

use super::{Directory, END_MAGIC, FOOT, HEAD, Header, MAGIC, MAX_SEGMENT, SegmentInfo, VERSION};
use crate::id::{EpochId, Uid};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Why bytes are not a segment that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Written by a newer release: to be left to a process that knows it.
    #[error("the segment has version {0}, which this release does not know")]
    UnknownVersion(u16),
    /// Not what was written: to be kept aside for a person to look at.
    #[error("the segment is damaged: {0}")]
    Damaged(&'static str),
}

/// A segment that was read and found whole.
#[derive(Debug, Clone)]
pub struct Segment {
    header: Header,
    info: SegmentInfo,
    groups: Vec<Group>,
}

/// The frames of one stream that refer to one dictionary, with all the definitions they need:
/// define these in a fresh decoder, then decode the frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The stream's number at the writer.
    pub stream: u32,
    /// The tenant.
    pub tenant: String,
    /// The sender's incarnation.
    pub incarnation: Uid,
    /// The dictionary.
    pub dict: u32,
    /// Definitions, in the order in which they came.
    pub definitions: Vec<Bytes>,
    /// Frames, in the order in which they came.
    pub frames: Vec<Frame>,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its sequence number at the sender.
    pub seq: u64,
    /// Its spans, as the sender counted them.
    pub spans: u32,
    /// Its bytes as they came, a slice of the segment.
    pub payload: Bytes,
}

impl Segment {
    /// Reads a segment. Payloads are slices of `bytes`.
    ///
    /// # Errors
    /// When a single bit is not as it was written, or the version is not known.
    pub fn parse(bytes: Bytes) -> Result<Segment, SegmentError> {
        use SegmentError::Damaged;
        if bytes.len() > MAX_SEGMENT {
            return Err(Damaged("longer than any segment"));
        }
        let (head, rest) =
            bytes.split_first_chunk::<HEAD>().ok_or(Damaged("shorter than its head"))?;
        let mut header = parse_head(head)?;
        let (rest, foot) = rest.split_last_chunk::<FOOT>().ok_or(Damaged("no footer"))?;
        let foot = parse_foot(foot)?;
        let covered = bytes.get(..bytes.len() - FOOT).unwrap_or_default();
        if crc32fast::hash(covered) != foot.crc {
            return Err(Damaged("checksum"));
        }
        let pieces_len =
            rest.len().checked_sub(foot.directory_len).ok_or(Damaged("length of directory"))?;
        let (_, directory) = rest.split_at(pieces_len);
        if crc32fast::hash(directory) != foot.directory_crc {
            return Err(Damaged("checksum of directory"));
        }
        let directory: Directory =
            rmp_serde::from_slice(directory).map_err(|_| Damaged("directory"))?;
        header.instance.clone_from(&directory.instance);
        let pieces = bytes.slice(HEAD..HEAD + pieces_len);
        let groups = group(directory, pieces)?;
        let frames = groups.iter().flat_map(|group| &group.frames);
        let spans = frames.map(|frame| u64::from(frame.spans)).sum();
        let info = SegmentInfo { n: header.n, len: bytes.len() as u64, crc: foot.crc, spans };
        Ok(Segment { header, info, groups })
    }

    /// Who wrote it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What slots say about it.
    pub fn info(&self) -> SegmentInfo {
        self.info
    }

    /// All frames, by stream and dictionary.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
}

fn parse_head(head: &[u8; HEAD]) -> Result<Header, SegmentError> {
    use SegmentError::Damaged;
    let mut rest = head.as_slice();
    if take(&mut rest) != Some(MAGIC) {
        return Err(Damaged("does not begin as a segment"));
    }
    let version = take(&mut rest).map(u16::from_le_bytes).ok_or(Damaged("head"))?;
    if version != VERSION {
        return Err(SegmentError::UnknownVersion(version));
    }
    let zero = take::<2>(&mut rest);
    let crc = take(&mut rest).map(u32::from_le_bytes).ok_or(Damaged("head"))?;
    if zero != Some([0, 0]) || crc32fast::hash(rest) != crc {
        return Err(Damaged("head"));
    }
    let fields = (|| {
        Some(Header {
            epoch: EpochId::from_bytes(take(&mut rest)?),
            uid: Uid(take(&mut rest)?),
            n: u64::from_le_bytes(take(&mut rest)?),
            written_ms: u64::from_le_bytes(take(&mut rest)?),
            instance: String::new(),
        })
    })();
    fields.ok_or(Damaged("head"))
}

struct Foot {
    directory_len: usize,
    directory_crc: u32,
    crc: u32,
}

fn parse_foot(foot: &[u8; FOOT]) -> Result<Foot, SegmentError> {
    let mut rest = foot.as_slice();
    let mut word = || take(&mut rest).map(u32::from_le_bytes);
    let fields = (word(), word(), word(), word());
    match fields {
        (Some(len), Some(directory_crc), Some(crc), Some(0)) if rest == END_MAGIC => {
            Ok(Foot { directory_len: len as usize, directory_crc, crc })
        }
        _ => Err(SegmentError::Damaged("does not end as a segment")),
    }
}

fn group(directory: Directory, mut pieces: Bytes) -> Result<Vec<Group>, SegmentError> {
    use SegmentError::Damaged;
    let mut groups: Vec<Group> = Vec::new();
    let mut places = BTreeMap::new();
    for (row, dict, len, crc, frame) in directory.pieces {
        let len = len as usize;
        if len > pieces.len() {
            return Err(Damaged("length of a piece"));
        }
        let piece = pieces.split_to(len);
        if crc32fast::hash(&piece) != crc {
            return Err(Damaged("checksum of a piece"));
        }
        let place = *places.entry((row, dict)).or_insert(groups.len());
        if place == groups.len() {
            let stream =
                directory.streams.get(row as usize).ok_or(Damaged("number of a stream"))?;
            groups.push(Group {
                stream: stream.0,
                tenant: stream.1.clone(),
                incarnation: Uid(stream.2.into_array()),
                dict,
                definitions: Vec::new(),
                frames: Vec::new(),
            });
        }
        let group = groups.get_mut(place).ok_or(Damaged("number of a stream"))?;
        match frame {
            Some((seq, spans)) => group.frames.push(Frame { seq, spans, payload: piece }),
            None => group.definitions.push(piece),
        }
    }
    if !pieces.is_empty() {
        return Err(Damaged("bytes that no piece owns"));
    }
    Ok(groups)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*bytes)
}
