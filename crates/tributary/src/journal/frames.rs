//! The frames of a segment, decoded one at a time, as its recovery would.

use tributary_journal::Segment;
use tributary_journal::segment::{self, Group};
use tributary_wire::frame::{DecodeLimits, Decoder, FrameError};

/// A frame, and what came of decoding it.
pub(super) struct Decoded<'a> {
    /// The group it stands in.
    pub(super) group: &'a Group,
    /// The frame.
    pub(super) frame: &'a segment::Frame,
    /// Its spans.
    pub(super) spans: Result<u64, FrameError>,
}

/// All frames, by stream and dictionary.
pub(super) fn decoded(segment: &Segment) -> impl Iterator<Item = Decoded<'_>> {
    segment.groups().iter().flat_map(|group| {
        let mut decoder = decoder(group);
        group.frames.iter().map(move |frame| {
            let decoded = match &mut decoder {
                Ok(decoder) => decoder.decode(group.dict, &frame.payload),
                Err(why) => Err(why.clone()),
            };
            let spans = decoded.map(|decoded| decoded.columns.len() as u64);
            Decoded { group, frame, spans }
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
