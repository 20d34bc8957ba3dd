//! A path in front of all others, where a proxy passes on what is below it: as Tempo's
//! `http_api_prefix`. Decisions, and the layer that carries them out.
//!
//! What comes without the prefix is answered all the same: a proxy may have taken it off, and probes,
//! scrapers and the other ingesters come by themselves. Double and trailing slashes make no difference.

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

/// Takes the prefix off, and slashes that say nothing.
pub(super) async fn take_off(
    State(prefix): State<Option<HttpPrefix>>,
    mut request: Request,
    next: Next,
) -> Response {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let came = request.uri().path();
    let single = single_slashes(came);
    let below = match prefix.map_or(Goes::On, |prefix| prefix.goes(&single)) {
        Goes::On => single,
        Goes::To(path) => path,
        Goes::Slash(path) => {
            let location = [(header::LOCATION, format!("{path}{query}"))];
            return (StatusCode::PERMANENT_REDIRECT, location).into_response();
        }
    };
    let path = match below.trim_end_matches('/') {
        "" => "/",
        path => path,
    };
    if path != came
        && let Some(uri) = with_path(request.uri(), &format!("{path}{query}"))
    {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

/// A path in which no slash stands behind another one. A tag's name may have such.
fn single_slashes(path: &str) -> String {
    let (path, name) = path.split_once("/tag/").map_or((path, ""), |(before, _)| {
        path.split_at_checked(before.len()).unwrap_or((path, ""))
    });
    let mut single = String::with_capacity(path.len() + name.len());
    for char in path.chars() {
        if char != '/' || !single.ends_with('/') {
            single.push(char);
        }
    }
    single + name
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
        let slashes = [
            ("/", "/"),
            ("//ready", "/ready"),
            ("/api//search///", "/api/search/"),
            ("//api/v2/search/tag/a//b/values", "/api/v2/search/tag/a//b/values"),
            ("/api/search", "/api/search"),
        ];
        for (path, expected) in slashes {
            assert_eq!(single_slashes(path), expected, "{path}");
        }
        for text in ["tempo", "/", "", "/a b", "/a//b", "/../a", "/a?b", "/é"] {
            assert!(HttpPrefix::read(text).is_err(), "{text}");
        }
        let uri = with_path(&"http://h/a/tempo/api?x=1".parse().unwrap(), "/api?x=1").unwrap();
        assert_eq!(uri.to_string(), "http://h/api?x=1");
    }
}
