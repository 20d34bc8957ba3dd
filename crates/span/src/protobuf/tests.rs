use super::*;
use proptest::prelude::*;

fn all(bytes: &[u8]) -> Result<Vec<Field<'_>>, Malformed> {
    let mut fields = Fields::new(bytes);
    let mut found = Vec::new();
    while let Some(field) = fields.next_field()? {
        found.push(field);
    }
    Ok(found)
}

#[test]
fn what_is_put_is_read() {
    let mut out = Vec::new();
    put::uint(&mut out, 1, 300);
    put::fixed64(&mut out, 2, 7);
    put::fixed32(&mut out, 3, 8);
    put::bytes(&mut out, 4, b"abc");
    put::message(&mut out, 5, |m| put::bytes(m, 1, &[9; 20_000]));
    let fields = all(&out).unwrap();
    assert_eq!(fields.len(), 5);
    assert_eq!(fields[0].varint(), Ok(300));
    assert_eq!(fields[1].fixed64(), Ok(7));
    assert_eq!(fields[2].fixed32(), Ok(8));
    assert_eq!(fields[3].text(), Ok("abc"));
    let inner = all(fields[4].bytes().unwrap()).unwrap();
    assert_eq!(inner[0].bytes().unwrap(), [9; 20_000]);
}

#[test]
fn malformed_bytes_are_named() {
    let table: &[(&[u8], Malformed)] = &[
        (&[0x0a, 5, 1], Malformed::Truncated),
        (&[0x08], Malformed::Truncated),
        (
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            Malformed::LongVarint,
        ),
        (&[0x00, 1], Malformed::BadTag),
        (&[0x0b], Malformed::Truncated),
        (&[0x0c], Malformed::BadTag),
        (&[0x0b, 0x0f, 0x0c], Malformed::BadTag),
        (&[0x09, 1, 2], Malformed::Truncated),
        (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], Malformed::Truncated),
    ];
    for (bytes, expected) in table {
        assert_eq!(all(bytes), Err(*expected), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        all(&bytes).ok();
    }

    #[test]
    fn varints_have_the_length_they_say(n in any::<u64>()) {
        let mut out = Vec::new();
        put::varint(&mut out, n);
        prop_assert_eq!(out.len(), put::varint_len(n));
        prop_assert_eq!(take_varint(&mut &out[..]), Ok(n));
    }
}
