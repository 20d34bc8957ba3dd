//! The admission webhook: the API server shows it each pod that is made, and it answers with what puts
//! the sidecar in. For clusters older than Kubernetes 1.36; newer ones have a policy that needs no
//! server (`tributary inject policy`).
//!
//! What becomes of a pod is decided by [`tributary_inject`], here stands what is around it: requests
//! and answers (`review`), the port with TLS (`serve`), certificates from files or from an authority of
//! the injectors' own (`certificate`, `authority`), probes and numbers (`admin`, `metrics`), files that
//! are read again when they change (`refresh`), and the order in which all of it begins and ends (`run`).
//!
//! The injector never keeps a pod from being made, asks nothing of the cluster on the way of a request,
//! and has no state: any number of replicas run beside each other without knowing of each other.

mod admin;
mod authority;
mod certificate;
mod metrics;
mod options;
mod refresh;
mod review;
mod run;
mod serve;
mod settings;

pub use options::Options;
pub use run::{run, run_from_args};
pub use settings::{Settings, SettingsError};
