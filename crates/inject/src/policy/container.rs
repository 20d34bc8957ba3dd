//! The container in CEL: the one that [`inject`](crate::inject) adds, but for what differs from pod to
//! pod.

use super::cel::{self, Variable, annotation_or};
use super::conditions;
use crate::container::{self, FIELDS, Parts};
use crate::context::{Context, Identity};
use crate::names::{self, SETTINGS, TOKEN_FOLDER, variable as named};
use crate::settings::TOKEN_FILE;
use crate::variables::{OF_THE_POD, SERVICE};
use serde_json::json;

const TYPE: &str = "Object.spec.initContainers";

/// What differs from pod to pod.
pub(super) fn variables(context: &Context) -> Vec<Variable> {
    let sized = |annotation: &str, usual: &str| {
        let usual = cel::text(usual);
        match context.allow.contains(annotation) {
            true => annotation_or(&names::annotation(annotation), &usual) + ".trim()",
            false => usual,
        }
    };
    let resources = &context.resources;
    let mut all = vec![
        Variable::new("cpuRequest", sized("cpu-request", &resources.cpu_request)),
        Variable::new("cpuLimit", sized("cpu-limit", resources.cpu_limit.as_deref().unwrap_or(""))),
        Variable::new("memoryRequest", sized("memory-request", &resources.memory_request)),
        Variable::new("memoryLimit", sized("memory-limit", &resources.memory_limit)),
        // A second less than the pod has.
        Variable::new(
            "grace",
            "has(object.spec.terminationGracePeriodSeconds) ? object.spec.terminationGracePeriodSeconds - 1 : 29",
        ),
    ];
    all.extend(attributes(context));
    all
}

/// Resource attributes: those of every pod, what it belongs to, its service; what the settings and its
/// annotation say wins.
fn attributes(context: &Context) -> Vec<Variable> {
    let usual = context.settings.get("resource-attributes").map(String::as_str).unwrap_or_default();
    let usual = usual.split(',').map(str::trim).filter(|item| !item.is_empty());
    let key = names::annotation("resource-attributes");
    let split = |value: &str| format!("{value}.split(\",\").map(a, a.trim()).filter(a, a != \"\")");
    let own = match context.allow.contains("resource-attributes") {
        true => split(&annotation_or(&key, "\"\"")),
        false => "[]".to_owned(),
    };
    let is_new = |others: &str| {
        format!(
            ".filter(a, !{others}.exists(o, o.split(\"=\")[0].trim() == a.split(\"=\")[0].trim()))"
        )
    };
    let of_the_pod: Vec<String> =
        OF_THE_POD.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let hash = "pod-template-hash";
    let owners = format!(
        "(has(object.metadata.ownerReferences) ? object.metadata.ownerReferences : [])\n\
         .filter(o, has(o.controller) && o.controller)\n\
         .map(o, o.kind == \"ReplicaSet\"\n  \
         ? (\"{hash}\" in variables.labels && o.name.endsWith(\"-\" + variables.labels[\"{hash}\"])\n    \
         ? \"k8s.deployment.name=\" + o.name.substring(0, o.name.size() - variables.labels[\"{hash}\"].size() - 1)\n    \
         : \"k8s.replicaset.name=\" + o.name)\n  \
         : o.kind in [\"StatefulSet\", \"DaemonSet\", \"Job\"] ? \"k8s.\" + o.kind.lowerAscii() + \".name=\" + o.name : \"\")\n\
         .filter(a, a != \"\")"
    );
    let service = format!(
        "{0} in variables.labels ? [\"service.name=\" + variables.labels[{0}]] : []",
        cel::text(SERVICE)
    );
    let usual: Vec<&str> = usual.collect();
    let usual = match usual.is_empty() {
        true => "[]".to_owned(),
        false => cel::texts(usual) + &is_new("variables.ownAttributes"),
    };
    vec![
        Variable::new("ownAttributes", own),
        Variable::new("usualAttributes", usual),
        Variable::new("owner", owners),
        Variable::new("service", service),
        Variable::new(
            "attributes",
            format!(
                "({} + variables.owner + variables.service)\n{}\n{}\n+ variables.usualAttributes + variables.ownAttributes",
                cel::texts(of_the_pod.iter().map(String::as_str)),
                is_new("variables.ownAttributes"),
                is_new("variables.usualAttributes"),
            ),
        ),
    ]
}

/// The container.
pub(super) fn container(context: &Context) -> String {
    let parts =
        Parts { variables: &[], admin: conditions::admin(context), resources: &context.resources };
    let whole = container::container(context, &parts);
    let fields = whole.as_object().into_iter().flatten().map(|(key, value)| {
        let text = match key.as_str() {
            "env" => environment(context),
            "resources" => resources(),
            _ => cel::typed(&format!("{TYPE}.{key}"), value),
        };
        format!("  {key}: {}", text.replace('\n', "\n    "))
    });
    format!("{TYPE}{{\n{}\n}}", fields.collect::<Vec<_>>().join(",\n"))
}

fn resources() -> String {
    let limits = "variables.cpuLimit == \"\"\n  ? {\"memory\": variables.memoryLimit}\n  \
        : {\"cpu\": variables.cpuLimit, \"memory\": variables.memoryLimit}";
    format!(
        "{TYPE}.resources{{\n  requests: {{\"cpu\": variables.cpuRequest, \"memory\": variables.memoryRequest}},\n  \
         limits: {limits}\n}}"
    )
}

/// The variables, in the same order as [`crate::variables`] has them.
fn environment(context: &Context) -> String {
    let kind = format!("{TYPE}.env");
    let set =
        |name: &str, value: &str| format!("{kind}{{name: {}, value: {value}}}", cel::text(name));
    let mut first: Vec<String> = FIELDS
        .iter()
        .map(|(name, path)| {
            let field = json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
            cel::typed(&kind, &field)
        })
        .collect();
    if let Some(upstream) = context.settings.get("upstream") {
        first.push(set(&named("upstream"), &cel::text(upstream)));
    }
    if context.identity == Identity::Token {
        first.push(set(TOKEN_FILE, &cel::text(&format!("{TOKEN_FOLDER}/token"))));
    }
    if !context.settings.contains_key("grace") {
        let most = 7 * 86_400;
        let value = format!(
            "(variables.grace < 0 ? 0 : variables.grace > {most} ? {most} : variables.grace)"
        );
        first.push(set(&named("grace"), &format!("string({value}) + \"s\"")));
    }
    first.push(set(&named("receivers"), "variables.open.join(\",\")"));
    first.push(set(&named("resource-attributes"), "variables.attributes.join(\",\")"));
    let apart = ["upstream", "receivers", "resource-attributes"];
    let usual = context.settings.iter();
    for (name, value) in
        usual.filter(|(name, value)| !apart.contains(&name.as_str()) && !value.is_empty())
    {
        let literal = cel::text(value);
        let value = match context.allow.contains(name) && SETTINGS.contains(&name.as_str()) {
            true => annotation_or(&names::annotation(name), &literal),
            false => literal,
        };
        first.push(set(&named(name), &value));
    }
    let mut lists = vec![format!("[\n  {}\n]", first.join(",\n  "))];
    let is_set = |name: &str| context.settings.get(name).is_some_and(|value| !value.is_empty());
    let others = SETTINGS.iter().filter(|name| !apart.contains(name) && !is_set(name));
    for name in others.filter(|name| context.allow.contains(**name)) {
        let key = cel::text(&names::annotation(name));
        let one = set(&named(name), &format!("variables.annotations[{key}]"));
        lists.push(format!("({key} in variables.annotations ? [{one}] : [])"));
    }
    cel::lines("+", &lists)
}
