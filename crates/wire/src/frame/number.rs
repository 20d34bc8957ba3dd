//! Numbers in two parts: a class byte that compresses well, and bits that do not compress at all.
//!
//! The class of a signed number is the bit length of its magnitude (0 to 64), plus 64 if it is
//! negative. The bits below the leading one go into a bit string, lowest bit first, which stays
//! outside of the compressor: they are as good as random, and a byte-wise code would waste part of
//! a byte on each of them.

use super::FrameError;

/// A string of bits under construction.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    out: Vec<u8>,
    pending: u64,
    /// Bits in `pending`: always below 32 between calls.
    used: u32,
}

impl BitWriter {
    /// Appends the lowest `count` bits (at most 64) of `bits`; the others must be zero.
    #[inline]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        if count > 32 {
            self.put_small(bits & 0xffff_ffff, 32);
            self.put_small(bits >> 32, count - 32);
        } else {
            self.put_small(bits, count);
        }
    }

    #[inline]
    fn put_small(&mut self, bits: u64, count: u32) {
        self.pending |= bits << self.used;
        self.used += count;
        if self.used >= 32 {
            self.out.extend_from_slice(&(self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.used -= 32;
        }
    }

    /// Appends the low bits of a number and returns its class.
    #[inline]
    pub(super) fn put_number(&mut self, number: i64) -> u8 {
        let magnitude = number.unsigned_abs();
        let class = 64 - magnitude.leading_zeros();
        if class > 1 {
            self.put(magnitude ^ (1 << (class - 1)), class - 1);
        }
        (class + if number < 0 { 64 } else { 0 }) as u8
    }

    /// The string, padded with zeros to whole bytes.
    pub(super) fn finish(&mut self) -> &[u8] {
        let bytes = self.pending.to_le_bytes();
        self.out.extend(bytes.iter().take(self.used.div_ceil(8) as usize));
        (self.pending, self.used) = (0, 0);
        &self.out
    }

    pub(super) fn clear(&mut self) {
        self.out.clear();
        (self.pending, self.used) = (0, 0);
    }
}

/// Reads a string of bits.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    rest: &'a [u8],
    pending: u64,
    /// Bits in `pending`: at least 32 after a refill unless the string is near its end.
    used: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        BitReader { rest: bytes, pending: 0, used: 0 }
    }

    /// The next `count` (at most 64) bits.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> Result<u64, FrameError> {
        if count > 32 {
            let low = self.take_small(32)?;
            Ok(low | self.take_small(count - 32)? << 32)
        } else {
            self.take_small(count)
        }
    }

    #[inline]
    fn take_small(&mut self, count: u32) -> Result<u64, FrameError> {
        if self.used < count {
            if let Some((four, rest)) = self.rest.split_first_chunk::<4>() {
                self.pending |= u64::from(u32::from_le_bytes(*four)) << self.used;
                self.used += 32;
                self.rest = rest;
            } else {
                while let Some((&byte, rest)) = self.rest.split_first() {
                    self.pending |= u64::from(byte) << self.used;
                    self.used += 8;
                    self.rest = rest;
                }
                if self.used < count {
                    return Err(FrameError::Malformed("the bits end early"));
                }
            }
        }
        let bits = self.pending & ((1 << count) - 1);
        self.pending >>= count;
        self.used -= count;
        Ok(bits)
    }

    /// The number of this class whose low bits come next.
    #[inline]
    pub(super) fn take_number(&mut self, class: u8) -> Result<i64, FrameError> {
        let (length, negative) = match class {
            0..=64 => (u32::from(class), false),
            65..=128 => (u32::from(class) - 64, true),
            _ => return Err(FrameError::Malformed("a number of no known class")),
        };
        let magnitude = match length {
            0 => 0,
            _ => self.take(length - 1)? | 1 << (length - 1),
        };
        let number = if negative { magnitude.wrapping_neg() } else { magnitude };
        Ok(number.cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_put_is_taken(numbers in proptest::collection::vec(
            (any::<i64>(), 0u32..64).prop_map(|(n, shift)| n >> shift), 0..200)) {
            let mut writer = BitWriter::default();
            let classes: Vec<_> = numbers.iter().map(|n| writer.put_number(*n)).collect();
            let bytes = writer.finish().to_vec();
            let mut reader = BitReader::new(&bytes);
            for (number, class) in numbers.iter().zip(&classes) {
                prop_assert_eq!(reader.take_number(*class), Ok(*number));
            }
            prop_assert!(reader.take(8).is_err());
        }
    }

    #[test]
    fn edges() {
        let mut writer = BitWriter::default();
        let numbers = [0, 1, -1, i64::MAX, i64::MIN, 2, -2, 1 << 32, 0];
        let classes = numbers.map(|n| writer.put_number(n));
        assert_eq!(classes, [0, 1, 65, 63, 128, 2, 66, 33, 0]);
        let bytes = writer.finish().to_vec();
        let mut reader = BitReader::new(&bytes);
        assert_eq!(classes.map(|c| reader.take_number(c).unwrap()), numbers);
        assert!(BitReader::new(&[1]).take(9).is_err());
        assert!(BitReader::new(&[]).take_number(129).is_err());
    }
}
