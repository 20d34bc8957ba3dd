//! What the platform team decides: one page of settings for all three ways to inject.

mod profile;

pub use profile::Profile;

use crate::error::InjectError;
use crate::names::{self, QUANTITIES, SETTINGS};
use crate::quantity::thousandths;
use crate::settings;
use crate::yaml::documents;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The platform team's settings. Read from a file, names that are not known are mistakes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// The sidecar's image, by tag or digest.
    pub image: String,
    /// The namespace of the ingesters. It is never injected into, nor are the cluster's own.
    pub namespace: String,
    /// The sidecar's settings by name (`upstream`, `buffer` …).
    #[serde(deserialize_with = "over_usual")]
    pub settings: BTreeMap<String, String>,
    /// What the container asks for and may take.
    pub resources: Resources,
    /// What annotations of pods may ask for at most.
    pub most: Most,
    /// The annotations that application teams may use, without what all begin with. Any other one
    /// is refused: a setting that is left out in silence is one that they believe to be in force.
    pub allow: BTreeSet<String>,
    /// Further sets of settings, by name.
    pub profiles: BTreeMap<String, Profile>,
    /// How the sidecar says who it is.
    pub identity: Identity,
    /// Whether user and group are numbers. OpenShift gives each namespace its own and refuses others.
    pub fixed_user: bool,
    /// Which service mesh must let the sidecar through.
    pub mesh: MeshSetting,
}

/// What a container asks for (requests) and may take (limits), as Kubernetes writes quantities.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resources {
    /// Without requests the application's autoscaler has nothing to divide by.
    pub cpu_request: String,
    /// None by default: a limit slows the sidecar down just when spans come in a burst.
    pub cpu_limit: Option<String>,
    /// What it has when it is quiet.
    pub memory_request: String,
    /// Its buffer and what the program itself takes.
    pub memory_limit: String,
}

/// Bounds of what pods may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Most {
    /// Of processors.
    pub cpu: String,
    /// Of memory.
    pub memory: String,
}

/// How the sidecar says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// It does not.
    None,
    /// By a token of the pod's ServiceAccount that is for Tributary alone.
    Token,
}

/// Which service mesh must let the sidecar's ports through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MeshSetting {
    /// The one whose containers a pod has.
    Auto,
    /// Istio, also where its containers come later.
    Istio,
    /// Linkerd, also where its containers come later.
    Linkerd,
    /// None.
    None,
}

impl Default for Context {
    fn default() -> Self {
        let allowed = SETTINGS.iter().chain(&QUANTITIES).chain(&["profile"]);
        Context {
            image: concat!("tributary-sidecar:", env!("CARGO_PKG_VERSION")).to_owned(),
            namespace: "tracing".to_owned(),
            settings: usual(),
            resources: Resources::default(),
            most: Most::default(),
            allow: allowed.map(|&name| name.to_owned()).collect(),
            profiles: BTreeMap::new(),
            identity: Identity::None,
            fixed_user: true,
            mesh: MeshSetting::Auto,
        }
    }
}

impl Default for Resources {
    fn default() -> Self {
        Resources {
            cpu_request: "10m".to_owned(),
            cpu_limit: None,
            memory_request: "16Mi".to_owned(),
            memory_limit: "32Mi".to_owned(),
        }
    }
}

impl Default for Most {
    fn default() -> Self {
        Most { cpu: "1".to_owned(), memory: "512Mi".to_owned() }
    }
}

impl Context {
    /// Reads a file with such settings. What it does not name is as [`Context::default`] has it.
    ///
    /// # Errors
    /// What is wrong with it; its values are for [`Context::check`].
    pub fn read(text: &str) -> Result<Context, InjectError> {
        let read = documents(text)?;
        let value = read.into_iter().find_map(|document| Some(document.root?.value()));
        match value {
            None | Some(Value::Null) => Ok(Context::default()),
            Some(value) => Context::deserialize(value)
                .map_err(|error| InjectError::Context(vec![error.to_string()])),
        }
    }

    /// Checks all of it, with the sidecar's own parser where the sidecar reads it.
    ///
    /// # Errors
    /// Every mistake.
    pub fn check(&self) -> Result<(), InjectError> {
        let mut mistakes = Vec::new();
        if self.image.trim().is_empty() {
            mistakes.push("image: needs a value".to_owned());
        }
        let known = || SETTINGS.iter().chain(&QUANTITIES).chain(&["profile"]);
        for name in self.allow.iter().filter(|name| !known().any(|known| known == name)) {
            let all: Vec<&str> = known().copied().collect();
            mistakes.push(format!("allow: `{name}` is none of {}", all.join(", ")));
        }
        for (at, bound) in [("cpu", &self.most.cpu), ("memory", &self.most.memory)] {
            if thousandths(bound).is_none() {
                mistakes.push(format!("most.{at}: `{bound}` is no quantity"));
            }
        }
        mistakes.extend(self.mistakes("", &self.settings, &self.resources));
        for (name, profile) in &self.profiles {
            let settings = profile.settings_over(&self.settings);
            let resources = profile.resources.as_ref().unwrap_or(&self.resources);
            mistakes.extend(self.mistakes(&format!("profiles.{name}: "), &settings, resources));
        }
        if mistakes.is_empty() { Ok(()) } else { Err(InjectError::Context(mistakes)) }
    }

    fn mistakes(
        &self,
        at: &str,
        set: &BTreeMap<String, String>,
        resources: &Resources,
    ) -> Vec<String> {
        let mut mistakes = Vec::new();
        let variables = set.iter().map(|(name, value)| (names::variable(name), value.clone()));
        let variables: Vec<_> = variables.collect();
        if let Err(wrong) = settings::read(&variables) {
            mistakes
                .extend(wrong.0.iter().map(|mistake| format!("{}: {}", mistake.at, mistake.why)));
        }
        if self.identity == Identity::Token && !settings::wants_tls(&variables) {
            let why = "a token is sent over TLS only: write `https://` before the upstream";
            mistakes.push(format!("identity: {why}"));
        }
        mistakes.extend(resources.mistake());
        mistakes.into_iter().map(|mistake| format!("{at}{mistake}")).collect()
    }
}

impl Resources {
    /// The four of them, by the annotation that sets each.
    pub(crate) fn named(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "cpu-request" => Some(&mut self.cpu_request),
            "cpu-limit" => Some(self.cpu_limit.get_or_insert_default()),
            "memory-request" => Some(&mut self.memory_request),
            "memory-limit" => Some(&mut self.memory_limit),
            _ => None,
        }
    }

    /// Why the API server would refuse a container with these.
    pub(crate) fn mistake(&self) -> Option<String> {
        let pairs = [
            ("cpu", &self.cpu_request, self.cpu_limit.as_ref()),
            ("memory", &self.memory_request, Some(&self.memory_limit)),
        ];
        pairs.iter().find_map(|(what, request, limit)| {
            let wrong = |text: &str| format!("resources: `{text}` is no quantity");
            let Some(asked) = thousandths(request) else { return Some(wrong(request)) };
            let limit = (*limit)?;
            let Some(most) = thousandths(limit) else { return Some(wrong(limit)) };
            let above =
                format!("resources: the {what} request {request} is above the limit {limit}");
            (asked > most).then_some(above)
        })
    }
}

/// The headless Service of the ingesters. The dot at its end spares look-ups of search domains.
fn usual() -> BTreeMap<String, String> {
    let upstream = "tributary-wire.tracing.svc.cluster.local.:4319";
    BTreeMap::from([("upstream".to_owned(), upstream.to_owned())])
}

fn over_usual<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let mut all = usual();
    all.extend(texts(from)?);
    Ok(all)
}

/// Values as texts, however YAML reads them: `buffer: 16777216` is one, too.
fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, Value>::deserialize(from)?;
    let text = |(name, value): (String, Value)| {
        // One dialect: what is written with `_` in the file is the same name.
        let name = name.replace('_', "-");
        match value {
            Value::String(text) => Ok((name, text)),
            Value::Number(number) => Ok((name, number.to_string())),
            Value::Bool(word) => Ok((name, word.to_string())),
            Value::Null => Ok((name, String::new())),
            Value::Array(_) | Value::Object(_) => {
                Err(serde::de::Error::custom(format!("`{name}` is no text")))
            }
        }
    };
    values.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests;
