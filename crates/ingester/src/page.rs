//! The page: traces in a browser, at `/` of the port of the queries.
//!
//! Its files lie in `crates/ingester/page` as they are sent: no build makes them. It asks the query API
//! and nothing else, by relative addresses, so that it works below any prefix that a proxy takes off.
//!
//! | path | answer |
//! |---|---|
//! | `/` | the document; asked for anew each time, by its `ETag` |
//! | `/assets/boot.js` | loads the program that belongs to the document; never kept |
//! | `/assets/{hash}/…` | every other file; kept for a year: `hash` is of all of them |
//! | `/trace/{id}` | leads to `/?trace={id}`, for templates of links in logs |
//!
//! 1. The document names nothing that it does not come with: see `headers` for the policy.
//! 2. A file is looked up in a table, never on a disk.
//! 3. Nothing of a tenant is in any of these answers, so they are open to every caller.

mod bare;
mod files;
mod headers;
mod packed;

use bytes::Bytes;
use headers::Kept;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use packed::{File, Packed};

/// Below it are the files.
const ASSETS: &str = "/assets/";
/// Below it are links to traces.
const TRACE: &str = "/trace/";
/// The file that is not below the hash.
const BOOT: &str = "js/boot.js";
/// Where the document names the hash.
const HASH: &str = "{{hash}}";

/// Whether a path is one of the page's.
pub(crate) fn owns(path: &str) -> bool {
    path == "/" || path.starts_with(ASSETS) || path.starts_with(TRACE)
}

/// The answer to a request for a path that is the page's; none for another one.
pub(crate) fn answer(method: &Method, path: &str, asked: &HeaderMap) -> Option<Response<Bytes>> {
    if !owns(path) {
        return None;
    }
    if method != Method::GET && method != Method::HEAD {
        return Some(headers::plain(StatusCode::METHOD_NOT_ALLOWED, "the page can only be read"));
    }
    Some(found(packed::all(), path, asked))
}

fn found(packed: &Packed, path: &str, asked: &HeaderMap) -> Response<Bytes> {
    if path == "/" {
        return headers::document(&packed.document, asked);
    }
    if let Some(id) = path.strip_prefix(TRACE) {
        return to_trace(id);
    }
    let rest = path.strip_prefix(ASSETS).unwrap_or_default();
    if rest == "boot.js" {
        return file(packed.file(BOOT), Kept::Never, asked);
    }
    match rest.split_once('/') {
        Some((hash, name)) if hash == packed.hash => file(packed.file(name), Kept::Forever, asked),
        _ => headers::plain(StatusCode::NOT_FOUND, "no such file; reload the page"),
    }
}

fn file(file: Option<&File>, kept: Kept, asked: &HeaderMap) -> Response<Bytes> {
    match file {
        Some(file) => headers::file(file, kept, asked),
        None => headers::plain(StatusCode::NOT_FOUND, "no such file"),
    }
}

/// Relative, since a proxy may have taken a prefix off.
fn to_trace(id: &str) -> Response<Bytes> {
    let is_id = (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
    let location = HeaderValue::from_str(&format!("../?trace={id}"));
    match location {
        Ok(location) if is_id => {
            let mut response = headers::plain(StatusCode::SEE_OTHER, "");
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        _ => headers::plain(StatusCode::NOT_FOUND, "a trace id is up to 32 hex digits"),
    }
}

#[cfg(test)]
mod tests;
