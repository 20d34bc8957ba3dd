//! Trace and span identifiers.
//!
//! Sizes and the all-zero rule are those of W3C Trace Context (§3.2.2.3, §3.2.2.4), which OTLP
//! takes over: 16 and 8 bytes, all zero is "no id".

use std::fmt;

/// A trace id: 16 bytes, big-endian as on the wire. All zero is not a valid id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TraceId(pub [u8; 16]);

/// A span id: 8 bytes, big-endian as on the wire. All zero means "none" (a root's parent).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId(pub [u8; 8]);

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Longer than the id has digits, or empty.
    #[error("an id has 1 to {max} hex digits, this one has {len}")]
    Length {
        /// Digits given.
        len: usize,
        /// Digits allowed.
        max: usize,
    },
    /// A character that is no hex digit.
    #[error("character {position} of the id is not a hex digit")]
    Digit {
        /// Position from 0.
        position: usize,
    },
}

impl TraceId {
    /// Whether all bytes are zero, which no trace may have.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 16]
    }

    /// The id in `bytes` if there are exactly 16 of them and they are not all zero.
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        let id = TraceId(bytes.try_into().ok()?);
        (!id.is_zero()).then_some(id)
    }

    /// 1 to 32 hex digits in any case; shorter ids are padded with zeros on the left, as Tempo's
    /// API and 64-bit Jaeger and Zipkin ids need it.
    ///
    /// # Errors
    /// When the text is empty, too long, or no hex.
    pub fn from_hex(text: &str) -> Result<Self, IdError> {
        let mut id = [0; 16];
        hex_right_aligned(text.as_bytes(), &mut id)?;
        Ok(TraceId(id))
    }

    /// 64 well-mixed bits of the id. Trace ids are random by specification, but older clients send
    /// 64-bit ids and counters, so the bits are mixed before a remainder is taken.
    pub fn mix(&self) -> u64 {
        let [a, b] = [self.half(0), self.half(8)];
        let mut x = a.rotate_left(32) ^ b;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn half(&self, at: usize) -> u64 {
        let mut half = [0; 8];
        half.iter_mut().zip(self.0.iter().skip(at)).for_each(|(to, from)| *to = *from);
        u64::from_be_bytes(half)
    }
}

impl SpanId {
    /// Whether all bytes are zero, which stands for "no span".
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 8]
    }

    /// The id in `bytes` if there are exactly 8 of them and they are not all zero.
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        let id = SpanId(bytes.try_into().ok()?);
        (!id.is_zero()).then_some(id)
    }

    /// 1 to 16 hex digits in any case, padded with zeros on the left.
    ///
    /// # Errors
    /// When the text is empty, too long, or no hex.
    pub fn from_hex(text: &str) -> Result<Self, IdError> {
        let mut id = [0; 8];
        hex_right_aligned(text.as_bytes(), &mut id)?;
        Ok(SpanId(id))
    }
}

fn hex_right_aligned(text: &[u8], out: &mut [u8]) -> Result<(), IdError> {
    let max = out.len() * 2;
    if text.is_empty() || text.len() > max {
        return Err(IdError::Length { len: text.len(), max });
    }
    for (i, &c) in text.iter().rev().enumerate() {
        let digit = match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'f' => c - b'a' + 10,
            b'A'..=b'F' => c - b'A' + 10,
            _ => return Err(IdError::Digit { position: text.len() - 1 - i }),
        };
        if let Some(byte) = out.iter_mut().rev().nth(i / 2) {
            *byte |= digit << (4 * (i % 2));
        }
    }
    Ok(())
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_padded_on_the_left() {
        let table = [
            ("1", "00000000000000000000000000000001"),
            ("aBc", "00000000000000000000000000000abc"),
            ("0123456789abcdef", "00000000000000000123456789abcdef"),
            ("0123456789abcdef0123456789ABCDEF", "0123456789abcdef0123456789abcdef"),
        ];
        for (given, expected) in table {
            assert_eq!(TraceId::from_hex(given).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn bad_hex_says_where() {
        assert_eq!(TraceId::from_hex(""), Err(IdError::Length { len: 0, max: 32 }));
        assert_eq!(
            SpanId::from_hex("12345678123456781"),
            Err(IdError::Length { len: 17, max: 16 })
        );
        assert_eq!(SpanId::from_hex("12g4"), Err(IdError::Digit { position: 2 }));
    }

    #[test]
    fn wire_ids_need_their_length_and_a_bit_set() {
        assert_eq!(TraceId::from_wire(&[0; 16]), None);
        assert_eq!(TraceId::from_wire(&[1; 15]), None);
        assert_eq!(TraceId::from_wire(&[1; 16]), Some(TraceId([1; 16])));
        assert_eq!(SpanId::from_wire(&[0; 8]), None);
        assert_eq!(SpanId::from_wire(&[7; 8]), Some(SpanId([7; 8])));
    }
}
