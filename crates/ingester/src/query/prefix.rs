//! A path in front of all others, where a proxy passes on what is below it: as Tempo's
//! `http_api_prefix`. Decisions, and the layer that carries them out.
//!
//! What comes without the prefix is answered all the same: a proxy may have taken it off, and probes,
//! scrapers and the other ingesters come by themselves.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::PathAndQuery;
use http::{StatusCode, Uri, header};

/// Such a path, as in `/tempo`: it begins with a slash and ends with none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPrefix(String);

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
enum Goes {
    /// As it came.
    On,
    /// Below the prefix: to this path.
    To(String),
    /// To the page, whose addresses are relative: the slash behind the prefix is missing.
    Slash(String),
}

impl HttpPrefix {
    /// # Errors
    /// What is wrong with the text.
    pub(crate) fn read(text: &str) -> Result<HttpPrefix, String> {
        let path = text.trim_end_matches('/');
        let fine = |part: &str| {
            let letter = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
            !part.is_empty() && part != "." && part != ".." && part.chars().all(letter)
        };
        match path.strip_prefix('/') {
            Some(parts) if parts.split('/').all(fine) => Ok(HttpPrefix(path.to_owned())),
            _ => Err(format!("`{text}` is no path such as `/tempo`")),
        }
    }

    fn goes(&self, path: &str) -> Goes {
        match path.strip_prefix(&self.0) {
            Some("") => Goes::Slash(format!("{}/", self.0)),
            Some(rest) if rest.starts_with('/') => Goes::To(rest.to_owned()),
            _ => Goes::On,
        }
    }
}

/// Takes the prefix off.
pub(super) async fn take_off(
    State(prefix): State<Option<HttpPrefix>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(prefix) = prefix else { return next.run(request).await };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    match prefix.goes(request.uri().path()) {
        Goes::On => {}
        Goes::To(path) => {
            if let Some(uri) = with_path(request.uri(), &format!("{path}{query}")) {
                *request.uri_mut() = uri;
            }
        }
        Goes::Slash(path) => {
            let location = [(header::LOCATION, format!("{path}{query}"))];
            return (StatusCode::PERMANENT_REDIRECT, location).into_response();
        }
    }
    next.run(request).await
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_prefix_loses_it() {
        let prefix = HttpPrefix::read("/a/tempo/").unwrap();
        let table = [
            ("/a/tempo/api/search", Goes::To("/api/search".into())),
            ("/a/tempo/", Goes::To("/".into())),
            ("/a/tempo", Goes::Slash("/a/tempo/".into())),
            ("/a/tempos/api", Goes::On),
            ("/a", Goes::On),
            ("/api/search", Goes::On),
            ("/ready", Goes::On),
            ("/a/tempo//api", Goes::To("//api".into())),
        ];
        for (path, expected) in table {
            assert_eq!(prefix.goes(path), expected, "{path}");
        }
        for text in ["tempo", "/", "", "/a b", "/a//b", "/../a", "/a?b", "/é"] {
            assert!(HttpPrefix::read(text).is_err(), "{text}");
        }
        let uri = with_path(&"http://h/a/tempo/api?x=1".parse().unwrap(), "/api?x=1").unwrap();
        assert_eq!(uri.to_string(), "http://h/api?x=1");
    }
}
