//! Texts in quotes, as Go has them.

type Scanned = Result<(String, usize), String>;

const OPEN: &str = "the text is not closed";

/// `raw` text between backquotes, and how many bytes it takes with them. As in Go carriage returns
/// do not count.
pub(super) fn raw(text: &str) -> Scanned {
    let inner = text.strip_prefix('`').and_then(|t| t.split_once('`'));
    let (inner, _) = inner.ok_or_else(|| format!("{OPEN}, expected `"))?;
    Ok((inner.replace('\r', ""), inner.len() + 2))
}

/// Text between double quotes, its escapes resolved.
pub(super) fn escaped(text: &str) -> Scanned {
    // Escapes give bytes, and several of them may make one character.
    let mut bytes = Vec::new();
    let mut chars = text.char_indices();
    chars.next();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                return String::from_utf8(bytes)
                    .map(|text| (text, at + 1))
                    .map_err(|_| "the text's escapes give no valid UTF-8".into());
            }
            '\n' => return Err(format!("{OPEN} on its line, expected \"; a newline is \\n")),
            '\\' => escape(&mut chars, &mut bytes)?,
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(format!("{OPEN}, expected \""))
}

fn escape(
    chars: &mut impl Iterator<Item = (usize, char)>,
    bytes: &mut Vec<u8>,
) -> Result<(), String> {
    let Some((_, c)) = chars.next() else { return Err(format!("{OPEN}, expected \"")) };
    let wrong = || format!("the text has an invalid escape \\{}", c.escape_debug());
    let mut digits = |first: u32, count: usize, radix: u32| {
        (0..count).try_fold(first, |n, _| {
            n.checked_mul(radix)?.checked_add(chars.next()?.1.to_digit(radix)?)
        })
    };
    let byte = match c {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '"' => b'"',
        'x' => digits(0, 2, 16).and_then(|n| u8::try_from(n).ok()).ok_or_else(wrong)?,
        '0'..='7' => {
            let first = c.to_digit(8).unwrap_or_default();
            digits(first, 2, 8).and_then(|n| u8::try_from(n).ok()).ok_or_else(wrong)?
        }
        'u' | 'U' => {
            let count = if c == 'u' { 4 } else { 8 };
            let c = digits(0, count, 16).and_then(char::from_u32).ok_or_else(wrong)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        _ => return Err(wrong()),
    };
    bytes.push(byte);
    Ok(())
}
