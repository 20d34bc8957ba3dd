//! Appending fields to a buffer. Fields at their default are the caller's to leave out.

/// A bare varint.
#[inline]
pub fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8 & 0x7f) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Bytes that [`varint`] takes for `n`.
#[inline]
pub(crate) fn varint_len(n: u64) -> usize {
    (70 - (n | 1).leading_zeros() as usize) / 7
}

/// Field `number` as a varint.
pub fn uint(out: &mut Vec<u8>, number: u32, n: u64) {
    varint(out, u64::from(number) << 3);
    varint(out, n);
}

/// A signed number as a varint has it where it is often small: 0, -1, 1, -2 become 0, 1, 2, 3.
pub fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

/// Field `number` as sint32 or sint64.
pub fn sint(out: &mut Vec<u8>, number: u32, n: i64) {
    uint(out, number, zigzag(n));
}

/// Field `number` as fixed64 (also a double's bits).
pub fn fixed64(out: &mut Vec<u8>, number: u32, n: u64) {
    varint(out, u64::from(number) << 3 | 1);
    out.extend_from_slice(&n.to_le_bytes());
}

/// Field `number` as fixed32.
pub fn fixed32(out: &mut Vec<u8>, number: u32, n: u32) {
    varint(out, u64::from(number) << 3 | 5);
    out.extend_from_slice(&n.to_le_bytes());
}

/// Field `number` as bytes, string or ready-made message.
pub fn bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    varint(out, u64::from(number) << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Field `number` as a message that `fill` writes in place: one byte is kept for the length
/// and the message is moved when it needs more.
pub fn message(out: &mut Vec<u8>, number: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    varint(out, u64::from(number) << 3 | 2);
    let start = out.len();
    out.push(0);
    fill(out);
    let len = out.len() - start - 1;
    let extra = varint_len(len as u64) - 1;
    if extra > 0 {
        out.resize(out.len() + extra, 0);
        out.copy_within(start + 1..start + 1 + len, start + 1 + extra);
    }
    let mut n = len as u64;
    for i in 0..=extra {
        let more = if i < extra { 0x80 } else { 0 };
        if let Some(byte) = out.get_mut(start + i) {
            *byte = (n as u8 & 0x7f) | more;
        }
        n >>= 7;
    }
}
