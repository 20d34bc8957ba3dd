//! What the footer says of a chunk's values: smallest, largest, how many are null.

use super::Values;
use crate::schema::{Leaf, LeafType};
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// Values longer than this have no place in the footer's statistics.
const MAX_STATISTIC: usize = 32;

/// Smallest and largest of byte strings, unless one of them is too long for the footer.
pub(super) fn bounds<'t>(values: impl Iterator<Item = &'t [u8]>) -> Option<(ByteArray, ByteArray)> {
    let mut bounds: Option<(&[u8], &[u8])> = None;
    for value in values {
        let (low, high) = bounds.get_or_insert((value, value));
        *low = value.min(low);
        *high = value.max(high);
    }
    let (low, high) = bounds?;
    let fits = low.len() <= MAX_STATISTIC && high.len() <= MAX_STATISTIC;
    fits.then(|| (low.to_vec().into(), high.to_vec().into()))
}

/// The statistics of a chunk. Bounds of texts are those of its dictionary, which are known already.
pub(super) fn describe(
    leaf: &Leaf,
    values: &Values<'_>,
    texts: Option<(ByteArray, ByteArray)>,
    nulls: u64,
) -> Statistics {
    let nulls = Some(nulls);
    fn of<T>(bounds: Option<(T, T)>, nulls: Option<u64>) -> ValueStatistics<T> {
        let (low, high) = bounds.unzip();
        ValueStatistics::new(low, high, None, nulls, false)
    }
    let range = |all: &[i64]| Some((*all.iter().min()?, *all.iter().max()?));
    let unsigned = |all: &[i64]| {
        let all = all.iter().map(|n| n.cast_unsigned());
        Some((all.clone().min()?.cast_signed(), all.max()?.cast_signed()))
    };
    #[expect(clippy::cast_possible_truncation, reason = "32-bit leaves hold 32-bit numbers")]
    let narrow = |(low, high): (i64, i64)| (low as i32, high as i32);
    match (values, leaf.leaf_type) {
        (Values::Texts(_), _) => Statistics::ByteArray(of(texts, nulls)),
        (Values::Slices(all), _) => Statistics::ByteArray(of(bounds(all.iter().copied()), nulls)),
        (Values::Ints(all), LeafType::U64) => Statistics::Int64(of(unsigned(all), nulls)),
        (Values::Ints(all), LeafType::U32 | LeafType::I32) => {
            Statistics::Int32(of(range(all).map(narrow), nulls))
        }
        (Values::Ints(all), _) => Statistics::Int64(of(range(all), nulls)),
        // Bounds of doubles would need a rule for NaN; no reader asks for them.
        (Values::Doubles(_), _) => Statistics::Double(of(None, nulls)),
        (Values::Bools(all), _) => {
            let bounds = all.iter().min().copied().zip(all.iter().max().copied());
            Statistics::Boolean(of(bounds, nulls))
        }
    }
}
