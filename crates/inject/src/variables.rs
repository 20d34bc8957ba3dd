//! The variables of a sidecar.

use crate::around::{self, Around};
use crate::context::{Context, Identity};
use crate::names::{TOKEN_FOLDER, variable};
use crate::settings::TOKEN_FILE;
use crate::wishes::Wishes;
use serde_json::Value;

/// What Kubernetes gives a pod that says nothing, in seconds.
const USUAL_GRACE: i64 = 30;
/// The longest time that the sidecar takes for it: a week.
const LONGEST_GRACE: i64 = 7 * 86_400;

/// Resource attributes that every pod has, filled by the downward API.
pub(crate) const OF_THE_POD: [(&str, &str); 4] = [
    ("k8s.pod.name", "$(POD_NAME)"),
    ("k8s.pod.uid", "$(POD_UID)"),
    ("k8s.namespace.name", "$(POD_NAMESPACE)"),
    ("k8s.node.name", "$(NODE_NAME)"),
];
/// The label whose value is the name of the service, where senders say none.
pub(crate) const SERVICE: &str = "app.kubernetes.io/name";

/// All of them, names and values, in a fixed order: where the ingesters are comes first.
pub(crate) fn variables(
    pod: &Value,
    context: &Context,
    around: &Around<'_>,
    wishes: &Wishes,
) -> Vec<(String, String)> {
    let mut settings = wishes.settings.clone();
    settings.entry("grace".to_owned()).or_insert_with(|| grace(pod));
    let usual = settings.remove("resource-attributes");
    let attributes = attributes(pod, around, [usual.as_deref(), wishes.attributes.as_deref()]);
    settings.insert("resource-attributes".to_owned(), attributes);
    let mut all = Vec::new();
    if let Some(upstream) = settings.remove("upstream") {
        all.push((variable("upstream"), upstream));
    }
    if context.identity == Identity::Token {
        all.push((TOKEN_FILE.to_owned(), format!("{TOKEN_FOLDER}/token")));
    }
    // A variable without a value is not set.
    let set = settings.into_iter().filter(|(_, value)| !value.trim().is_empty());
    all.extend(set.map(|(name, value)| (variable(&name), value)));
    all
}

/// A second less than the pod has: the sidecar ends last, and gives up before it is killed.
fn grace(pod: &Value) -> String {
    let seconds = pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    let seconds = seconds.unwrap_or(USUAL_GRACE).saturating_sub(1).clamp(0, LONGEST_GRACE);
    format!("{seconds}s")
}

/// Later ones win: each key may stand there once.
fn attributes(pod: &Value, around: &Around<'_>, further: [Option<&str>; 2]) -> String {
    let key = |item: &str| item.split('=').next().unwrap_or_default().trim().to_owned();
    let pair = |(key, value): (&str, &str)| format!("{key}={value}");
    let mut all: Vec<String> = OF_THE_POD.iter().copied().map(pair).collect();
    all.extend(around::owner_attribute(pod, around).map(|(key, name)| pair((key, &name))));
    let label = pod.pointer("/metadata/labels").and_then(|labels| labels.get(SERVICE)?.as_str());
    all.extend(label.map(|name| pair(("service.name", name))));
    for text in further.into_iter().flatten() {
        // Within one text a key that stands there twice is for the sidecar's parser to refuse.
        let items: Vec<_> = text.split(',').map(str::trim).filter(|i| !i.is_empty()).collect();
        all.retain(|known| !items.iter().any(|item| key(item) == key(known)));
        all.extend(items.into_iter().map(str::to_owned));
    }
    all.join(",")
}
