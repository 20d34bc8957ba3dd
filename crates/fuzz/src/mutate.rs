//! Small changes to bytes, such as decoders trip over.

use tributary_testkit::Random;

/// No input grows beyond this.
const LONGEST: usize = 64 << 10;

/// Numbers at the edges of types and of limits, as they are written in fixed width or as varints.
const EDGES: &[u64] = &[
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    0xff_ffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// Bytes that begin or end something in MessagePack, JSON, protobuf, Thrift or zstd, most of them
/// something long.
const TOKENS: &[&[u8]] = &[
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\x7f\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xc9\xff\xff\xff\xff\x01",
    b"\x91\x91\x91\x91\x91\x91\x91\x91",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"\\u0000",
    b"1e999",
    b"\\ud83d",
    b"null",
    b"-1",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x0a\xff\xff\xff\xff\x0f",
    b"\x0c\x00\x01",
    b"\x1c",
    b"\x28\xb5\x2f\xfd",
    b"\xe2\x82",
];

/// Changes `input` in one to eight places. `other` is an input to take pieces of.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(8) {
        change(input, other, random);
    }
    input.truncate(LONGEST);
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let len = input.len();
    let at = random.below(len);
    let run = at..(at + 1 + random.below(32)).min(len);
    match random.below(12) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.byte();
            }
        }
        2 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = byte.wrapping_add(if random.below(2) == 0 { 1 } else { 255 });
            }
        }
        3 => input.truncate(at),
        4 => drop(input.drain(run.start.min(len)..run.end)),
        5 => {
            // Mostly once; many times is what makes depth and long lists.
            let times = if random.below(4) == 0 { 1 + random.below(20) } else { 1 };
            let piece = input.get(run).unwrap_or_default().repeat(times);
            insert(input, random, &piece);
        }
        6 => {
            let from = random.below(other.len());
            let to = (from + random.below(256)).min(other.len());
            insert(input, random, other.get(from..to).unwrap_or_default());
        }
        7 => {
            // The head of this and the tail of the other, as a torn write leaves them.
            input.truncate(at);
            input.extend_from_slice(other.get(random.below(other.len())..).unwrap_or_default());
        }
        8 => {
            let edge = random.pick(EDGES).copied().unwrap_or(0);
            let width = 1 << random.below(4);
            let little = edge.to_le_bytes();
            let big = edge.to_be_bytes();
            let bytes = match random.below(2) {
                0 => little.get(..width).unwrap_or_default(),
                _ => big.get(8 - width..).unwrap_or_default(),
            };
            input.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
        }
        9 => {
            let mut edge = random.pick(EDGES).copied().unwrap_or(0);
            let mut varint = Vec::new();
            while edge >= 0x80 {
                varint.push(edge.to_le_bytes()[0] | 0x80);
                edge >>= 7;
            }
            varint.push(edge.to_le_bytes()[0]);
            insert(input, random, &varint);
        }
        10 => {
            let token = random.pick(TOKENS).copied().unwrap_or_default();
            insert(input, random, token);
        }
        _ => {
            let token = random.pick(TOKENS).copied().unwrap_or_default();
            input.iter_mut().skip(at).zip(token).for_each(|(to, from)| *to = *from);
        }
    }
}

fn insert(input: &mut Vec<u8>, random: &mut Random, piece: &[u8]) {
    let at = random.below(input.len() + 1);
    input.splice(at..at, piece.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_inputs_and_others_give_others() {
        let made = |seed| {
            let mut random = Random::new(seed);
            let mut input = b"something to begin with".to_vec();
            (0..100).for_each(|_| mutate(&mut input, b"another", &mut random));
            input
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }

    #[test]
    fn nothing_and_much_are_mutated_too() {
        let mut random = Random::new(7);
        let mut nothing = Vec::new();
        let mut much = vec![0; LONGEST];
        for _ in 0..2000 {
            mutate(&mut nothing, &[], &mut random);
            mutate(&mut much, &[7; 300], &mut random);
            assert!(nothing.len() <= LONGEST && much.len() <= LONGEST);
        }
    }
}
