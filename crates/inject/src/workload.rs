//! Which objects hold pods, and where.

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;
use std::fmt;

/// An object with a pod in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Workload<'v> {
    /// The pod: metadata and spec.
    pub(crate) pod: &'v Value,
    /// Where the object stands in the document.
    pub(crate) object: PointerBuf,
    /// Where the pod stands in the object.
    pub(crate) template: PointerBuf,
    pub(crate) name: Name,
}

/// What an object is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Group and version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace, if it says one.
    pub namespace: Option<String>,
    /// Its name; what its name will begin with, where the API server chooses the rest.
    pub name: String,
    /// Whether the API server chooses the rest.
    pub is_generated: bool,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_generated { "*" } else { "" };
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}{star}", self.kind, self.name),
            None => write!(f, "{} {}{star}", self.kind, self.name),
        }
    }
}

/// Where pods stand in objects: the kinds of Kubernetes, and all that are made like them.
const TEMPLATES: [&[&str]; 3] =
    [&["spec", "template"], &["spec", "jobTemplate", "spec", "template"], &["template"]];

/// The objects of a document: itself, or the items of a list.
pub(crate) fn objects(document: &Value) -> Vec<(PointerBuf, &Value)> {
    let items = document.get("items").and_then(Value::as_array);
    let is_list = text(document, "kind").is_some_and(|kind| kind.ends_with("List"));
    match items.filter(|_| is_list) {
        Some(items) => {
            let at = |i: usize| PointerBuf::from_tokens(["items", &i.to_string()]);
            items.iter().enumerate().map(|(i, item)| (at(i), item)).collect()
        }
        None => vec![(PointerBuf::root(), document)],
    }
}

/// The pods of a document.
pub(crate) fn workloads(document: &Value) -> Vec<Workload<'_>> {
    objects(document).into_iter().filter_map(|(path, object)| workload(path, object)).collect()
}

fn workload(path: PointerBuf, object: &Value) -> Option<Workload<'_>> {
    let name = name(object)?;
    if name.kind == "Pod" {
        let template = PointerBuf::root();
        return has_containers(object).then_some(Workload {
            pod: object,
            object: path,
            template,
            name,
        });
    }
    let found = TEMPLATES.iter().find_map(|template| {
        let pod = template.iter().try_fold(object, |value, key| value.get(key))?;
        has_containers(pod).then_some((pod, PointerBuf::from_tokens(template.iter().copied())))
    });
    let (pod, template) = found?;
    Some(Workload { pod, object: path, template, name })
}

fn has_containers(pod: &Value) -> bool {
    pod.pointer("/spec/containers").is_some_and(Value::is_array)
}

/// What an object is called; none if it is none.
pub(crate) fn name(object: &Value) -> Option<Name> {
    let metadata = object.get("metadata");
    let of = |key: &str| metadata.and_then(|metadata| text(metadata, key));
    let own = of("name");
    Some(Name {
        api_version: text(object, "apiVersion").unwrap_or_default().to_owned(),
        kind: text(object, "kind")?.to_owned(),
        namespace: of("namespace").map(str::to_owned),
        name: own.or_else(|| of("generateName")).unwrap_or_default().to_owned(),
        is_generated: own.is_none(),
    })
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(found: &Workload<'_>) -> String {
        format!("{}{}", found.object, found.template)
    }

    #[test]
    fn pods_are_found_wherever_they_stand() {
        let pod = json!({"spec": {"containers": []}});
        let template = json!({"template": pod});
        let named = |kind: &str, spec: &Value| json!({"kind": kind, "metadata": {"name": "x"}, "spec": spec});
        let table = [
            (json!({"kind": "Pod", "spec": pod["spec"]}), Some("")),
            (named("Deployment", &template), Some("/spec/template")),
            (named("Rollout", &template), Some("/spec/template")),
            (
                named("CronJob", &json!({"jobTemplate": {"spec": template}})),
                Some("/spec/jobTemplate/spec/template"),
            ),
            (json!({"kind": "PodTemplate", "template": pod}), Some("/template")),
            (named("Service", &json!({"template": {"spec": {}}})), None),
            (named("Deployment", &json!({"template": "x"})), None),
            (json!({"spec": template}), None),
            (json!(null), None),
        ];
        for (object, expected) in table {
            let found = workloads(&object);
            let paths: Vec<_> = found.iter().map(path).collect();
            assert_eq!(paths, expected.into_iter().collect::<Vec<_>>(), "{object}");
            let list = json!({"kind": "List", "items": [null, object]});
            let paths = workloads(&list).iter().map(path).collect::<Vec<_>>();
            let expected = expected.map(|path| format!("/items/1{path}"));
            assert_eq!(paths, expected.into_iter().collect::<Vec<_>>(), "{list}");
        }
    }

    #[test]
    fn objects_are_called_what_they_call_themselves() {
        let table = [
            (json!({"kind": "Job", "metadata": {"name": "n"}}), "Job n"),
            (json!({"kind": "Job", "metadata": {"name": "n", "namespace": "a"}}), "Job a/n"),
            (json!({"kind": "Job", "metadata": {"generateName": "n-"}}), "Job n-*"),
        ];
        for (object, expected) in table {
            assert_eq!(name(&object).unwrap().to_string(), expected);
        }
        assert_eq!(name(&json!({"metadata": {}})), None);
    }
}
