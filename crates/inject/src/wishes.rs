//! What a pod's annotations ask for, within what the platform team allows.

use crate::around::Around;
use crate::context::{Context, Resources};
use crate::mesh::annotation;
use crate::names::{self, INJECT, PREFIX, PROFILE, QUANTITIES, SETTINGS, STATUS};
use crate::outcome::Refusal;
use crate::quantity::thousandths;
use serde_json::Value;
use std::collections::BTreeMap;
use tributary_settings::edit_distance;

/// What a sidecar is to run with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wishes {
    /// Settings by name.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) resources: Resources,
    /// The resource attributes that its annotation adds.
    pub(crate) attributes: Option<String>,
}

/// The platform team's settings, the profile's over them, the pod's over both.
pub(crate) fn wishes(
    pod: &Value,
    context: &Context,
    around: &Around<'_>,
) -> Result<Wishes, Refusal> {
    all_allowed(pod, context)?;
    let namespace = around.namespace_of(pod);
    let profile = context
        .profile(annotation(pod, PROFILE), namespace)
        .map_err(|why| Refusal::Annotation { key: PROFILE.to_owned(), why })?;
    let mut wishes = Wishes {
        settings: context.settings.clone(),
        resources: context.resources.clone(),
        attributes: None,
    };
    if let Some(profile) = profile {
        wishes.settings = profile.settings_over(&context.settings);
        wishes.resources = profile.resources.clone().unwrap_or(wishes.resources);
    }
    for setting in SETTINGS {
        let text = annotation(pod, &names::annotation(setting)).map(str::trim);
        match text.filter(|text| !text.is_empty()) {
            // They are added to the others.
            Some(text) if setting == "resource-attributes" => {
                wishes.attributes = Some(text.to_owned());
            }
            Some(text) => drop(wishes.settings.insert(setting.to_owned(), text.to_owned())),
            None => {}
        }
    }
    for name in QUANTITIES {
        let key = names::annotation(name);
        let Some(text) = annotation(pod, &key).map(str::trim) else { continue };
        let most = if name.starts_with("cpu") { &context.most.cpu } else { &context.most.memory };
        let why = match (thousandths(text), thousandths(most)) {
            (None, _) => format!("`{text}` is no quantity"),
            (Some(asked), Some(bound)) if asked > bound => format!("{text} is more than {most}"),
            _ => {
                if let Some(slot) = wishes.resources.named(name) {
                    text.clone_into(slot);
                }
                continue;
            }
        };
        return Err(Refusal::Annotation { key, why });
    }
    match wishes.resources.mistake() {
        Some(why) => Err(Refusal::Resources(why)),
        None => Ok(wishes),
    }
}

/// Refuses annotations under our prefix that are not known, or not on the list.
fn all_allowed(pod: &Value, context: &Context) -> Result<(), Refusal> {
    let all = pod.pointer("/metadata/annotations").and_then(Value::as_object);
    for (key, value) in all.into_iter().flatten() {
        let Some(name) = key.strip_prefix(PREFIX) else { continue };
        let is_known = SETTINGS.iter().chain(&QUANTITIES).any(|known| *known == name);
        let why = if [INJECT, STATUS].contains(&key.as_str()) {
            continue;
        } else if !is_known && key != PROFILE {
            let others = SETTINGS.iter().chain(&QUANTITIES).chain(&["inject", "profile"]);
            let nearest = others.min_by_key(|known| edit_distance(known, name));
            let near = nearest.filter(|known| edit_distance(known, name) <= 2);
            match near {
                Some(near) => format!("unknown; did you mean `{PREFIX}{near}`?"),
                None => "unknown".to_owned(),
            }
        } else if !context.allow.contains(name) {
            "is not on the list of what pods may set".to_owned()
        } else if !value.is_string() {
            "is no text".to_owned()
        } else {
            continue;
        };
        return Err(Refusal::Annotation { key: key.clone(), why });
    }
    Ok(())
}
