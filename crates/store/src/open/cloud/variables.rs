//! What the environment and the options say of a cloud, as text that its client takes. No I/O.
//!
//! The client reads variables as they are: a newline that a secret brought along makes it panic when
//! it signs, and an empty endpoint is one to it. So blanks around values are taken off, empty ones
//! are not set, and what cannot be in a header is refused before anything is asked. A value is never
//! part of a message: it may be a secret.

use std::ffi::{OsStr, OsString};

/// Values that are texts of several lines, and stay as they are but for their ends.
const LONG: [&str; 2] = ["service_account_key", "proxy_ca_certificate"];
/// Values that become part of an address. The client panics where that is none.
const IN_ADDRESS: [&str; 4] = ["endpoint", "endpoint_url", "account_name", "region"];
/// Values that are sent as they are, in a header, where the client takes ASCII only.
const SENT: [&str; 4] = ["access_key_id", "region", "session_token", "_token"];

/// The variables in `env` that begin with one of `prefixes`, or are one that ends with no `_`, as the client's names for settings with
/// their values, in the order of their names.
///
/// # Errors
/// Which of the variables cannot be used, and why.
pub(super) fn settings(
    env: impl IntoIterator<Item = (OsString, OsString)>,
    prefixes: &[&str],
    is_known: impl Fn(&str) -> bool,
) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for (name, value) in env {
        let Some(name) = name.to_str() else { continue };
        let key = name.to_ascii_lowercase();
        let is_ours = |prefix: &&str| match prefix.ends_with('_') {
            true => name.starts_with(*prefix),
            false => name == *prefix,
        };
        if !prefixes.iter().any(is_ours) || !is_known(&key) {
            continue;
        }
        if let Some(value) = clean(name, &value)? {
            found.push((key, value.to_owned()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A value without what stands around it; `None` for one that is empty.
///
/// # Errors
/// What is wrong with it, without the value.
pub(super) fn clean<'v>(
    name: &str,
    value: &'v (impl AsRef<OsStr> + ?Sized),
) -> Result<Option<&'v str>, String> {
    let wrong = |what: &str| {
        format!(
            "{name} {what}: was it pasted with something else, or is a secret's file one of \
             several lines?"
        )
    };
    let text = value.as_ref().to_str().ok_or_else(|| wrong("is not UTF-8"))?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let key = name.to_ascii_lowercase();
    let is_long = LONG.iter().any(|end| key.ends_with(end));
    if !is_long && text.chars().any(char::is_control) {
        return Err(wrong("has a line break or another control character within it"));
    }
    if SENT.iter().any(|end| key.ends_with(end)) && !text.is_ascii() {
        return Err(wrong("has a character that is not ASCII"));
    }
    let is_odd = |c: char| c.is_whitespace() || "<>\"{}|\\^`".contains(c);
    if IN_ADDRESS.iter().any(|end| key.ends_with(end)) && text.contains(is_odd) {
        return Err(wrong("has a blank or another character that no address has"));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// As the client reads it.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Vec<(String, String)>, String> {
        settings([(name.into(), value.into())], &["AWS_", "GOOGLE_"], |_| true)
    }

    #[test]
    fn what_stands_around_values_is_taken_off() {
        let pem = "{\n \"private_key\": \"a\"\n}";
        let table = [
            ("AWS_ACCESS_KEY_ID", "key\n", Some("key")),
            ("AWS_REGION", "\r\n eu-central-1 \r\n", Some("eu-central-1")),
            ("AWS_SESSION_TOKEN", "\u{feff}token\u{a0}", Some("token")),
            ("AWS_SECRET_ACCESS_KEY", "a b/c+\t", Some("a b/c+")),
            ("AWS_ALLOW_HTTP", " true\n", Some("true")),
            ("AWS_ENDPOINT_URL", "", None),
            ("AWS_ENDPOINT_URL", " \n", None),
            ("GOOGLE_SERVICE_ACCOUNT_KEY", pem, Some(pem)),
            ("TRIBUTARY_STORE", "s3://b", None),
            ("aws_region", "eu", None),
        ];
        for (name, value, expected) in table {
            let found = read(name, value).unwrap();
            let expected = expected.map(|text| (name.to_lowercase(), text.to_owned()));
            assert_eq!(found, Vec::from_iter(expected), "{name}={value:?}");
        }
    }

    #[test]
    fn what_no_header_can_hold_is_named_and_not_shown() {
        let table = [
            ("AWS_ACCESS_KEY_ID", "sec\nret"),
            ("AWS_REGION", "sec\tret"),
            ("AWS_REGION", "sec ret"),
            ("AWS_ENDPOINT_URL", "http://sec ret:9000"),
            ("AWS_ENDPOINT", "http://{secret}"),
            ("AWS_SESSION_TOKEN", "sec\r\nret"),
            ("AWS_SECRET_ACCESS_KEY", "sec\0ret"),
            ("AWS_ACCESS_KEY_ID", "secrét"),
            ("GOOGLE_SERVICE_ACCOUNT", "sec\nret"),
        ];
        for (name, value) in table {
            let error = read(name, value).unwrap_err();
            assert!(error.contains(name) && !error.contains("sec\u{0}"), "{error}");
            assert!(!error.contains("ret:") && !error.contains(value), "{error}");
        }
    }

    #[test]
    fn variables_that_the_client_does_not_know_are_not_looked_at() {
        let env = [("AWS_PROFILE".into(), "a\nb".into())];
        assert_eq!(settings(env, &["AWS_"], |_| false), Ok(vec![]));
    }
}
