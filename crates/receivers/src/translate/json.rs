//! JSON (RFC 8259) pulled out of bytes value by value, without a tree.
//!
//! Made for translators that want some members of known objects and skip the others: [`Json`]
//! stands before a value, and each method reads one. What is skipped is not proved to be valid to
//! its last character. Nothing here recurses, so nesting costs no stack.
//!
//! What JSON does not allow and what can still be read without doubt costs no more than itself: a mark
//! of the byte order in front, raw control characters in a string, an escape that is none, a word that
//! is no value (`undefined`, Python's `None`, `0x10`), a comma behind the last item.

use super::Value;
use crate::fault::Fault;

/// A place in a JSON text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'a> {
    rest: &'a [u8],
    len: usize,
}

/// What is not JSON, or not what a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} at byte {at}")]
pub(crate) struct Bad {
    wanted: &'static str,
    at: usize,
}

impl From<Bad> for Fault {
    fn from(bad: Bad) -> Fault {
        Fault::Malformed(format!("the body is not the JSON that is expected here: {bad}"))
    }
}

/// A value as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Given<'t> {
    Null,
    Bool(bool),
    /// A number's characters, with `NaN` and `Infinity` that Python and JavaScript write.
    Number(&'t str),
    Text(&'t [u8]),
    /// An object or array, skipped: its characters.
    Nested(&'t [u8]),
}

impl<'t> Given<'t> {
    /// The value as the nearest type of attributes that holds it: what is no scalar as its text.
    pub(crate) fn nearest(self) -> Value<'t> {
        match self {
            Given::Null => Value::Empty,
            Given::Bool(value) => Value::Bool(value),
            Given::Number(text) => match (text.parse(), double(text)) {
                (Ok(int), _) => Value::Int(int),
                (_, Some(double)) => Value::Double(double),
                _ => Value::Str(text.as_bytes()),
            },
            Given::Text(text) | Given::Nested(text) => Value::Str(text),
        }
    }

    /// The value of a field that holds text. Of an object or array there is none.
    pub(crate) fn text(self) -> Option<&'t [u8]> {
        match self {
            Given::Null => Some(b""),
            Given::Bool(value) => Some(if value { b"true" } else { b"false" }),
            Given::Number(text) => Some(text.as_bytes()),
            Given::Text(text) => Some(text),
            Given::Nested(_) => None,
        }
    }

    /// The value of a field that holds a boolean, also as text or number.
    pub(crate) fn bool(self) -> Option<bool> {
        match self {
            Given::Null => Some(false),
            Given::Bool(value) => Some(value),
            Given::Number("1") | Given::Text(b"true" | b"True" | b"1") => Some(true),
            Given::Number("0") | Given::Text(b"false" | b"False" | b"0") => Some(false),
            _ => None,
        }
    }

    /// The characters of a number, also as text.
    pub(crate) fn number(self) -> Option<&'t str> {
        match self {
            Given::Number(text) => Some(text),
            Given::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }
}

/// A double that holds what the characters say; none when they say more than one can.
pub(crate) fn double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    let digits = text.bytes().any(|c| c.is_ascii_digit());
    (double.is_finite() || !digits).then_some(double)
}

impl<'a> Json<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut json = Json { rest, len: text.len() };
        json.blank();
        json
    }

    pub(crate) fn bad(&self, wanted: &'static str) -> Bad {
        Bad { wanted, at: self.at() }
    }

    /// How many bytes have been read.
    pub(crate) fn at(&self) -> usize {
        self.len - self.rest.len()
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// The next character, which is not taken.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes `byte` and the blanks behind it, if it is next.
    fn take(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                self.blank();
                true
            }
            _ => false,
        }
    }

    fn word(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word.as_bytes()) {
            Some(rest) => {
                self.rest = rest;
                self.blank();
                true
            }
            None => false,
        }
    }

    /// Takes `null`, if it is next.
    pub(crate) fn null(&mut self) -> bool {
        self.word("null")
    }

    /// Reads an array; `each` reads one element.
    pub(crate) fn array<E: From<Bad>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.take(b'[') {
            return Err(self.bad("an array is expected").into());
        }
        loop {
            // Behind the last comma, too.
            if self.take(b']') {
                return Ok(());
            }
            each(self)?;
            if !self.take(b',') && self.peek() != Some(b']') {
                return Err(self.bad("`,` or `]` is expected").into());
            }
        }
    }

    /// Reads an object. `key` is a buffer for names; `each` gets a name and reads its value.
    pub(crate) fn object<E: From<Bad>>(
        &mut self,
        key: &mut Vec<u8>,
        mut each: impl FnMut(&mut Self, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.take(b'{') {
            return Err(self.bad("an object is expected").into());
        }
        loop {
            if self.take(b'}') {
                return Ok(());
            }
            let name = self.text(key)?;
            if !self.take(b':') {
                return Err(self.bad("`:` is expected").into());
            }
            each(self, name)?;
            if !self.take(b',') && self.peek() != Some(b'}') {
                return Err(self.bad("`,` or `}` is expected").into());
            }
        }
    }

    /// Reads a string: as it stands, or in the buffer when it has escapes. A lone surrogate becomes
    /// the three bytes that UTF-8 would have for it, and the backslash of an escape that is none one
    /// that UTF-8 never has: no text, as what stands there raw may be none. Where spans become columns
    /// texts are mended, and counted.
    pub(crate) fn text<'t>(&mut self, buffer: &'t mut Vec<u8>) -> Result<&'t [u8], Bad>
    where
        'a: 't,
    {
        let Some((b'"', mut rest)) = self.rest.split_first().map(|(&first, rest)| (first, rest))
        else {
            return Err(self.bad("a string is expected"));
        };
        buffer.clear();
        loop {
            let end = rest.iter().position(|&c| c == b'"' || c == b'\\');
            let (plain, tail) = end
                .and_then(|end| rest.split_at_checked(end))
                .ok_or_else(|| self.bad("the string has no end"))?;
            match tail {
                [b'"', tail @ ..] => {
                    self.rest = tail;
                    self.blank();
                    if buffer.is_empty() {
                        return Ok(plain);
                    }
                    buffer.extend_from_slice(plain);
                    return Ok(buffer);
                }
                [b'\\', escaped, tail @ ..] => {
                    buffer.extend_from_slice(plain);
                    rest = tail;
                    let char = match escaped {
                        b'"' | b'\\' | b'/' => *escaped,
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        _ => match unicode(tail).filter(|_| *escaped == b'u') {
                            Some((code, tail)) => {
                                rest = tail;
                                match char::from_u32(code) {
                                    Some(char) => buffer.extend_from_slice(
                                        char.encode_utf8(&mut [0; 4]).as_bytes(),
                                    ),
                                    None => buffer.extend(lone_surrogate(code)),
                                }
                                continue;
                            }
                            None => {
                                buffer.push(0xff);
                                *escaped
                            }
                        },
                    };
                    buffer.push(char);
                }
                _ => return Err(self.bad("the string has no end")),
            }
        }
    }

    /// Reads a value of any type. `buffer` is for a text with escapes.
    pub(crate) fn given<'t>(&mut self, buffer: &'t mut Vec<u8>) -> Result<Given<'t>, Bad>
    where
        'a: 't,
    {
        Ok(match self.peek() {
            Some(b'"') => Given::Text(self.text(buffer)?),
            Some(b't') if self.word("true") => Given::Bool(true),
            Some(b'f') if self.word("false") => Given::Bool(false),
            Some(b'n') if self.null() => Given::Null,
            Some(b'{' | b'[') => {
                let before = self.rest;
                self.skip()?;
                let len = before.len() - self.rest.len();
                Given::Nested(before.get(..len).unwrap_or_default().trim_ascii_end())
            }
            _ => {
                let token = self.number_token();
                if token.is_empty() {
                    return Err(self.bad("a value is expected"));
                }
                let number = std::str::from_utf8(token).unwrap_or_default();
                let plain = token.iter().all(u8::is_ascii_digit);
                match plain || number.parse::<f64>().is_ok() {
                    true => Given::Number(number),
                    false => Given::Text(token),
                }
            }
        })
    }

    /// Takes the characters of a number, or of a word.
    fn number_token(&mut self) -> &'a [u8] {
        let is = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'+' | b'.' | b'_');
        let end = self.rest.iter().position(|c| !is(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        self.blank();
        token
    }

    /// Skips a value. Its brackets must match in number; `[` may be closed by `}`.
    pub(crate) fn skip(&mut self) -> Result<(), Bad> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(b'{' | b'[') => {
                    self.skip_bytes(1);
                    depth += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    self.skip_bytes(1);
                    depth -= 1;
                }
                Some(b',' | b':') if depth > 0 => self.skip_bytes(1),
                // A number, `true`, `false`, `null`.
                _ if !self.number_token().is_empty() => {}
                _ => return Err(self.bad("a value is expected")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_bytes(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
        self.blank();
    }

    fn skip_string(&mut self) -> Result<(), Bad> {
        let mut escaped = true; // the opening quote
        let end = self.rest.iter().position(|&c| {
            let ends = c == b'"' && !escaped;
            escaped = !escaped && c == b'\\';
            ends
        });
        match end {
            Some(end) => {
                self.skip_bytes(end + 1);
                Ok(())
            }
            None => Err(self.bad("the string has no end")),
        }
    }
}

/// The code point that the digits behind a `\u` stand for, with the other half of a surrogate pair.
fn unicode(text: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = hex4(text)?;
    if let (0xd800..0xdc00, [b'\\', b'u', tail @ ..]) = (first, rest)
        && let Some((second @ 0xdc00..0xe000, tail)) = hex4(tail)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return Some((code, tail));
    }
    Some((first, rest))
}

/// The bytes of half of a surrogate pair, `0xd800..0xe000`.
fn lone_surrogate(code: u32) -> [u8; 3] {
    let [_, _, high, low] = code.to_be_bytes();
    [0xed, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]
}

fn hex4(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let mut code = 0;
    for digit in digits {
        code = code << 4 | char::from(*digit).to_digit(16)?;
    }
    Some((code, rest))
}

#[cfg(test)]
mod tests;
