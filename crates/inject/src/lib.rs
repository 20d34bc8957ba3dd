//! Adds the sidecar to pods.
//!
//! One pure function decides and makes the change: [`inject`] takes a pod, what the platform team has
//! decided ([`Context`]) and what is known beside the pod ([`Around`]), and answers with JSON Patch
//! operations, or with the reason why there are none. Nothing here reads a file, a clock or the
//! network, and no input makes it panic.
//!
//! Its fronts: [`manifest`] changes the text of manifests and leaves every comment where it stands;
//! [`policy`] prints the same rules for the API server to apply by itself; [`missing`] lists running
//! pods that should have a sidecar and have none. Names that users see are in [`names`].
//!
//! ```
//! use serde_json::json;
//! use tributary_inject::{Around, Context, Outcome, inject};
//!
//! let pod = json!({"metadata": {"name": "shop"}, "spec": {"containers": [{"name": "shop"}]}});
//! let enabled = Around { label: Some("enabled"), ..Around::default() };
//! let Outcome::Injected(change) = inject(&pod, &Context::default(), &enabled) else { panic!() };
//! let mut changed = pod.clone();
//! json_patch::patch(&mut changed, &change.operations).unwrap();
//! assert_eq!(changed["spec"]["initContainers"][0]["name"], "tributary-sidecar");
//!
//! let Outcome::Injected(again) = inject(&changed, &Context::default(), &enabled) else { panic!() };
//! assert!(again.operations.is_empty());
//! ```

mod around;
mod container;
mod context;
mod error;
mod inject;
pub mod manifest;
mod mesh;
pub mod missing;
pub mod names;
mod outcome;
mod patch;
pub mod policy;
mod quantity;
mod remove;
mod settings;
mod variables;
mod wanted;
mod wishes;
mod workload;
mod yaml;

pub use around::Around;
pub use context::{Context, Identity, MeshSetting, Most, Profile, Resources};
pub use error::InjectError;
pub use inject::inject;
pub use outcome::{Change, Outcome, Refusal, Skip};
pub use patch::Operation;
pub use remove::remove;
