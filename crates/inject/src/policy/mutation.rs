//! What the policy does to a pod, as JSON Patch.

use super::{cel, conditions, container};
use crate::container::volume;
use crate::context::{Context, Identity, MeshSetting};
use crate::mesh::{ISTIO_INBOUND, ISTIO_OUTBOUND, LINKERD_OUTBOUND};
use crate::names::{STATUS, VOLUME, variable as named};
use crate::settings;

/// The list of operations: none for pods that ask for nothing, the status alone for those that cannot
/// have what they ask for, one for those whose sidecar has lost its `restartPolicy`.
pub(super) fn mutation(context: &Context) -> String {
    let put_back = add(
        "\"/spec/initContainers/\" + string(variables.at) + \"/restartPolicy\"",
        "\"Always\"",
    );
    let skipped = annotate(STATUS, "\"skipped: \" + variables.skip");
    let injected = format!("\"injected {}\"", env!("CARGO_PKG_VERSION"));
    let some = "(has(object.metadata.annotations) ? [] : [JSONPatch{op: \"add\", path: \"/metadata/annotations\", value: {}}])";
    let mut all = vec![format!("[{}]", annotate(STATUS, &injected))];
    all.extend(mesh(context));
    all.push(empty_list("initContainers"));
    let position = "\"/spec/initContainers/\" + string(variables.position)";
    all.push(format!("[{}]", add(position, &container::container(context))));
    if context.identity == Identity::Token {
        let has = format!(
            "has(object.spec.volumes) && object.spec.volumes.exists(v, v.name == {})",
            cel::text(VOLUME)
        );
        let whole = cel::typed("Object.spec.volumes", &volume());
        let put = add("\"/spec/volumes/-\"", &whole);
        all.push(empty_list("volumes"));
        all.push(format!("({has} ? [] : [{put}])"));
    }
    format!(
        "variables.stripped ? [{put_back}]\n\
         : variables.at >= 0 || !variables.wanted ? []\n\
         : {some}\n\
         + (variables.skip != \"\" ? [{skipped}]\n\
         : {})",
        cel::lines("+", &all)
    )
}

fn add(path: &str, value: &str) -> String {
    format!("JSONPatch{{op: \"add\", path: {path}, value: {value}}}")
}

fn annotate(key: &str, value: &str) -> String {
    add(&format!("\"/metadata/annotations/\" + jsonpatch.escapeKey({})", cel::text(key)), value)
}

/// A list of typed items is not taken as a whole: it is made empty first.
fn empty_list(list: &str) -> String {
    format!("(has(object.spec.{list}) ? [] : [{}])", add(&format!("\"/spec/{list}\""), "[]"))
}

/// What a mesh must let through, where the settings name one.
fn mesh(context: &Context) -> Vec<String> {
    let variables = context.settings.iter().map(|(name, value)| (named(name), value.clone()));
    let variables: Vec<_> = variables.collect();
    let upstream = settings::read(&variables).map(|config| config.upstream).unwrap_or_default();
    let outbound: Vec<u16> = match settings::wants_tls(&variables) {
        true => upstream.iter().map(|upstream| upstream.port).collect(),
        false => Vec::new(),
    };
    let lists = match context.mesh {
        MeshSetting::Istio => {
            vec![(ISTIO_INBOUND, vec![conditions::admin(context)]), (ISTIO_OUTBOUND, outbound)]
        }
        MeshSetting::Linkerd => vec![(LINKERD_OUTBOUND, outbound)],
        MeshSetting::Auto | MeshSetting::None => Vec::new(),
    };
    let lists = lists.into_iter().filter(|(_, ports)| !ports.is_empty());
    let one = |(key, ports): (&str, Vec<u16>)| {
        let quoted = cel::text(key);
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let new = cel::texts(ports.iter().map(String::as_str));
        let had = format!(
            "({quoted} in variables.annotations ? variables.annotations[{quoted}].split(\",\").filter(p, p.trim() != \"\") : [])"
        );
        let value = format!("({had} + {new}.filter(p, !(p in {had}) && !(\"*\" in {had}))).join(\",\")");
        format!("[{}]", annotate(key, &value))
    };
    lists.map(one).collect()
}
