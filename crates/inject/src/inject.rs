//! The one function that changes pods.

use crate::around::Around;
use crate::container::{self, Parts};
use crate::context::{Context, Identity, MeshSetting};
use crate::mesh::{self, Mesh, containers};
use crate::names::{self, CONTAINER, STATUS, VOLUME};
use crate::outcome::{Change, Outcome, Refusal, Skip};
use crate::patch::{self, Operation, add, add_to_list, replace};
use crate::settings;
use crate::variables::variables;
use crate::wanted;
use crate::wishes::wishes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is done to a pod that is made. It looks nothing up and knows no clock: the same pod in the
/// same surroundings always gets the same answer, and a pod that has the sidecar is left alone.
pub fn inject(pod: &Value, context: &Context, around: &Around<'_>) -> Outcome {
    if !pod.get("spec").is_some_and(Value::is_object) {
        return Outcome::Refused(Refusal::Shape("it has no `spec`"));
    }
    if let Some(at) = mesh::ours(containers(pod, "initContainers")) {
        return Outcome::Injected(had(pod, context, at));
    }
    if let Some(skip) = wanted::skip(pod, context, around) {
        return Outcome::Skipped(skip);
    }
    match change(pod, context, around) {
        Ok(change) => Outcome::Injected(change),
        Err(outcome) => outcome,
    }
}

/// The pod has it. Where an older webhook did not know `restartPolicy` of init containers and took it
/// off, the sidecar would hold the pod for ever: it is put back.
fn had(pod: &Value, context: &Context, at: usize) -> Change {
    let ours = containers(pod, "initContainers").get(at);
    let field = |name: &str| ours.and_then(|ours| ours.get(name)).and_then(Value::as_str);
    let mut change = Change::default();
    let index = at.to_string();
    let path = ["spec", "initContainers", &index, "restartPolicy"];
    match field("restartPolicy") {
        Some("Always") => {}
        Some(_) => change.operations.push(replace(path, json!("Always"))),
        None => change.operations.push(add(path, json!("Always"))),
    }
    if !change.operations.is_empty() {
        change.notes.push("its restartPolicy was put back".to_owned());
    }
    if let Some(image) = field("image").filter(|image| *image != context.image) {
        change.notes.push(format!("it has the image {image}, not {}", context.image));
    }
    change
}

fn change(pod: &Value, context: &Context, around: &Around<'_>) -> Result<Change, Outcome> {
    let wishes = wishes(pod, context, around).map_err(Outcome::Refused)?;
    let mut variables = variables(pod, context, around, &wishes);
    let config = settings::read(&variables).map_err(|wrong| {
        let told = wrong.0.into_iter().map(|mistake| format!("{}: {}", mistake.at, mistake.why));
        Outcome::Refused(Refusal::Settings(told.collect()))
    })?;
    let mut notes = Vec::new();

    let taken = declared(pod);
    let is_free = |port: u16, udp: bool| !taken.contains(&(port, udp));
    let admin = config.admin.addresses().first().map_or(0, |address| address.port());
    if !is_free(admin, false) {
        return Err(Outcome::Skipped(Skip::PortTaken(admin)));
    }
    let (open, closed): (Vec<_>, Vec<_>) =
        config.receivers.receivers.iter().partition(|(receiver, listen)| {
            listen.addresses().iter().all(|address| is_free(address.port(), receiver.is_udp()))
        });
    if open.is_empty() {
        return Err(Outcome::Skipped(Skip::NoReceiver));
    }
    if !closed.is_empty() {
        let names = |all: &[&(tributary_receivers::Receiver, _)]| {
            all.iter().map(|(receiver, _)| receiver.name()).collect::<Vec<_>>().join(",")
        };
        let name = names::variable("receivers");
        variables.retain(|(known, _)| *known != name);
        variables.push((name, names(&open)));
        notes.push(format!("without {}: a container declares that port", names(&closed)));
    }

    let tls = settings::wants_tls(&variables);
    let upstream: Vec<u16> = config.upstream.iter().map(|upstream| upstream.port).collect();
    let meshes = [Mesh::Istio, Mesh::Linkerd].into_iter().filter(|mesh| match context.mesh {
        MeshSetting::Auto => mesh::is_seen(*mesh, pod),
        MeshSetting::Istio => *mesh == Mesh::Istio,
        MeshSetting::Linkerd => *mesh == Mesh::Linkerd,
        MeshSetting::None => false,
    });
    let own = tls.then_some(upstream.as_slice());
    let through = meshes.flat_map(|mesh| mesh::annotations(mesh, pod, admin, own));
    let mut annotations: BTreeMap<String, String> =
        through.map(|(key, text)| (key.to_owned(), text)).collect();
    let status = concat!("injected ", env!("CARGO_PKG_VERSION"));
    annotations.insert(STATUS.to_owned(), status.to_owned());

    let parts = Parts { variables: &variables, admin, resources: &wishes.resources };
    let container = container::container(context, &parts);
    let mut operations = patch::annotate(pod, annotations);
    operations.push(add_to_list(pod, "initContainers", mesh::position(pod), container));
    operations.extend(identity(pod, context));
    Ok(Change { operations, notes })
}

/// The volume of the token, unless the pod has it from an earlier time.
fn identity(pod: &Value, context: &Context) -> Option<Operation> {
    let volumes = containers(pod, "volumes");
    let has = volumes.iter().any(|volume| mesh::name(volume) == VOLUME);
    let wanted = context.identity == Identity::Token && !has;
    wanted.then(|| add_to_list(pod, "volumes", volumes.len(), container::volume()))
}

/// Ports that the pod's own containers declare, and whether each is for datagrams.
fn declared(pod: &Value) -> BTreeSet<(u16, bool)> {
    let lists = ["initContainers", "containers"];
    let all = lists.iter().flat_map(|list| containers(pod, list));
    let others = all.filter(|container| mesh::name(container) != CONTAINER);
    let ports = others.filter_map(|container| container.get("ports")?.as_array()).flatten();
    let number = |port: &Value| {
        let number = port.get("containerPort")?.as_u64()?;
        let udp = port.get("protocol").and_then(Value::as_str) == Some("UDP");
        Some((u16::try_from(number).ok()?, udp))
    };
    ports.filter_map(number).collect()
}
