//! Headers, read.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};

/// A header's value, empty when there is none.
pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h [u8] {
    headers.get(name).map_or(&[], |value| value.as_bytes())
}

/// The media type of a request's body, without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> &[u8] {
    let value = header(headers, &CONTENT_TYPE);
    value.split(|&b| b == b';').next().unwrap_or_default().trim_ascii()
}
