//! Text that is not UTF-8, mended where it stands.

use std::str::from_utf8;

/// Makes UTF-8 of `text` without changing its length: three broken bytes in a row (a lone
/// surrogate is three) become the replacement character, one or two a question mark each.
#[cold]
#[inline(never)]
pub fn mend_utf8(text: &mut [u8]) {
    // All before `at` is UTF-8 but for the last `broken` bytes.
    let (mut at, mut broken) = (0, 0);
    while let Some(rest) = text.get(at..) {
        let (valid, bad) = match from_utf8(rest) {
            Ok(_) => (rest.len(), 0),
            Err(error) => {
                let valid = error.valid_up_to();
                (valid, error.error_len().unwrap_or(rest.len() - valid))
            }
        };
        if valid > 0 || bad == 0 {
            let run = text.get_mut(at - broken..at).unwrap_or_default();
            let (threes, others) = run.as_chunks_mut::<3>();
            threes.fill(*b"\xef\xbf\xbd");
            others.fill(b'?');
            broken = 0;
        }
        if bad == 0 {
            return;
        }
        at += valid + bad;
        broken += bad;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_bytes_are_replaced_where_they_stand() {
        let table: [(&[u8], &str); 8] = [
            (b"", ""),
            ("größe".as_bytes(), "größe"),
            (b"caf\xe9", "caf?"),
            (b"\xff", "?"),
            (b"a\xffb\xfe\xfec", "a?b??c"),
            (b"\xed\xa0\xbd", "\u{fffd}"),
            (b"x\xed\xa0\xbd\xff!", "x\u{fffd}?!"),
            (b"\xf0\x9f\x98", "\u{fffd}"),
        ];
        for (bytes, expected) in table {
            let mut text = bytes.to_vec();
            mend_utf8(&mut text);
            assert_eq!(text, expected.as_bytes(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_mended_is_utf8(mut text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let before = text.clone();
            mend_utf8(&mut text);
            prop_assert!(from_utf8(&text).is_ok());
            prop_assert_eq!(text.len(), before.len());
            prop_assert!(from_utf8(&before).is_err() || text == before);
        }
    }
}
