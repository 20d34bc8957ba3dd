//! The task that keeps the Secret, the webhook configuration and the own certificate in order.

use super::api::{Api, ApiError, refused};
use super::plan;
use super::secret::{Held, SecretError};
use super::sign::{self, SignError};
use crate::certificate::Own;
use crate::metrics::Metrics;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;
use tributary_telemetry::ErrorChain;

/// The field manager that the `caBundle` belongs to.
const MANAGER: &str = "tributary-injector";
/// How often all of it is looked at: a `caBundle` that another program has taken away comes back so.
const EVERY: Duration = Duration::from_secs(60);
/// The first pause after a failure; it doubles up to [`EVERY`].
const AGAIN: Duration = Duration::from_millis(500);

/// What things are called.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) namespace: String,
    pub(crate) service: String,
    pub(crate) secret: String,
    pub(crate) configuration: String,
}

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error("another replica has changed the Secret; it is read again")]
    Conflict,
}

/// The cluster's side of the own authority.
pub(crate) struct Cluster {
    pub(crate) api: Api,
    pub(crate) names: Names,
    pub(crate) own: Own,
    pub(crate) metrics: Arc<Metrics>,
    /// Seconds since 1970.
    pub(crate) clock: fn() -> u64,
}

/// The system's clock.
pub(crate) fn system_clock() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Cluster {
    /// Goes on until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (mut pause, mut had) = (AGAIN, None);
        loop {
            let wait = match self.round(&mut had).await {
                Ok(()) => {
                    pause = AGAIN;
                    EVERY
                }
                Err(RoundError::Conflict) => {
                    tracing::debug!("another replica was quicker");
                    AGAIN
                }
                Err(error) => {
                    self.metrics.authority_failures.inc();
                    tracing::warn!(error = %ErrorChain(&error), "the injector's authority");
                    let wait = pause;
                    pause = (pause * 2).min(EVERY);
                    wait
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Once: the Secret, then the bundle, then the certificate. `had` is when the certificate was made,
    /// and when the authority that signed it was.
    async fn round(&self, had: &mut Option<(u64, u64)>) -> Result<(), RoundError> {
        let now = (self.clock)();
        let held = self.held(now).await?;
        let applied = self.apply(&held.bundle()).await;
        // The first certificate waits for its authority to be known; later ones have one that is.
        if had.is_some() || applied.is_ok() {
            let signs = sign::made(&held.signs.cert)?;
            if plan::wants_certificate(*had, signs, now) {
                let names = &self.names;
                let host = format!("{}.{}.svc", names.service, names.namespace);
                let (config, expires) = sign::certificate(&held.signs, &[host], now)?;
                self.own.set(config, expires);
                *had = Some((now, signs));
                tracing::info!(expires, "a certificate was signed");
            }
        }
        applied
    }

    /// The Secret's authorities, made or turned if it is time.
    async fn held(&self, now: u64) -> Result<Held, RoundError> {
        let Names { namespace, secret: name, .. } = &self.names;
        let all = format!("/api/v1/namespaces/{namespace}/secrets");
        let one = format!("{all}/{name}");
        let mut secret = match self.api.call(Method::GET, &one, None).await? {
            (StatusCode::OK, secret) => secret,
            (StatusCode::NOT_FOUND, _) => {
                let mut secret = json!({
                    "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                    "metadata": {"name": name, "namespace": namespace},
                });
                let held = Held::first(now)?;
                held.write(&mut secret);
                self.write(Method::POST, &all, &secret).await?;
                tracing::info!(secret = name, "an authority was made");
                return Ok(held);
            }
            (status, answer) => return Err(refused(&one, status, &answer).into()),
        };
        let held = Held::read(&secret)?;
        let Some(turned) = held.turned(now)? else { return Ok(held) };
        // With the `resourceVersion` that was read: what another replica has written meanwhile stays.
        turned.write(&mut secret);
        self.write(Method::PUT, &one, &secret).await?;
        tracing::info!(secret = name, "the authorities have changed");
        Ok(turned)
    }

    async fn write(&self, method: Method, path: &str, secret: &Value) -> Result<(), RoundError> {
        match self.api.call(method, path, Some(("application/json", secret))).await? {
            (StatusCode::OK | StatusCode::CREATED, _) => Ok(()),
            (StatusCode::CONFLICT, _) => Err(RoundError::Conflict),
            (status, answer) => Err(refused(path, status, &answer).into()),
        }
    }

    /// Writes the bundle into every entry of the webhook configuration, and nothing else.
    async fn apply(&self, bundle: &str) -> Result<(), RoundError> {
        let name = &self.names.configuration;
        let path =
            format!("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{name}");
        let configuration = match self.api.call(Method::GET, &path, None).await? {
            (StatusCode::OK, configuration) => configuration,
            (status, answer) => return Err(refused(&path, status, &answer).into()),
        };
        let bundle = json!(BASE64_STANDARD.encode(bundle));
        let entries = configuration.get("webhooks").and_then(Value::as_array);
        let entries = entries.map(Vec::as_slice).unwrap_or_default();
        let has = |entry: &Value| entry.pointer("/clientConfig/caBundle") == Some(&bundle);
        if entries.iter().all(has) {
            return Ok(());
        }
        let names = entries.iter().filter_map(|entry| entry.get("name"));
        let webhooks: Vec<Value> =
            names.map(|name| json!({"name": name, "clientConfig": {"caBundle": bundle}})).collect();
        let applied = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": webhooks,
        });
        let patch = format!("{path}?fieldManager={MANAGER}&force=true");
        let body = Some(("application/apply-patch+yaml", &applied));
        match self.api.call(Method::PATCH, &patch, body).await? {
            (StatusCode::OK, _) => {
                tracing::info!(configuration = name, "the bundle was written");
                Ok(())
            }
            (status, answer) => Err(refused(&path, status, &answer).into()),
        }
    }
}
