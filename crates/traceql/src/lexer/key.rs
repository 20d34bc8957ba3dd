//! Keys of attributes: what stands after a scope's dot.

/// Whether a character ends a key that is not in quotes.
pub(crate) fn ends_key(c: char) -> bool {
    c.is_whitespace() || "{}()=~!<>&|^,".contains(c)
}

/// The key at the start of a text, without quotes and escapes, and how many bytes it takes.
///
/// Parts in quotes may stand anywhere in it: `"my key".x`.
pub(super) fn scan(text: &str) -> Result<(String, usize), String> {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '"' {
            quoted_part(&mut chars, &mut key)?;
        } else if ends_key(c) {
            return Ok((key, at));
        } else {
            key.push(c);
        }
    }
    Ok((key, text.len()))
}

fn quoted_part(
    chars: &mut impl Iterator<Item = (usize, char)>,
    key: &mut String,
) -> Result<(), String> {
    loop {
        match chars.next().map(|(_, c)| c) {
            Some('"') => return Ok(()),
            Some('\\') => match chars.next().map(|(_, c)| c) {
                Some(c @ ('"' | '\\')) => key.push(c),
                _ => return Err("in a quoted name only \\\" and \\\\ are escapes".into()),
            },
            Some(c) => key.push(c),
            None => return Err("the quoted name is not closed, expected \"".into()),
        }
    }
}
