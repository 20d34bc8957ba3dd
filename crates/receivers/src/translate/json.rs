//! JSON (RFC 8259) pulled out of bytes value by value, without a tree.
//!
//! Made for translators that want some members of known objects and skip the others: [`Json`]
//! stands before a value, and each method reads one. What is skipped is not proved to be valid to
//! its last character. Nothing here recurses, so nesting costs no stack.

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

/// A scalar; texts are in the buffer that was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text,
    /// An object or array, skipped.
    Nested,
}

impl<'a> Json<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let mut json = Json { rest: text, len: text.len() };
        json.blank();
        json
    }

    pub(crate) fn bad(&self, wanted: &'static str) -> Bad {
        Bad { wanted, at: self.len - self.rest.len() }
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left, from here on.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
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
        if self.take(b']') {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
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
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.string(key)?;
            if !self.take(b':') {
                return Err(self.bad("`:` is expected").into());
            }
            each(self, key)?;
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.bad("`,` or `}` is expected").into());
            }
        }
    }

    /// Reads a string into `into`. A lone surrogate becomes the replacement character.
    pub(crate) fn string(&mut self, into: &mut Vec<u8>) -> Result<(), Bad> {
        into.clear();
        let Some((b'"', mut rest)) = self.rest.split_first().map(|(&first, rest)| (first, rest))
        else {
            return Err(self.bad("a string is expected"));
        };
        loop {
            let end = rest.iter().position(|&c| c == b'"' || c == b'\\' || c < b' ');
            let (plain, tail) = end
                .and_then(|end| rest.split_at_checked(end))
                .ok_or_else(|| self.bad("the string has no end"))?;
            into.extend_from_slice(plain);
            match tail {
                [b'"', tail @ ..] => {
                    self.rest = tail;
                    self.blank();
                    return Ok(());
                }
                [b'\\', b'u', tail @ ..] => {
                    let (char, tail) =
                        unicode(tail).ok_or_else(|| self.bad("a bad \\u in the string"))?;
                    into.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = tail;
                }
                [b'\\', escaped, tail @ ..] => {
                    into.push(match escaped {
                        b'"' | b'\\' | b'/' => *escaped,
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        _ => return Err(self.bad("a bad escape in the string")),
                    });
                    rest = tail;
                }
                _ => return Err(self.bad("a control character in the string")),
            }
        }
    }

    /// Reads a string, or takes `null` for an empty one.
    pub(crate) fn string_or_null(&mut self, into: &mut Vec<u8>) -> Result<(), Bad> {
        into.clear();
        if self.null() { Ok(()) } else { self.string(into) }
    }

    /// Reads `true`, `false`, or `null` for false.
    pub(crate) fn bool(&mut self) -> Result<bool, Bad> {
        if self.word("true") {
            Ok(true)
        } else if self.word("false") || self.null() {
            Ok(false)
        } else {
            Err(self.bad("true or false is expected"))
        }
    }

    /// Reads a value of any type; a string goes into `text`.
    pub(crate) fn scalar(&mut self, text: &mut Vec<u8>) -> Result<Scalar, Bad> {
        Ok(match self.peek() {
            Some(b'"') => {
                self.string(text)?;
                Scalar::Text
            }
            Some(b't' | b'f') => Scalar::Bool(self.bool()?),
            Some(b'n') if self.null() => Scalar::Null,
            Some(b'-' | b'0'..=b'9') => {
                let token = self.number_token();
                let token = std::str::from_utf8(token).unwrap_or_default();
                match (token.parse(), token.parse()) {
                    (Ok(int), _) => Scalar::Int(int),
                    (_, Ok(double)) => Scalar::Double(double),
                    _ => return Err(self.bad("a bad number before here")),
                }
            }
            Some(b'{' | b'[') => {
                self.skip()?;
                Scalar::Nested
            }
            _ => return Err(self.bad("a value is expected")),
        })
    }

    /// Takes the characters of a number.
    pub(crate) fn number_token(&mut self) -> &'a [u8] {
        let is = |c: &u8| matches!(c, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
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
                Some(b'-' | b'0'..=b'9') => {
                    self.number_token();
                }
                _ if self.word("true") || self.word("false") || self.null() => {}
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

/// The character that the digits behind a `\u` stand for, with the other half of a surrogate pair.
fn unicode(text: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = hex4(text)?;
    if let (0xd800..0xdc00, [b'\\', b'u', tail @ ..]) = (first, rest)
        && let Some((second @ 0xdc00..0xe000, tail)) = hex4(tail)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return Some((char::from_u32(code)?, tail));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
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
