//! `DELTA_BINARY_PACKED` (encoding 5), for integers.
//!
//! Header: block size 128, four miniblocks, number of values (varints), first value (zigzag). Then
//! blocks: the smallest difference (zigzag), a bit width for each miniblock, the differences less
//! the smallest, packed, 32 a miniblock. Arithmetic wraps at the width of the physical type.

use super::hybrid::BitPacker;
use tributary_span::protobuf::put;

const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;

/// Appends integers of 64 bits, or of 32 bits (sign-extended) when `narrow`.
pub(crate) fn delta(out: &mut Vec<u8>, values: impl ExactSizeIterator<Item = i64>, narrow: bool) {
    put::varint(out, BLOCK as u64);
    put::varint(out, (BLOCK / MINIBLOCK) as u64);
    put::varint(out, values.len() as u64);
    let mut values = values;
    let mut last = values.next().unwrap_or_default();
    put::varint(out, put::zigzag(last));
    let mut block = [0i64; BLOCK];
    while values.len() > 0 {
        let mut filled = 0;
        for (slot, value) in block.iter_mut().zip(values.by_ref().take(BLOCK)) {
            let difference = value.wrapping_sub(last);
            #[expect(clippy::cast_possible_truncation, reason = "32-bit differences wrap")]
            let difference = if narrow { i64::from(difference as i32) } else { difference };
            *slot = difference;
            last = value;
            filled += 1;
        }
        put_block(out, block.get_mut(..filled).unwrap_or_default());
    }
}

fn put_block(out: &mut Vec<u8>, differences: &mut [i64]) {
    let smallest = differences.iter().copied().min().unwrap_or_default();
    put::varint(out, put::zigzag(smallest));
    let widths = out.len();
    out.extend_from_slice(&[0; BLOCK / MINIBLOCK]);
    for (i, miniblock) in differences.chunks(MINIBLOCK).enumerate() {
        let above = |d: i64| d.wrapping_sub(smallest).cast_unsigned();
        let all = miniblock.iter().fold(0, |all, &d| all | above(d));
        let width = u64::BITS - all.leading_zeros();
        if let Some(byte) = out.get_mut(widths + i) {
            *byte = width as u8;
        }
        let mut bits = BitPacker::default();
        for &difference in miniblock {
            bits.push(out, above(difference), width);
        }
        for _ in miniblock.len()..MINIBLOCK {
            bits.push(out, 0, width);
        }
        bits.finish(out);
    }
}
