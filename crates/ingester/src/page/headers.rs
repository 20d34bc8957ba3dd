//! What every answer of the page says beside its body, and why.

use super::packed::File;
use crate::conditional::IfNoneMatch;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

/// Nothing but the page's own files, no script in text, no frame around it; and text becomes script
/// nowhere, since the browser refuses every such place (Trusted Types) but the one policy, which
/// passes the worker's own address.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types tributary";

/// On every answer.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    // A file is what its type says.
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Ids of traces stand in addresses.
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// How long a browser may keep a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is asked for each time, and answered only when it has changed.
    Never,
    /// Its address changes with it.
    Forever,
}

impl Kept {
    fn text(self) -> &'static str {
        match self {
            Kept::Never => "no-cache",
            Kept::Forever => "public, max-age=31536000, immutable",
        }
    }
}

/// A line of text.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    secured(&mut response, "text/plain; charset=utf-8", Kept::Never);
    response
}

/// The document.
pub(super) fn document(file: &File, asked: &HeaderMap) -> Response<Bytes> {
    self::file(file, Kept::Never, asked)
}

/// A file, compressed for clients that take gzip; 304 for those that have it.
pub(super) fn file(file: &File, kept: Kept, asked: &HeaderMap) -> Response<Bytes> {
    let has = IfNoneMatch::of(asked).has(&file.tag);
    let gzip = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let gzip = gzip.is_some_and(|names| names.contains("gzip"));
    let mut response = Response::new(match (has, gzip) {
        (true, _) => Bytes::new(),
        (false, true) => file.gzip.clone(),
        (false, false) => file.plain.clone(),
    });
    secured(&mut response, file.content_type, kept);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&file.tag) {
        headers.insert(header::ETAG, tag);
    }
    if has {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn secured(response: &mut Response<Bytes>, content_type: &'static str, kept: Kept) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept.text()));
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
