//! Ids of traces and spans, of any length: older clients have short ones.

/// Hex digits as an id, padded on the left; zeros, which are no id, when they are none.
pub(super) fn hex<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut id = [0; N];
    if text.len() > 2 * N {
        return id;
    }
    for (i, &c) in text.iter().rev().enumerate() {
        let Some(digit) = char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok()) else {
            return [0; N];
        };
        if let Some(byte) = id.iter_mut().rev().nth(i / 2) {
            *byte |= digit << (4 * (i % 2));
        }
    }
    id
}

/// An id, padded on the left; zeros, which are no id, when it is too long.
pub(super) fn bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut id = [0; N];
    if bytes.len() <= N {
        id.iter_mut().rev().zip(bytes.iter().rev()).for_each(|(to, from)| *to = *from);
    }
    id
}
