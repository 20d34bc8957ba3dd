//! An AdmissionReview in, an AdmissionReview out: a function of bytes, without I/O.
//!
//! The layouts are those of `admission.k8s.io/v1`
//! (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>). Both
//! sides are JSON: the request has `request.uid`, `.operation`, `.resource`, `.namespace`, `.object`; the
//! answer has the same `uid`, `allowed`, and a JSON Patch in base64.
//!
//! # Invariants
//!
//! 1. `allowed` is always true: an application must not fail to start because tracing is away. What is
//!    no review at all, so that there is no `uid` to answer to, is an [`Answer::NoReview`].
//! 2. A patch is answered only if it could be applied to the pod that came, and leaves the pod's own
//!    containers as they are: the API server refuses a pod whose patch it cannot apply, whatever the
//!    webhook's `failurePolicy` says.
//! 3. The same pod gets the same answer, and the pod that an answer makes gets an empty one.

use crate::metrics::Result as Counted;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tributary_inject::{Around, Change, Context, Operation, Outcome, Refusal, inject};

/// What the API server is asked to send here: the webhook configuration has an entry for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Pods of namespaces with the label `tributary.dev/inject: enabled`.
    Namespace,
    /// Pods that ask by themselves, in namespaces without that label.
    Pod,
}

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An AdmissionReview, and what became of the pod.
    Review(Vec<u8>, Counted),
    /// It is none that could be answered. Why.
    NoReview(String),
}

/// Longest warning: the API server cuts what is longer.
const LONGEST_WARNING: usize = 120;
/// What stands in warnings and on pods when the fault is the injector's.
const FAULT: &str = "a fault of the injector, whose log has it";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    request: Option<Request>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    resource: Resource,
    #[serde(default)]
    sub_resource: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    object: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resource {
    group: String,
    version: String,
    resource: String,
}

impl Request {
    fn makes_a_pod(&self) -> bool {
        let Resource { group, version, resource } = &self.resource;
        let is_pod = (group.as_str(), version.as_str(), resource.as_str()) == ("", "v1", "pods");
        self.operation == "CREATE" && is_pod && self.sub_resource.is_empty()
    }
}

/// Answers a request that came to `entry`.
pub(crate) fn review(body: &[u8], entry: Entry, context: &Context) -> Answer {
    let review: Review = match serde_json::from_slice(body) {
        Ok(review) => review,
        Err(error) => return Answer::NoReview(format!("it is no AdmissionReview: {error}")),
    };
    if (review.api_version.as_str(), review.kind.as_str())
        != ("admission.k8s.io/v1", "AdmissionReview")
    {
        let why = "it is no AdmissionReview of admission.k8s.io/v1; the webhook's \
                   `admissionReviewVersions` must be [v1]";
        return Answer::NoReview(why.to_owned());
    }
    let Some(request) = review.request.filter(|request| !request.uid.is_empty()) else {
        return Answer::NoReview("the AdmissionReview has no request with a uid".to_owned());
    };
    let verdict = if request.makes_a_pod() {
        decide(&request.object, around(&request, entry), context)
    } else {
        Verdict {
            result: Counted::Ignored,
            operations: Vec::new(),
            warnings: Vec::new(),
            told: None,
        }
    };
    verdict.answer(&request.uid)
}

fn around(request: &Request, entry: Entry) -> Around<'_> {
    Around {
        namespace: Some(request.namespace.as_str()).filter(|name| !name.is_empty()),
        label: (entry == Entry::Namespace).then_some("enabled"),
        owner: None,
    }
}

/// What is done to a pod and said of it.
struct Verdict {
    result: Counted,
    operations: Vec<Operation>,
    warnings: Vec<String>,
    /// For the audit log.
    told: Option<String>,
}

fn decide(pod: &Value, around: Around<'_>, context: &Context) -> Verdict {
    // The function has no state that a panic could leave half done.
    let outcome = catch_unwind(AssertUnwindSafe(|| inject(pod, context, &around)));
    let Ok(outcome) = outcome else {
        return Verdict::fault(pod, "it panicked");
    };
    match &outcome {
        Outcome::Injected(Change { operations, notes }) => {
            if let Err(why) = fits(pod, operations) {
                return Verdict::fault(pod, &why);
            }
            Verdict {
                result: if operations.is_empty() { Counted::Unchanged } else { Counted::Injected },
                operations: operations.clone(),
                warnings: notes.iter().map(|note| format!("tributary: {note}")).collect(),
                told: Some("injected".to_owned()),
            }
        }
        Outcome::Skipped(skip) if !skip.is_failure() => Verdict {
            result: Counted::NotWanted,
            operations: Vec::new(),
            warnings: Vec::new(),
            told: Some(format!("skipped: {skip}")),
        },
        Outcome::Skipped(skip) => {
            Verdict::without(pod, &outcome, Counted::Skipped, &skip.to_string())
        }
        Outcome::Refused(why) => {
            Verdict::without(pod, &outcome, Counted::Refused, &why.to_string())
        }
    }
}

/// Why this patch must not be sent.
fn fits(pod: &Value, operations: &[Operation]) -> Result<(), String> {
    let mut after = pod.clone();
    json_patch::patch(&mut after, operations).map_err(|error| format!("the patch: {error}"))?;
    let own = |pod: &Value| pod.pointer("/spec/containers").cloned();
    if own(pod) == own(&after) { Ok(()) } else { Err("the patch changes containers".to_owned()) }
}

impl Verdict {
    /// The pod starts without the sidecar, and says why.
    fn without(pod: &Value, outcome: &Outcome, result: Counted, why: &str) -> Verdict {
        let mut operations = outcome.status(pod);
        if let Err(fault) = fits(pod, &operations) {
            tracing::debug!(fault, "no status on a pod");
            operations.clear();
        }
        Verdict {
            result,
            operations,
            warnings: vec![format!("tributary: no sidecar: {why}")],
            told: Some(format!("skipped: {why}")),
        }
    }

    fn fault(pod: &Value, why: &str) -> Verdict {
        let name = pod.pointer("/metadata/generateName").or_else(|| pod.pointer("/metadata/name"));
        let name = name.and_then(Value::as_str).unwrap_or_default();
        tracing::error!(why, pod = name, "no sidecar, by a fault of the injector");
        let outcome = Outcome::Refused(Refusal::Shape(FAULT));
        Verdict::without(pod, &outcome, Counted::Fault, FAULT)
    }

    fn answer(self, uid: &str) -> Answer {
        let mut response =
            Map::from_iter([("uid".to_owned(), json!(uid)), ("allowed".to_owned(), json!(true))]);
        if !self.operations.is_empty() {
            let patch = json!(self.operations).to_string();
            response.insert("patchType".to_owned(), json!("JSONPatch"));
            response.insert("patch".to_owned(), json!(BASE64_STANDARD.encode(patch)));
        }
        if !self.warnings.is_empty() {
            let warnings: Vec<String> = self.warnings.iter().map(|text| warning(text)).collect();
            response.insert("warnings".to_owned(), json!(warnings));
        }
        if let Some(told) = &self.told {
            response.insert("auditAnnotations".to_owned(), json!({"outcome": told}));
        }
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response,
        });
        Answer::Review(review.to_string().into_bytes(), self.result)
    }
}

/// A text as a warning is made: one line, not too long.
fn warning(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut out = String::new();
    for letter in plain {
        if out.len() + letter.len_utf8() > LONGEST_WARNING {
            break;
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests;
