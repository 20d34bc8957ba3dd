//! The flags.

use crate::settings::Settings;
use std::path::PathBuf;
use std::time::Duration;
use tributary_settings::{Listen, value};

/// Puts the sidecar into pods as they are made: the admission webhook, for Kubernetes 1.30 to 1.35. Runs
/// until SIGTERM; ends with 0 then, with 64 when a setting is wrong, with 1 otherwise.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Where the API server asks, by HTTPS.
    #[arg(long, value_name = "HOST:PORT,…", default_value = ":8443", value_parser = Listen::read)]
    pub(crate) listen: Listen,
    /// Where /live, /ready and /metrics are, in the clear.
    #[arg(long, value_name = "HOST:PORT,…", default_value = ":4320", value_parser = Listen::read)]
    pub(crate) admin_listen: Listen,
    /// The certificate that the API server is shown, for the name SERVICE.NAMESPACE.svc, and those
    /// between it and its authority; PEM. Without it the injectors have an authority of their own.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key; PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) own: OwnAuthority,
    /// How often files are looked at; they are read again when their contents change.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = value::duration)]
    pub(crate) files_poll: Duration,
    /// How long requests are answered after SIGTERM, until all of the cluster knows that another replica
    /// is to be asked.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = value::duration)]
    pub(crate) linger: Duration,
    /// error, warn, info or debug.
    #[arg(long, default_value = "info")]
    pub(crate) log_level: tracing::Level,
    /// Whether log lines are JSON.
    #[arg(long)]
    pub(crate) log_json: bool,
}

/// Where an authority of the injectors' own is kept, and who is told of it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "An authority of its own (without --tls-cert)")]
pub(crate) struct OwnAuthority {
    /// The Service of the injectors, which certificates are made out to.
    #[arg(long, value_name = "NAME", default_value = "tributary-injector")]
    pub(crate) service: String,
    /// The namespace of the injectors, and of the Secret. Without it that of the ServiceAccount.
    #[arg(long, value_name = "NAME", env = "POD_NAMESPACE")]
    pub(crate) own_namespace: Option<String>,
    /// The Secret with the authority.
    #[arg(long, value_name = "NAME", default_value = "tributary-injector-ca")]
    pub(crate) authority_secret: String,
    /// The MutatingWebhookConfiguration whose caBundle is written.
    #[arg(long, value_name = "NAME", default_value = "injector.tributary.dev")]
    pub(crate) configuration: String,
    /// Token, authority and namespace of the pod's ServiceAccount.
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount"
    )]
    pub(crate) service_account: PathBuf,
    /// The API server.
    #[arg(long, value_name = "HOST", env = "KUBERNETES_SERVICE_HOST", hide_env = true)]
    pub(crate) api_host: Option<String>,
    /// Its port.
    #[arg(
        long,
        value_name = "PORT",
        env = "KUBERNETES_SERVICE_PORT",
        hide_env = true,
        default_value = "443"
    )]
    pub(crate) api_port: String,
}
