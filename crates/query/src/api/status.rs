//! The routes that tell about the program, not about traces.

use super::{Answer, JSON, TEXT};

/// `/api/echo`: Grafana's "Save & test".
pub(super) fn echo() -> Answer {
    Answer::ok(TEXT, "echo")
}

/// `/api/status/buildinfo`: Grafana 10 and 11 read from it which features the server has. They
/// compare `version` with Tempo's releases, so it names the release whose API this one follows;
/// the program's own version stands in `revision`.
pub(super) fn build_info(version: &str) -> Answer {
    let info = serde_json::json!({
        "version": "3.0.0",
        "revision": format!("tributary-{version}"),
        "branch": "",
        "buildDate": "",
        "buildUser": "",
        "goVersion": "",
    });
    Answer::ok(JSON, info.to_string())
}
