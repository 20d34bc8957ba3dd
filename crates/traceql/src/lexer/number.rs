//! Numbers as Go writes them, and durations.

use super::{MAX_MAGNITUDE, Scanned, TokenKind, duration, is_word};

/// The number or duration at the start of a text, which begins with a digit, or a dot and a digit.
pub(super) fn scan(text: &str) -> Scanned<'_> {
    if let Some(found) = duration::scan(text)? {
        return Ok((TokenKind::Duration(found.0), found.1));
    }
    let (kind, bytes) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => radix(text, 16)?,
        [b'0', b'o' | b'O', ..] => radix(text, 8)?,
        [b'0', b'b' | b'B', ..] => radix(text, 2)?,
        _ => decimal(text)?,
    };
    // What hangs on a number is a mistake, and never the next word.
    let rest = text.get(bytes..).unwrap_or_default();
    if rest.starts_with(is_word) {
        let end = text.find(|c| !is_word(c) && c != '.').unwrap_or(text.len());
        let literal = text.get(..end).unwrap_or_default();
        return Err(format!("{literal:?} is neither a number nor a duration"));
    }
    Ok((kind, bytes))
}

/// An integer behind a prefix of two characters.
fn radix(text: &str, radix: u32) -> Scanned<'static> {
    let digits = text.get(2..).unwrap_or_default();
    let len = digits.find(|c: char| !c.is_digit(radix) && c != '_').unwrap_or(digits.len());
    let clean = digits.get(..len).unwrap_or_default().replace('_', "");
    Ok((int(&clean, radix)?, len + 2))
}

fn decimal(text: &str) -> Scanned<'static> {
    let mut end = digits(text, 0);
    let mut float = false;
    if text.get(end..).unwrap_or_default().starts_with('.') {
        float = true;
        end = digits(text, end + 1);
    }
    if let Some(after) = text.get(end..).unwrap_or_default().strip_prefix(['e', 'E']) {
        let unsigned = after.strip_prefix(['+', '-']).unwrap_or(after);
        if unsigned.starts_with(|c: char| c.is_ascii_digit()) {
            float = true;
            end = digits(text, end + 1 + (after.len() - unsigned.len()));
        }
    }
    let clean = text.get(..end).unwrap_or_default().replace('_', "");
    if !float {
        return Ok((int(&clean, 10)?, end));
    }
    match clean.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((TokenKind::Float(number), end)),
        _ => Err(format!("the number {clean} is out of range")),
    }
}

/// Where the digits from `start` on end.
fn digits(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let len = rest.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
    start + len
}

fn int(digits: &str, radix: u32) -> Result<TokenKind<'static>, String> {
    match u64::from_str_radix(digits, radix) {
        Ok(number) if number <= MAX_MAGNITUDE => Ok(TokenKind::Int(number)),
        _ => Err(format!("the integer {digits:?} is out of range")),
    }
}
