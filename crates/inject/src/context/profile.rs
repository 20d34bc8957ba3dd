//! Further sets of settings, which pods choose by name or get by their namespace.

use super::{Context, Resources, texts};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A set of settings that stands over the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Namespaces whose pods have it, unless they choose another one; a `*` at the end stands for
    /// any ending. Where there are none pods of all namespaces may choose it; where there are some
    /// only theirs.
    pub namespaces: Vec<String>,
    /// The sidecar's settings that differ.
    #[serde(deserialize_with = "texts")]
    pub settings: BTreeMap<String, String>,
    /// What its container asks for and may take, where that differs.
    pub resources: Option<Resources>,
}

impl Profile {
    pub(crate) fn settings_over(
        &self,
        usual: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut all = usual.clone();
        all.extend(self.settings.clone());
        all
    }

    fn is_for(&self, namespace: Option<&str>) -> bool {
        self.namespaces.iter().any(|pattern| match (pattern.strip_suffix('*'), namespace) {
            (Some(start), Some(name)) => name.starts_with(start),
            (Some(start), None) => start.is_empty(),
            (None, name) => name == Some(pattern.as_str()),
        })
    }
}

impl Context {
    /// The profile that a pod has: the one it names, or the first one of its namespace.
    ///
    /// # Errors
    /// Why it may not have the one it names.
    pub(crate) fn profile(
        &self,
        named: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<Option<&Profile>, String> {
        let Some(name) = named else {
            return Ok(self.profiles.values().find(|profile| profile.is_for(namespace)));
        };
        match self.profiles.get(name) {
            None => Err(format!("there is no profile `{name}`")),
            Some(profile) if profile.namespaces.is_empty() || profile.is_for(namespace) => {
                Ok(Some(profile))
            }
            Some(_) => Err(format!("the profile `{name}` is not for this namespace")),
        }
    }
}
