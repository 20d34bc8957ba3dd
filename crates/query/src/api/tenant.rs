//! Whose traces a request may see.

use super::Answer;
use http::StatusCode;
use tributary_span::tenant::{SINGLE, check};

/// Whether requests name tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tenancy {
    /// Everything belongs to [`SINGLE`]; the header is not looked at.
    #[default]
    Off,
    /// `X-Scope-OrgID` is needed. It may name several tenants, joined by `|`, whose answers are
    /// merged.
    On,
}

/// The tenants that a request asks about, by its header (or gRPC metadata) `X-Scope-OrgID`: at
/// least one, sorted, each once.
///
/// # Errors
/// 401 without a name where one is needed, 400 for a name that no tenant can have.
pub fn tenants(tenancy: Tenancy, header: Option<&[u8]>) -> Result<Vec<String>, Answer> {
    if tenancy == Tenancy::Off {
        return Ok(vec![SINGLE.to_owned()]);
    }
    let header = header.unwrap_or_default();
    let Ok(names) = std::str::from_utf8(header) else {
        return Err(Answer::error(StatusCode::BAD_REQUEST, "X-Scope-OrgID is not UTF-8"));
    };
    if names.is_empty() {
        let message = "no tenant: the header X-Scope-OrgID is missing or empty";
        return Err(Answer::error(StatusCode::UNAUTHORIZED, message));
    }
    let mut tenants = Vec::new();
    for name in names.split('|') {
        check(name).map_err(|why| {
            Answer::error(StatusCode::BAD_REQUEST, format_args!("tenant {name:?}: {why}"))
        })?;
        tenants.push(name.to_owned());
    }
    tenants.sort_unstable();
    tenants.dedup();
    Ok(tenants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_means_single_tenant_whatever_the_header_says() {
        for header in [None, Some(&b"a"[..]), Some(b"a/b"), Some(b"\xff")] {
            assert_eq!(tenants(Tenancy::Off, header).unwrap(), [SINGLE]);
        }
    }

    #[test]
    fn on_takes_one_or_several() {
        let table: [(&str, &[&str]); 4] = [
            ("team-a", &["team-a"]),
            ("b|a|b", &["a", "b"]),
            ("it's_(*)!.x", &["it's_(*)!.x"]),
            ("A|a", &["A", "a"]),
        ];
        for (header, expected) in table {
            assert_eq!(
                tenants(Tenancy::On, Some(header.as_bytes())).unwrap(),
                expected,
                "{header}"
            );
        }
    }

    #[test]
    fn on_refuses_what_is_no_tenant() {
        let long = "x".repeat(151);
        let table = [
            (None, StatusCode::UNAUTHORIZED),
            (Some(""), StatusCode::UNAUTHORIZED),
            (Some("a|"), StatusCode::BAD_REQUEST),
            (Some("a/b"), StatusCode::BAD_REQUEST),
            (Some(".."), StatusCode::BAD_REQUEST),
            (Some("a|."), StatusCode::BAD_REQUEST),
            (Some("ä"), StatusCode::BAD_REQUEST),
            (Some("a b"), StatusCode::BAD_REQUEST),
            (Some(&long), StatusCode::BAD_REQUEST),
        ];
        for (header, expected) in table {
            let got = tenants(Tenancy::On, header.map(str::as_bytes)).unwrap_err();
            assert_eq!(got.status, expected, "{header:?}");
            assert!(!got.body.is_empty());
        }
    }
}
