//! Manifests as text: the sidecar is put into them, or taken out, and everything else stays as it is
//! written.
//!
//! Running this over a file is how a person asks for the sidecar, so that no label is needed. A pod
//! that says `disabled`, or whose namespace says so in the same text, is left alone.

mod kustomize;

use crate::around::Around;
use crate::context::Context;
use crate::error::InjectError;
use crate::inject::inject;
use crate::names::INJECT;
use crate::outcome::{Outcome, Skip};
use crate::patch::{self, Operation};
use crate::remove::remove;
use crate::workload::{self, Workload, workloads};
use crate::yaml::{Document, documents, edit};
use json_patch::jsonptr::PointerBuf;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

pub use crate::workload::Name;
pub use kustomize::component;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub enum Task<'c> {
    /// Put the sidecar into every pod.
    Inject(&'c Context),
    /// Take it out.
    Remove,
}

/// A text, and what was done with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The text as it is now.
    pub text: String,
    /// The objects with pods in them, in their order.
    pub objects: Vec<Object>,
}

/// An object with a pod in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What it is called.
    pub name: Name,
    /// What was done, in terms of the object.
    pub operations: Vec<Operation>,
    /// What became of it.
    pub told: Told,
    /// Where it stands in its document.
    at: PointerBuf,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// It has the sidecar now; what a person should know.
    Injected(Vec<String>),
    /// It had it before; what a person should know.
    Had(Vec<String>),
    /// The sidecar is out.
    Removed,
    /// There was no sidecar in it.
    HadNone,
    /// It gets none.
    Skipped(Skip),
    /// What was asked for could not be done.
    Failed(String),
}

impl Told {
    /// Whether what was asked for could not be done.
    pub fn is_failure(&self) -> bool {
        match self {
            Told::Skipped(skip) => skip.is_failure(),
            Told::Failed(_) => true,
            Told::Injected(_) | Told::Had(_) | Told::Removed | Told::HadNone => false,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, notes) = match self {
            Told::Injected(notes) => ("injected", notes.as_slice()),
            Told::Had(notes) => ("has the sidecar already", notes.as_slice()),
            Told::Removed => ("removed", &[][..]),
            Told::HadNone => ("has no sidecar", &[][..]),
            Told::Skipped(skip) => return write!(f, "skipped: {skip}"),
            Told::Failed(why) => return write!(f, "not done: {why}"),
        };
        f.write_str(what)?;
        notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

/// Changes the text of manifests: one document or many, YAML or JSON, objects or lists of them.
///
/// # Errors
/// When the text cannot be read. What cannot be done with one object stands in its [`Told`].
pub fn change(text: &str, task: Task<'_>) -> Result<Manifest, InjectError> {
    // A mark at the beginning that says how bytes are ordered is no part of the first key.
    let (mark, rest) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let read = documents(rest)?;
    let values: Vec<Value> =
        read.iter().map(|one| one.root.as_ref().map_or(Value::Null, |root| root.value())).collect();
    let labels = namespaces(&values);
    let mut manifest = Manifest { text: mark.to_owned(), objects: Vec::new() };
    let mut done = 0;
    for (document, value) in read.iter().zip(&values) {
        let whole = rest.get(document.at.clone()).unwrap_or_default();
        let mut objects: Vec<Object> =
            workloads(value).iter().map(|workload| object(workload, task, &labels)).collect();
        match changed(whole, document, &objects) {
            Ok(Some(new)) => manifest.text.push_str(&new),
            Ok(None) => manifest.text.push_str(whole),
            Err(why) => {
                manifest.text.push_str(whole);
                for object in objects.iter_mut().filter(|object| !object.operations.is_empty()) {
                    object.operations.clear();
                    object.told = Told::Failed(why.clone());
                }
            }
        }
        manifest.objects.append(&mut objects);
        done = document.at.end;
    }
    manifest.text.push_str(rest.get(done..).unwrap_or_default());
    Ok(manifest)
}

/// The document's text with all operations of its objects done; none if there are none.
fn changed(text: &str, document: &Document, objects: &[Object]) -> Result<Option<String>, String> {
    let all = objects.iter().flat_map(|object| {
        object.operations.iter().map(|operation| patch::below(&object.at, operation))
    });
    let all: Vec<Operation> = all.collect();
    if all.is_empty() || document.root.is_none() {
        return Ok(None);
    }
    // It is read again by itself: places are counted from its own beginning then.
    let own = documents(text).map_err(|error| error.to_string())?;
    let root = own.iter().find_map(|document| document.root.as_ref()).ok_or("nothing is in it")?;
    edit::apply(text, root, &all).map(Some)
}

fn object(workload: &Workload<'_>, task: Task<'_>, labels: &BTreeMap<String, String>) -> Object {
    let name = workload.name.clone();
    let (operations, told) = match task {
        Task::Inject(context) => {
            let namespace = name.namespace.as_deref();
            let said = namespace.and_then(|name| labels.get(name)).map(String::as_str);
            let around = Around {
                namespace,
                label: said.filter(|said| *said == "disabled").or(Some("enabled")),
                owner: (name.kind != "Pod" && !name.is_generated)
                    .then_some((name.kind.as_str(), name.name.as_str())),
            };
            match inject(workload.pod, context, &around) {
                Outcome::Injected(change) if change.operations.is_empty() => {
                    (Vec::new(), Told::Had(change.notes))
                }
                Outcome::Injected(change) => (change.operations, Told::Injected(change.notes)),
                Outcome::Skipped(skip) => (Vec::new(), Told::Skipped(skip)),
                Outcome::Refused(refusal) => (Vec::new(), Told::Failed(refusal.to_string())),
            }
        }
        Task::Remove => {
            let operations = remove(workload.pod);
            let told = if operations.is_empty() { Told::HadNone } else { Told::Removed };
            (operations, told)
        }
    };
    let operations = operations.iter().map(|one| patch::below(&workload.template, one)).collect();
    Object { name, operations, told, at: workload.object.clone() }
}

/// What the namespaces of a text say of themselves.
fn namespaces(documents: &[Value]) -> BTreeMap<String, String> {
    let objects = documents.iter().flat_map(workload::objects);
    let said = |object: &Value| {
        let name = workload::name(object).filter(|name| name.kind == "Namespace")?;
        let label = object.pointer("/metadata/labels")?.get(INJECT)?.as_str()?;
        Some((name.name, label.to_owned()))
    };
    objects.filter_map(|(_, object)| said(object)).collect()
}

#[cfg(test)]
mod tests;
