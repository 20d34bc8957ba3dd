//! How columns of integers are written, chosen anew for each.

/// What the numbers of a column stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mode {
    /// The values.
    Plain = 0,
    /// The differences of each value from the one before, the first from zero.
    Delta = 1,
}

impl Mode {
    pub(super) fn from_u8(n: u8) -> Option<Self> {
        match n {
            0 => Some(Mode::Plain),
            1 => Some(Mode::Delta),
            _ => None,
        }
    }
}

/// The mode that takes fewer bits.
pub(super) fn cost(values: impl Iterator<Item = i64>) -> Mode {
    let length = |n: i64| 64 - n.unsigned_abs().leading_zeros();
    let (mut plain, mut delta, mut before) = (0, 0, 0i64);
    for value in values {
        plain += length(value);
        delta += length(value.wrapping_sub(before));
        before = value;
    }
    if delta < plain { Mode::Delta } else { Mode::Plain }
}
