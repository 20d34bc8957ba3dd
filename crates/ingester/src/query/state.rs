//! `/api/tributary/state`: what the page says of the ingesters when there is nothing to show. Nothing of
//! a tenant is in it.

use http::StatusCode;
use serde_json::{Value, json};
use tributary_journal::Heartbeat;
use tributary_journal::failure_detector::Others;
use tributary_query::api::{Answer, JSON, Tenancy};

/// What this ingester knows of itself.
pub(super) struct Own<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) tenancy: Tenancy,
    pub(super) ready: bool,
    pub(super) remarks: Vec<String>,
}

/// The answer: `name`, `version`, `tenancy`, `ready`, `remarks`; `others`, each with `name`, `zone` and
/// `started` (Unix seconds); `silent`, whether there may be some that do not answer.
pub(super) fn answer(own: &Own<'_>, others: &Others) -> Answer {
    let state = json!({
        "name": own.name,
        "version": own.version,
        "tenancy": own.tenancy == Tenancy::On,
        "ready": own.ready,
        "remarks": own.remarks,
        "others": others.living.iter().map(other).collect::<Vec<_>>(),
        "silent": others.in_the_dark || !others.unattended.is_empty(),
    });
    Answer { status: StatusCode::OK, content_type: JSON, body: state.to_string().into() }
}

fn other(heartbeat: &Heartbeat) -> Value {
    json!({
        "name": heartbeat.instance,
        "zone": heartbeat.zone,
        "started": heartbeat.started,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_journal::Uid;

    #[test]
    fn it_names_those_that_live_and_tells_that_some_are_silent() {
        let own = Own {
            name: "ingester-0",
            version: "1.2.3",
            tenancy: Tenancy::On,
            ready: true,
            remarks: vec!["still reading: heartbeats".to_owned()],
        };
        let other = Heartbeat {
            zone: "b".to_owned(),
            started: 7,
            ..Heartbeat::new(Uid([1; 16]), "ingester-1".to_owned())
        };
        let others = Others { living: vec![other], in_the_dark: true, ..Others::default() };
        let body: Value = serde_json::from_slice(&answer(&own, &others).body).unwrap();
        let expected = json!({
            "name": "ingester-0", "version": "1.2.3", "tenancy": true, "ready": true,
            "remarks": ["still reading: heartbeats"],
            "others": [{"name": "ingester-1", "zone": "b", "started": 7}],
            "silent": true,
        });
        assert_eq!(body, expected);
        let alone = answer(&own, &Others::default());
        assert!(String::from_utf8_lossy(&alone.body).contains("\"silent\":false"));
    }
}
