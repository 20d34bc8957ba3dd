//! The parameters of a URL.

use std::borrow::Cow;
use std::str::FromStr;

/// The query part of a URL, read as browsers write forms: `+` is a space, `%xx` a byte. Of a
/// name that stands there several times the first one counts, and one without a value is as good
/// as none. Escapes are undone only where they are asked for, so that an unknown parameter
/// can be as malformed as it likes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameters<'q> {
    query: &'q str,
}

impl<'q> Parameters<'q> {
    pub(super) fn new(query: &'q str) -> Self {
        Parameters { query }
    }

    /// A parameter's text; none when it is missing or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'q, str>>, String> {
        let Some((_, value)) = self.raw().find(|(key, _)| key == name) else { return Ok(None) };
        let value =
            form(value).ok_or_else(|| format!("parameter {name}: bad escapes in {value:?}"))?;
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// A parameter as a whole number that is not negative.
    pub(super) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("invalid {name}: {text:?} is not a whole number in its range")),
        }
    }

    /// A parameter as `true` or `false`, with the spellings that Go's parser takes.
    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.text(name)?.as_deref() {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some(other) => Err(format!("invalid {name}: {other:?} is neither true nor false")),
        }
    }

    /// All names and values that can be read and have a value, in the order written.
    pub(super) fn all(&self) -> impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)> {
        self.raw()
            .filter_map(|(name, value)| Some((name, form(value)?)))
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
    }

    /// Names, and values as they are written. Names that cannot be read are passed over.
    fn raw(&self) -> impl Iterator<Item = (Cow<'q, str>, &'q str)> {
        self.query.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((form(name)?, value))
        })
    }
}

/// Undoes the escapes of a form; none when what comes out is not UTF-8.
fn form(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        return path(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned()));
    }
    path(text)
}

/// Undoes `%xx`; none for a `%` without two hex digits, and when what comes out is not UTF-8.
pub(super) fn path(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
