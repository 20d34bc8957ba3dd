//! Conditional requests (RFC 9110, section 13): a client that has an answer already names it by its tag,
//! and is told in place of another copy that nothing has changed.

use http::{HeaderMap, HeaderValue, header};

/// What a client has: its headers `If-None-Match`.
#[derive(Debug, Clone, Default)]
pub(crate) struct IfNoneMatch(Vec<HeaderValue>);

impl IfNoneMatch {
    /// What a request names.
    pub(crate) fn of(headers: &HeaderMap) -> IfNoneMatch {
        IfNoneMatch(headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect())
    }

    /// Whether the client has the answer with this tag. Tags are compared weakly: what they name has the
    /// same meaning, in whatever coding it came.
    pub(crate) fn has(&self, tag: &str) -> bool {
        let wanted = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').as_bytes();
        self.0.iter().any(|list| names(list.as_bytes(), wanted))
    }
}

/// Whether a header's value is `*`, or a list in which a tag stands: `"a", W/"b"`. What stands behind
/// something else is not read.
fn names(list: &[u8], wanted: &[u8]) -> bool {
    let mut rest = list.trim_ascii();
    if rest == b"*" {
        return true;
    }
    while let Some((tag, behind)) = first(rest) {
        if tag == wanted {
            return true;
        }
        // A tag may have commas in it.
        match behind.trim_ascii_start() {
            [b',', next @ ..] => rest = next,
            _ => return false,
        }
    }
    false
}

/// The tag that a list begins with, without its quotes, and what stands behind it.
fn first(mut list: &[u8]) -> Option<(&[u8], &[u8])> {
    // Members of a list may be empty.
    while let [b',' | b' ' | b'\t', rest @ ..] = list {
        list = rest;
    }
    let tag = list.strip_prefix(b"W/").unwrap_or(list).strip_prefix(b"\"")?;
    let end = tag.iter().position(|&byte| byte == b'"')?;
    let (tag, behind) = tag.split_at_checked(end)?;
    Some((tag, behind.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_has_is_found_in_its_headers() {
        let tag = "W/\"0a,b\"";
        let table: [(&[&str], bool); 19] = [
            (&[], false),
            (&[""], false),
            (&["*"], true),
            (&[" * "], true),
            (&["*, \"x\""], false),
            (&["W/\"0a,b\""], true),
            (&["\"0a,b\""], true),
            (&["\"0a\""], false),
            (&["0a,b"], false),
            (&["w/\"0a,b\""], false),
            (&["\"x\", W/\"y\",W/\"0a,b\""], true),
            (&["\"x\" ,, \t\"0a,b\" , \"y\""], true),
            (&["\"x\"; \"0a,b\""], false),
            (&["\"x, W/\"0a,b\""], false),
            (&["\"0a,b"], false),
            (&["W/"], false),
            (&["\"x\"", "\"0a,b\""], true),
            (&["\"x\"", "\"y\""], false),
            (&["\"*\""], false),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_NONE_MATCH, value.parse().unwrap());
            }
            assert_eq!(IfNoneMatch::of(&headers).has(tag), expected, "{values:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_bytes(b"\"\xff\", \"a\"").unwrap());
        assert!(IfNoneMatch::of(&headers).has("\"a\""), "a tag may have any bytes above ASCII");
    }
}
