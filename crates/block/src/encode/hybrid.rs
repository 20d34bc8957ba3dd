//! RLE / bit-packing hybrid (encoding 3), for levels and dictionary indices.
//!
//! A stream of runs: a varint header whose lowest bit says which kind follows. 0: `header >> 1`
//! repeats of one value, in as many whole bytes as the bit width needs. 1: `header >> 1` groups of
//! eight values, packed from the lowest bit on.

use tributary_span::protobuf::put;

/// Bits that values up to `max` need.
pub(crate) fn bit_width(max: u32) -> u32 {
    u32::BITS - max.leading_zeros()
}

/// Appends `values`, each below `1 << width`.
pub(crate) fn hybrid<T: Copy + PartialEq + Into<u32>>(out: &mut Vec<u8>, values: &[T], width: u32) {
    let mut rest = values;
    let mut literals = values;
    // `literals` starts where the run of packed groups started; it is flushed up to `rest`.
    while let Some((&first, _)) = rest.split_first() {
        let run = match rest.split_at_checked(8) {
            Some((eight, _)) if all_are(first, eight) => alike(first, rest),
            Some(_) => 0,
            // The last few values: a run if they are all the same, else a padded group.
            None if all_are(first, rest) => rest.len(),
            None => 0,
        };
        if run == 0 {
            rest = rest.get(8..).unwrap_or_default();
            continue;
        }
        let (_, after) = rest.split_at(run);
        packed(out, literals, literals.len() - rest.len(), width);
        put::varint(out, (run as u64) << 1);
        let value = first.into().to_le_bytes();
        out.extend(value.iter().take(width.div_ceil(8) as usize));
        rest = after;
        literals = after;
    }
    packed(out, literals, literals.len(), width);
}

/// Whether each value is this one. All are looked at, many with one instruction.
fn all_are<T: Copy + PartialEq>(first: T, values: &[T]) -> bool {
    values.iter().fold(true, |same, &v| same & (v == first))
}

/// How many values there are before another one than `first`.
fn alike<T: Copy + PartialEq>(first: T, values: &[T]) -> usize {
    const MANY: usize = 32;
    let many = values.chunks_exact(MANY).take_while(|many| all_are(first, many)).count() * MANY;
    let rest = values.get(many..).unwrap_or_default();
    many + rest.iter().position(|&v| v != first).unwrap_or(rest.len())
}

/// Appends `values` as runs alone, however short: longer than [`hybrid`] makes them, but in whole
/// bytes, in which compression finds again what repeats itself.
pub(crate) fn runs<T: Copy + PartialEq + Into<u32>>(out: &mut Vec<u8>, values: &[T], width: u32) {
    for run in values.chunk_by(|a, b| a == b) {
        let Some(&first) = run.first() else { continue };
        put::varint(out, (run.len() as u64) << 1);
        let value = first.into().to_le_bytes();
        out.extend(value.iter().take(width.div_ceil(8) as usize));
    }
}

/// Appends the first `count` of `values` as groups of eight, the last one padded with zeros.
fn packed<T: Copy + Into<u32>>(out: &mut Vec<u8>, values: &[T], count: usize, width: u32) {
    let values = values.get(..count).unwrap_or(values);
    if values.is_empty() {
        return;
    }
    put::varint(out, (values.len().div_ceil(8) as u64) << 1 | 1);
    let (groups, last) = values.as_chunks();
    for group in groups {
        put_group(out, group.map(Into::into), width);
    }
    if !last.is_empty() {
        let mut group = [0; 8];
        group.iter_mut().zip(last).for_each(|(to, &value)| *to = value.into());
        put_group(out, group, width);
    }
}

/// Appends eight values, in `width` bytes.
fn put_group(out: &mut Vec<u8>, group: [u32; 8], width: u32) {
    if width > 16 {
        let mut bits = BitPacker::default();
        group.iter().for_each(|&value| bits.push(out, value.into(), width));
        return bits.finish(out);
    }
    let four = |[a, b, c, d]: [u32; 4]| {
        let (low, high) =
            (u64::from(a) | u64::from(b) << width, u64::from(c) | u64::from(d) << width);
        low | high << (2 * width)
    };
    let [a, b, c, d, e, f, g, h] = group;
    let (low, high) = (four([a, b, c, d]), four([e, f, g, h]));
    let all = u128::from(low) | u128::from(high) << (4 * width);
    out.extend_from_slice(all.to_le_bytes().get(..width as usize).unwrap_or_default());
}

/// Packs values from the lowest bit of the first byte on.
#[derive(Default)]
pub(super) struct BitPacker {
    held: u64,
    bits: u32,
}

impl BitPacker {
    /// Appends the lower `width` bits of `value`, whose other bits are zero.
    #[inline]
    pub(super) fn push(&mut self, out: &mut Vec<u8>, value: u64, width: u32) {
        self.held |= value << self.bits;
        let bits = self.bits + width;
        if bits < 64 {
            self.bits = bits;
            return;
        }
        out.extend_from_slice(&self.held.to_le_bytes());
        let taken = 64 - self.bits;
        self.held = if taken < 64 { value >> taken } else { 0 };
        self.bits = bits - 64;
    }

    /// Appends what is held, in whole bytes.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        out.extend(self.held.to_le_bytes().iter().take(self.bits.div_ceil(8) as usize));
    }
}
