//! What the policy does to a pod, as JSON Patch.

use super::cel::{self, annotation_or};
use super::{conditions, container};
use crate::container::volume;
use crate::context::{Context, Identity, MeshSetting};
use crate::mesh::{self, ISTIO_INBOUND, ISTIO_OUTBOUND, LINKERD_OUTBOUND, Mesh};
use crate::names::{STATUS, VOLUME, variable as named};
use crate::settings;

/// The list of operations: none for pods that ask for nothing, the status alone for those that cannot
/// have what they ask for, one for those whose sidecar has lost its `restartPolicy`.
pub(super) fn mutation(context: &Context) -> String {
    let put_back =
        add("\"/spec/initContainers/\" + string(variables.at) + \"/restartPolicy\"", "\"Always\"");
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

/// What a mesh must let through: the one that the settings name, or those whose containers a pod has.
fn mesh(context: &Context) -> Vec<String> {
    let variables = context.settings.iter().map(|(name, value)| (named(name), value.clone()));
    let variables: Vec<_> = variables.collect();
    let upstream = settings::read(&variables).map(|config| config.upstream).unwrap_or_default();
    let outbound: Vec<u16> = match settings::wants_tls(&variables) {
        true => upstream.iter().map(|upstream| upstream.port).collect(),
        false => Vec::new(),
    };
    let lists = [
        (Mesh::Istio, ISTIO_INBOUND, vec![conditions::admin(context)]),
        (Mesh::Istio, ISTIO_OUTBOUND, outbound.clone()),
        (Mesh::Linkerd, LINKERD_OUTBOUND, outbound),
    ];
    let lists = lists.into_iter().filter(|(mesh, _, ports)| {
        !ports.is_empty()
            && match context.mesh {
                MeshSetting::Auto => true,
                MeshSetting::Istio => *mesh == Mesh::Istio,
                MeshSetting::Linkerd => *mesh == Mesh::Linkerd,
                MeshSetting::None => false,
            }
    });
    let one = |(mesh, key, ports): (Mesh, &str, Vec<u16>)| {
        let list = let_through(key, &ports);
        if context.mesh != MeshSetting::Auto {
            return list;
        }
        let theirs = mesh::CONTAINERS.iter().filter(|(_, of)| *of == mesh).map(|(name, _)| *name);
        let names = cel::texts(theirs);
        let has =
            format!("(variables.inits + object.spec.containers).exists(c, c.name in {names})");
        format!("({has} ? {list} : [])")
    };
    lists.map(one).collect()
}

/// The operations that add ports to the list behind an annotation, unless they are in it, or all are.
fn let_through(key: &str, ports: &[u16]) -> String {
    let quoted = cel::text(key);
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let wanted = cel::texts(ports.iter().map(String::as_str));
    let had = annotation_or(key, "\"\"") + ".split(\",\").map(p, p.trim()).filter(p, p != \"\")";
    let new = format!("{wanted}.filter(p, !(p in {had}) && !(\"*\" in {had}))");
    let put = annotate(key, &format!("({had} + {new}).join(\",\")"));
    let is_there = format!("{quoted} in variables.annotations && {new}.size() == 0");
    format!("({is_there} ? [] : [{put}])")
}
