//! The sidecar's settings, read by the sidecar's own parser before they are injected: a sidecar that
//! does not start loses every span of its pod.

use std::ffi::OsString;
use tributary_settings::{Asked, Mistake, Mistakes};
use tributary_sidecar::Config;

/// Variables that name files of the pod. Whether they are there, only the pod can tell.
const FILES: [&str; 4] = [
    "TRIBUTARY_UPSTREAM_TLS_CA",
    "TRIBUTARY_UPSTREAM_TLS_CERT",
    "TRIBUTARY_UPSTREAM_TLS_KEY",
    "TRIBUTARY_UPSTREAM_TOKEN_FILE",
];
const CA: &str = "TRIBUTARY_UPSTREAM_TLS_CA";
const TLS_NAME: &str = "TRIBUTARY_UPSTREAM_TLS_NAME";
const UPSTREAM: &str = "TRIBUTARY_UPSTREAM";
/// What the token's file is told by.
pub(crate) const TOKEN_FILE: &str = "TRIBUTARY_UPSTREAM_TOKEN_FILE";

/// What a sidecar would run with.
///
/// # Errors
/// All that is wrong with the variables, but for what only the pod can tell.
pub(crate) fn read(variables: &[(String, String)]) -> Result<Box<Config>, Mistakes> {
    let tls = wants_tls(variables);
    let here = variables.iter().filter(|(name, _)| !FILES.contains(&name.as_str()));
    let here = here.filter(|(name, _)| !(tls && name == TLS_NAME)).map(|(name, value)| {
        // This program may have been built without TLS; the sidecar's image is not. Where only some
        // have it, it is a mistake, and stays.
        let all = value.split(',').filter(|item| !item.trim().is_empty());
        let all: Option<Vec<&str>> = all.map(|item| item.trim().strip_prefix("https://")).collect();
        let value = match all {
            Some(bare) if name == UPSTREAM => bare.join(","),
            _ => value.clone(),
        };
        (OsString::from(name), OsString::from(value))
    });
    match Config::gather([], here)? {
        Asked::Run(config) => Ok(config),
        // No variable asks for that.
        Asked::Print(text) => Err(Mistakes(vec![Mistake { at: "settings".to_owned(), why: text }])),
    }
}

/// Whether its connections would be TLS.
pub(crate) fn wants_tls(variables: &[(String, String)]) -> bool {
    variables.iter().any(|(name, value)| match name.as_str() {
        CA => !value.trim().is_empty(),
        UPSTREAM => value.contains("https://"),
        _ => false,
    })
}
