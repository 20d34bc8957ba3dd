//! What became of a pod.

use crate::names::{INJECT, STATUS};
use crate::patch::{self, Operation};
use serde_json::Value;
use std::fmt;

/// What becomes of a pod.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It has the sidecar, once these operations are done.
    Injected(Change),
    /// It does not get one, and that is as it should be, or cannot be otherwise.
    Skipped(Skip),
    /// It should get one, and what it asks for cannot be had.
    Refused(Refusal),
}

/// How a pod gets the sidecar.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// JSON Patch. None if it has the sidecar already.
    pub operations: Vec<Operation>,
    /// What a person should know of it.
    pub notes: Vec<String>,
}

/// Why a pod gets no sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// Neither it nor its namespace asks for one.
    NotWanted,
    /// Its namespace is the cluster's or Tributary's own.
    Excluded,
    /// It says so.
    PodDisabled,
    /// Its namespace says so.
    NamespaceDisabled,
    /// What it says is neither yes nor no.
    Switch,
    /// Its ports would be the node's.
    HostNetwork,
    /// The sidecar is a program for Linux.
    Windows,
    /// The kubelet made it of a file; what is done to it here has no effect.
    Mirror,
    /// A container of the name stands where it is not ours.
    Foreign,
    /// A container declares the port of the sidecar's metrics.
    PortTaken(u16),
    /// Containers declare the ports of all receivers.
    NoReceiver,
}

/// Why a pod that asks for a sidecar cannot have what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An annotation is not known, not allowed, or not within bounds.
    Annotation {
        /// The annotation.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The API server would refuse the container.
    Resources(String),
    /// The sidecar would not start: what its own parser says.
    Settings(Vec<String>),
    /// It is no pod.
    Shape(&'static str),
}

impl Outcome {
    /// Whether what was asked for could not be done.
    pub fn is_failure(&self) -> bool {
        match self {
            Outcome::Injected(_) => false,
            Outcome::Skipped(skip) => skip.is_failure(),
            Outcome::Refused(_) => true,
        }
    }

    /// Operations that tell the application team, in the pod's own annotations, why there is no
    /// sidecar. None where a sidecar was not asked for.
    pub fn status(&self, pod: &Value) -> Vec<Operation> {
        let why = match self {
            Outcome::Injected(_) => return Vec::new(),
            Outcome::Skipped(skip) if !skip.is_failure() || *skip == Skip::Mirror => {
                return Vec::new();
            }
            Outcome::Skipped(skip) => skip.to_string(),
            Outcome::Refused(refusal) => refusal.to_string(),
        };
        patch::annotate(pod, [(STATUS.to_owned(), format!("skipped: {why}"))].into())
    }
}

impl Skip {
    /// Whether a sidecar was asked for.
    pub fn is_failure(&self) -> bool {
        let as_wished =
            [Skip::NotWanted, Skip::Excluded, Skip::PodDisabled, Skip::NamespaceDisabled];
        !as_wished.contains(self)
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skip::NotWanted => write!(f, "not asked for"),
            Skip::Excluded => write!(f, "its namespace is never injected into"),
            Skip::PodDisabled => write!(f, "{INJECT} is disabled"),
            Skip::NamespaceDisabled => write!(f, "{INJECT} of its namespace is disabled"),
            Skip::Switch => write!(f, "{INJECT} is neither enabled nor disabled"),
            Skip::HostNetwork => write!(f, "host network"),
            Skip::Windows => write!(f, "Windows"),
            Skip::Mirror => write!(f, "mirror pod"),
            Skip::Foreign => {
                write!(f, "a container that is no sidecar has the sidecar's name")
            }
            Skip::PortTaken(port) => write!(f, "a container declares port {port}"),
            Skip::NoReceiver => write!(f, "its containers declare the ports of all receivers"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Annotation { key, why } => write!(f, "{key}: {why}"),
            Refusal::Resources(why) => f.write_str(why),
            Refusal::Settings(mistakes) => f.write_str(&mistakes.join("; ")),
            Refusal::Shape(why) => f.write_str(why),
        }
    }
}
