//! Which pods get the sidecar: the truth table, and the reasons against it, in the words of
//! [`Skip`].

use super::cel::{self, Variable, annotation_or};
use crate::context::Context;
use crate::mesh;
use crate::names::{
    self, CONTAINER, INJECT, PREFIX, QUANTITIES, SETTINGS, STATUS, variable as named,
};
use crate::outcome::Skip;
use crate::settings;
use crate::wanted::SYSTEM;
use tributary_receivers::Receiver;

/// What the pod and its namespace say, and the sidecar that may be there already.
pub(super) fn asked() -> Vec<Variable> {
    let inject = cel::text(INJECT);
    let ours = cel::text(CONTAINER);
    let meshes = cel::texts(mesh::CONTAINERS.map(|(name, _)| name));
    let or_empty = |map: &str| format!("has({map}) ? {map} : {{}}");
    let namespace = "namespaceObject.metadata.labels";
    vec![
        Variable::new("annotations", or_empty("object.metadata.annotations")),
        Variable::new("labels", or_empty("object.metadata.labels")),
        Variable::new(
            "namespaceSays",
            format!("has({namespace}) && {inject} in {namespace} ? {namespace}[{inject}] : \"\""),
        ),
        Variable::new(
            "podSays",
            format!(
                "{inject} in variables.labels ? variables.labels[{inject}]\n: {}",
                annotation_or(INJECT, "\"\"")
            ),
        ),
        Variable::new(
            "wanted",
            "variables.namespaceSays != \"disabled\" && variables.podSays != \"disabled\"\n\
             && (variables.podSays != \"\" || variables.namespaceSays == \"enabled\")",
        ),
        Variable::new("inits", "has(object.spec.initContainers) ? object.spec.initContainers : []"),
        Variable::new("at", format!("variables.inits.map(c, c.name).indexOf({ours})")),
        Variable::new(
            "stripped",
            "variables.inits.exists(c, c.name == ".to_owned()
                + &ours
                + " && !(has(c.restartPolicy) && c.restartPolicy == \"Always\"))",
        ),
        // Behind the last container of a mesh.
        Variable::new(
            "position",
            format!("variables.inits.map(c, c.name in {meshes}).lastIndexOf(true) + 1"),
        ),
    ]
}

/// Which receivers are asked for, and which of them are free of what containers declare.
pub(super) fn ports(context: &Context) -> Vec<Variable> {
    let protocol = "(has(p.protocol) ? p.protocol : \"TCP\")";
    let declared = format!(
        "(variables.inits + object.spec.containers).map(c, has(c.ports) \
         ? c.ports.map(p, string(p.containerPort) + \"/\" + {protocol}) : [])"
    );
    let (chosen, rows) = receivers(context);
    let usual = cel::texts(chosen.iter().copied());
    let key = names::annotation("receivers");
    let asked = match context.allow.contains("receivers") {
        true => format!(
            "{} in variables.annotations\n? variables.annotations[{}].split(\",\")\
             .map(r, r.trim().lowerAscii()).filter(r, r != \"\")\n: {usual}",
            cel::text(&key),
            cel::text(&key),
        ),
        false => usual,
    };
    let rows = rows.iter().map(|row| cel::texts(row.iter().map(String::as_str)));
    let rows = rows.collect::<Vec<_>>().join(",\n  ");
    vec![
        Variable::new("declared", declared),
        Variable::new("receivers", asked),
        // A name, and the ports that go with it.
        Variable::new(
            "open",
            format!(
                "[\n  {rows}\n]\n.filter(r, \"all\" in variables.receivers || r[0] in variables.receivers || \
                 r[0].split(\"-\")[0] in variables.receivers)\n\
                 .filter(r, !r.exists(p, variables.declared.exists(d, p in d)))\n.map(r, r[0])"
            ),
        ),
    ]
}

/// The receivers of the settings, and all there are with their ports.
fn receivers(context: &Context) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let variables = |more: Option<(&str, &str)>| -> Vec<(String, String)> {
        let mut all = context.settings.clone();
        all.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        all.into_iter().map(|(name, value)| (named(&name), value)).collect()
    };
    let read = |more| settings::read(&variables(more)).map(|config| config.receivers.receivers);
    let chosen = read(None).unwrap_or_default();
    let rows = read(Some(("receivers", "all"))).unwrap_or_default();
    let row = |(receiver, listen): &(Receiver, tributary_settings::Listen)| {
        let protocol = if receiver.is_udp() { "UDP" } else { "TCP" };
        let ports = listen.addresses().iter().map(|at| format!("{}/{protocol}", at.port()));
        let mut row = vec![receiver.name().to_owned()];
        row.extend(ports);
        row.dedup();
        row
    };
    (chosen.iter().map(|(receiver, _)| receiver.name()).collect(), rows.iter().map(row).collect())
}

/// Why a pod that asks for the sidecar gets none; empty if it gets one.
pub(super) fn skip(context: &Context) -> Variable {
    let mut reasons: Vec<(String, String)> = Vec::new();
    let mut because = |when: String, why: String| reasons.push((when, why));
    because("!(variables.podSays in [\"\", \"enabled\"])".to_owned(), Skip::Switch.to_string());
    because(
        format!("object.spec.containers.exists(c, c.name == {})", cel::text(CONTAINER)),
        Skip::Foreign.to_string(),
    );
    because(
        "has(object.spec.hostNetwork) && object.spec.hostNetwork".to_owned(),
        Skip::HostNetwork.to_string(),
    );
    because(
        format!(
            "has(object.spec.os) && object.spec.os.name == \"windows\" || has(object.spec.nodeSelector) \
             && {0} in object.spec.nodeSelector && object.spec.nodeSelector[{0}] == \"windows\"",
            cel::text(SYSTEM)
        ),
        Skip::Windows.to_string(),
    );
    let known = SETTINGS.iter().chain(&QUANTITIES).filter(|name| context.allow.contains(**name));
    let mut allowed: Vec<String> = known.map(|name| names::annotation(name)).collect();
    allowed.extend([INJECT.to_owned(), STATUS.to_owned()]);
    because(
        format!(
            "!variables.annotations.all(k, !k.startsWith({}) || k in {})",
            cel::text(PREFIX),
            cel::texts(allowed.iter().map(String::as_str))
        ),
        "an annotation of Tributary's is not known or not allowed".to_owned(),
    );
    for (name, right) in FORMS.iter().filter(|(name, _)| context.allow.contains(*name)) {
        let key = names::annotation(name);
        let quoted = cel::text(&key);
        let right = right.replace(VALUE, &format!("variables.annotations[{quoted}].trim()"));
        because(
            format!("{quoted} in variables.annotations && !{right}"),
            format!("{key} has no value that the sidecar takes"),
        );
    }
    for name in QUANTITIES.iter().filter(|name| context.allow.contains(**name)) {
        let key = names::annotation(name);
        let value = format!("variables.annotations[{}].trim()", cel::text(&key));
        let most = if name.starts_with("cpu") { &context.most.cpu } else { &context.most.memory };
        because(
            format!(
                "{} in variables.annotations && !(isQuantity({value}) && quantity({value}).sign() >= 0 \
                 && quantity({value}).compareTo(quantity({})) <= 0)",
                cel::text(&key),
                cel::text(most)
            ),
            format!("{key} is no quantity or is more than {most}"),
        );
    }
    for (what, request, limit) in
        [("cpu", "cpuRequest", "cpuLimit"), ("memory", "memoryRequest", "memoryLimit")]
    {
        because(
            format!(
                "variables.{limit} != \"\" && quantity(variables.{request}).compareTo(quantity(variables.{limit})) > 0"
            ),
            format!("resources: the {what} request is above the limit"),
        );
    }
    let admin = admin(context);
    because(
        format!("variables.declared.exists(d, {} in d)", cel::text(&format!("{admin}/TCP"))),
        Skip::PortTaken(admin).to_string(),
    );
    because("variables.open.size() == 0".to_owned(), Skip::NoReceiver.to_string());
    let chain = reasons.iter().map(|(when, why)| format!("{when} ? {}", cel::text(why)));
    let mut chain: Vec<String> = chain.collect();
    chain.push("\"\"".to_owned());
    Variable::new("skip", cel::lines(":", &chain))
}

/// The form of values, as far as CEL can tell it; [`VALUE`] stands for it.
const FORMS: [(&str, &str); 4] = [
    ("batch-age", "VALUE.matches(\"^([0-9]+([.][0-9]+)?(ms|s|m|h|d))+$\")"),
    (
        "buffer",
        "VALUE.matches(\"^[0-9]+([.][0-9]+)? *(B|KiB|MiB|GiB|Ki|Mi|Gi|k|kB|KB|M|MB|G|GB)?$\")",
    ),
    ("log-level", "(VALUE.lowerAscii() in [\"error\", \"warn\", \"info\", \"debug\"])"),
    (
        "receivers",
        "variables.receivers.all(r, r in [\"all\", \"otlp\", \"jaeger\", \"otlp-grpc\", \"otlp-http\", \
         \"jaeger-compact\", \"jaeger-binary\", \"jaeger-http\", \"jaeger-grpc\", \"jaeger-sampling\", \
         \"zipkin\"])",
    ),
];

/// What stands for the value in a form.
const VALUE: &str = "VALUE";

/// The port of the sidecar's metrics.
pub(super) fn admin(context: &Context) -> u16 {
    let variables = context.settings.iter().map(|(name, value)| (named(name), value.clone()));
    let read = settings::read(&variables.collect::<Vec<_>>());
    let first = read.ok().and_then(|config| config.admin.addresses().first().copied());
    first.map_or(4320, |address| address.port())
}
