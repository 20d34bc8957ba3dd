use super::*;
use proptest::prelude::*;

/// `{1: true, 2: [i32 7, -7], 3: "ab", 20: {1: 1.5}, 21: {"k": 9}}` in both protocols.
const COMPACT: &[u8] = &[
    0x11, 0x19, 0x25, 14, 13, 0x18, 2, b'a', b'b', 0x0c, 40, 0x17, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0,
    0x1b, 1, 0x86, 1, b'k', 18, 0,
];
const BINARY: &[u8] = &[
    2, 0, 1, 1, 15, 0, 2, 8, 0, 0, 0, 2, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xf9, 11, 0, 3, 0, 0, 0, 2,
    b'a', b'b', 12, 0, 20, 4, 0, 1, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0, 13, 0, 21, 11, 10, 0, 0, 0, 1,
    0, 0, 0, 1, b'k', 0, 0, 0, 0, 0, 0, 0, 9, 0,
];

#[test]
fn both_protocols_say_the_same() {
    for (bytes, compact) in [(COMPACT, true), (BINARY, false)] {
        let odd = Cell::default();
        let mut reader = Reader { rest: bytes, compact, odd: &odd };
        let mut walk = Walk::default();
        let field = walk.next(&mut reader).unwrap().unwrap();
        assert!(reader.bool(&field).unwrap(), "{compact}");
        let field = walk.next(&mut reader).unwrap().unwrap();
        assert_eq!((field.id, field.ty), (2, Type::List));
        reader.skip(&field).unwrap();
        let field = walk.next(&mut reader).unwrap().unwrap();
        assert_eq!(reader.binary_of(&field).unwrap(), b"ab");
        let field = walk.next(&mut reader).unwrap().unwrap();
        assert_eq!(field.id, 20);
        let mut inner = Walk::default();
        let double = inner.next(&mut reader).unwrap().unwrap();
        assert_eq!(reader.double(&double), Ok(1.5));
        assert_eq!(inner.next(&mut reader), Ok(None));
        let field = walk.next(&mut reader).unwrap().unwrap();
        assert_eq!((field.id, field.ty), (21, Type::Map));
        reader.skip(&field).unwrap();
        assert_eq!(walk.next(&mut reader), Ok(None));
        assert!(reader.rest.is_empty());
        for cut in 0..bytes.len() {
            let mut reader = Reader { rest: &bytes[..cut], compact, odd: &odd };
            assert!(reader.skip_value(Type::Struct, MOST_DEEP).is_err(), "{compact} {cut}");
        }
    }
}

#[test]
fn messages_with_every_head() {
    let table: [&[u8]; 3] = [
        &[0x82, 0x81, 5, 4, b'e', b'm', b'i', b't', 0],
        &[0x80, 1, 0, 4, 0, 0, 0, 4, b'e', b'm', b'i', b't', 0, 0, 0, 5, 0],
        &[0, 0, 0, 4, b'e', b'm', b'i', b't', 4, 0, 0, 0, 5, 0],
    ];
    for bytes in table {
        let odd = Cell::default();
        let (mut reader, name) = Reader::message(bytes, &odd).unwrap();
        assert_eq!(name, b"emit");
        assert_eq!(Walk::default().next(&mut reader), Ok(None));
    }
}

#[test]
fn claims_are_not_believed() {
    let long = [15u8, 0, 1, 12, 0x7f, 0xff, 0xff, 0xff];
    let deep = [0x1c; 200];
    for (bytes, compact) in [(&long[..], false), (&deep[..], true)] {
        let odd = Cell::default();
        let mut reader = Reader { rest: bytes, compact, odd: &odd };
        assert!(reader.skip_value(Type::Struct, MOST_DEEP).is_err());
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), compact in any::<bool>()) {
        let odd = Cell::default();
        Reader { rest: &bytes, compact, odd: &odd }.skip_value(Type::Struct, MOST_DEEP).ok();
        Reader::message(&bytes, &odd).ok();
        let mut reader = Reader { rest: &bytes, compact, odd: &odd };
        Walk::default().next_of(&mut reader, b"istlbd").ok();
    }
}
