//! How the levels and values of a chunk stand in its pages.
//!
//! Byte for byte a page is what its encoding makes it; what it costs is what zstd makes of that. Bits
//! packed tightly are short, but the same value never looks the same twice, so that nothing is found
//! again; whole bytes are longer and shrink further. Which of the two wins depends on the values.

use super::Values;
use crate::encode;
use crate::schema::{AttrField, Field, Leaf};
use parquet::basic::Encoding;

/// How a chunk's values are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Numbers of dictionary entries, of so many bits each.
    Indices { width: u32 },
    /// Numbers and booleans as they are.
    Plain,
    /// Differences of integers.
    Differences,
    /// Byte strings, their lengths first.
    Lengths,
    /// Byte strings without what each has in common with the one before it.
    Prefixes,
}

impl Coding {
    /// As the page's header and the footer name it.
    pub(super) fn encoding(self) -> Encoding {
        match self {
            Coding::Indices { .. } => Encoding::RLE_DICTIONARY,
            Coding::Plain => Encoding::PLAIN,
            Coding::Differences => Encoding::DELTA_BINARY_PACKED,
            Coding::Lengths => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            Coding::Prefixes => Encoding::DELTA_BYTE_ARRAY,
        }
    }

    pub(super) fn has_dictionary(self) -> bool {
        matches!(self, Coding::Indices { .. })
    }

    /// Numbers of entries of a dictionary, in no more bits than they need.
    pub(super) fn packed(entries: usize) -> Self {
        let highest = u32::try_from(entries.saturating_sub(1)).unwrap_or(u32::MAX);
        Coding::Indices { width: encode::bit_width(highest).max(1) }
    }

    /// The same in whole bytes.
    pub(super) fn aligned(entries: usize) -> Self {
        match Coding::packed(entries) {
            Coding::Indices { width } => Coding::Indices { width: width.next_multiple_of(8) },
            other => other,
        }
    }
}

/// How a chunk's levels are encoded, each of repetition and definition levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LevelCoding {
    /// Runs where eight are the same, else packed bits.
    Mixed,
    /// Runs alone, each of whole bytes.
    Runs,
}

/// How hard compression tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Little: of what is random nothing is found again anyway, and short finds cost more than they
    /// save.
    Low,
    /// As the settings say.
    Usual,
}

/// How a chunk is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) rep: LevelCoding,
    pub(super) def: LevelCoding,
    pub(super) values: Coding,
    pub(super) effort: Effort,
}

impl Form {
    /// What suits any values. `entries` is the number of entries of the dictionary, for texts.
    pub(super) fn usual(values: &Values<'_>, entries: usize) -> Self {
        let values = match values {
            // Nulls alone need no dictionary; readers take an empty page of any encoding.
            Values::Texts(_) if entries == 0 => Coding::Lengths,
            Values::Texts(_) => Coding::packed(entries),
            Values::Slices(_) => Coding::Lengths,
            Values::Ints(_) => Coding::Differences,
            Values::Doubles(_) | Values::Bools(_) => Coding::Plain,
        };
        let (rep, def) = (LevelCoding::Mixed, LevelCoding::Mixed);
        Form { rep, def, values, effort: Effort::Usual }
    }
}

/// Whether a leaf of texts may do without a dictionary. Of a leaf that holds one attribute, or a
/// name, Tempo tells the values by the dictionary alone.
pub(super) fn may_lack_dictionary(leaf: &Leaf) -> bool {
    matches!(
        leaf.field,
        Field::Attr(_, AttrField::Text)
            | Field::StatusMessage
            | Field::TraceState
            | Field::LinkTraceState
    )
}
