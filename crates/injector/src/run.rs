//! The program: arguments in, exit code out; what begins and ends when.

use crate::admin::{self, Admin};
use crate::authority::{Api, Cluster, Names, system_clock};
use crate::certificate::{Certificate, Own};
use crate::metrics::Metrics;
use crate::options::{Options, OwnAuthority};
use crate::refresh::{Platform, Refresher};
use crate::serve::{Admission, serve};
use crate::settings::SettingsError;
use anyhow::Context as _;
use clap::Parser;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_identity::files;
use tributary_receivers::Listener;
use tributary_settings::USAGE;
use tributary_telemetry::ErrorChain;

#[derive(Debug, Parser)]
#[command(name = "tributary-injector", version, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

/// Runs the injector with the arguments behind the program's name.
pub fn run_from_args(args: Vec<OsString>) -> ExitCode {
    let name = OsString::from("tributary-injector");
    match Cli::try_parse_from([name].into_iter().chain(args)) {
        Ok(cli) => run(&cli.options),
        Err(error) => {
            // An output that was closed is not read.
            error.print().ok();
            if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
        }
    }
}

/// Runs the injector until SIGTERM or SIGINT.
///
/// Exit codes: 0 after an orderly end, 64 for settings that cannot be injected, 1 for anything else.
pub fn run(options: &Options) -> ExitCode {
    start_logging(options);
    match begin(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %ErrorChain(&*error), "the injector cannot run");
            let is_wrong = error.downcast_ref::<SettingsError>().is_some();
            if is_wrong { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn begin(options: &Options) -> anyhow::Result<()> {
    let context = options.settings.read(read)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let metrics = Arc::new(Metrics::default());
        let api = api(&options.own)?;
        if let Some(api) = &api {
            check_version(api).await?;
        }
        let (certificate, cluster) = match (&options.tls_cert, &options.tls_key) {
            (Some(cert), Some(key)) => {
                (Certificate::files(cert, key).context("--tls-cert and --tls-key")?, None)
            }
            _ => {
                let api = api.context(
                    "neither --tls-cert and --tls-key are given nor is this a pod with a \
                     ServiceAccount (KUBERNETES_SERVICE_HOST is not set, or its files are missing)",
                )?;
                let own = Own::default();
                let metrics = Arc::clone(&metrics);
                let names = names(&options.own)?;
                let cluster =
                    Cluster { api, names, own: own.clone(), metrics, clock: system_clock };
                (Certificate::Own(own), Some(cluster))
            }
        };
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let ending = CancellationToken::new();
        let platform = Platform::new(context);
        let parts = Parts::bind(options, platform, certificate, cluster, metrics, &ending)?;
        let ended = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("ending: requests are answered for {:?} more", options.linger);
            ending.cancel();
            // A second signal is not waited for by any: it ends the program at once.
            tokio::select! {
                () = tokio::time::sleep(options.linger) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        parts.run(ended).await;
        Ok(())
    })
}

/// What runs, bound to its ports.
struct Parts {
    admission: (Listener, Arc<Admission>),
    admin: (Listener, Arc<Admin>),
    refresher: Refresher,
    cluster: Option<Cluster>,
}

impl Parts {
    fn bind(
        options: &Options,
        platform: Platform,
        certificate: Certificate,
        cluster: Option<Cluster>,
        metrics: Arc<Metrics>,
        ending: &CancellationToken,
    ) -> anyhow::Result<Parts> {
        let listener = Listener::bind("", &options.listen)?;
        let admin_listener = Listener::bind("admin", &options.admin_listen)?.of_health();
        for (name, listener) in [("admission", &listener), ("admin", &admin_listener)] {
            for address in listener.addresses() {
                tracing::info!(%name, %address, "listening");
            }
        }
        let admin = Admin {
            certificate: certificate.clone(),
            metrics: Arc::clone(&metrics),
            ending: ending.clone(),
        };
        let refresher = Refresher {
            settings: options.settings.clone(),
            platform: platform.clone(),
            certificate,
            metrics: Arc::clone(&metrics),
            every: options.files_poll,
        };
        Ok(Parts {
            admission: (listener, Admission::new(platform, metrics)),
            admin: (admin_listener, Arc::new(admin)),
            refresher,
            cluster,
        })
    }

    /// All of it until `ended`; what answers ends first, probes and numbers last.
    async fn run(self, ended: impl Future<Output = ()>) {
        let (stop, stop_admin) = (CancellationToken::new(), CancellationToken::new());
        let mut beside = JoinSet::new();
        let certificate = self.refresher.certificate.clone();
        beside.spawn(self.refresher.run(stop.clone()));
        if let Some(cluster) = self.cluster {
            beside.spawn(cluster.run(stop.clone()));
        }
        let (listener, admin) = self.admin;
        beside.spawn(admin::serve(listener, admin, stop_admin.clone()));
        let (listener, admission) = self.admission;
        let serving = serve(listener, certificate, admission, stop.clone());
        let ending = async {
            ended.await;
            stop.cancel();
        };
        tokio::join!(serving, ending);
        stop_admin.cancel();
        while beside.join_next().await.is_some() {}
        tracing::info!("ended");
    }
}

/// The API server, where this is a pod that may speak to it.
fn api(own: &OwnAuthority) -> anyhow::Result<Option<Api>> {
    let Some(host) = &own.api_host else { return Ok(None) };
    if !own.service_account.join("token").exists() {
        return Ok(None);
    }
    Ok(Some(Api::open(host, &own.api_port, &own.service_account)?))
}

/// Ends where the sidecar would hold every pod for ever. An API server that cannot be asked is none.
async fn check_version(api: &Api) -> anyhow::Result<()> {
    match api.version().await {
        Ok(supported) => supported.map_err(anyhow::Error::msg),
        Err(error) => {
            tracing::warn!(error = %ErrorChain(&error), "the version of the cluster is not known");
            Ok(())
        }
    }
}

fn names(own: &OwnAuthority) -> anyhow::Result<Names> {
    let namespace = match &own.own_namespace {
        Some(namespace) => namespace.clone(),
        None => read(&own.service_account.join("namespace"))
            .context("--own-namespace is not given, and the ServiceAccount's cannot be read")?,
    };
    Ok(Names {
        namespace: namespace.trim().to_owned(),
        service: own.service.clone(),
        secret: own.authority_secret.clone(),
        configuration: own.configuration.clone(),
    })
}

fn read(path: &Path) -> io::Result<String> {
    let bytes = files::read(path).map_err(|error| error.source)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn start_logging(options: &Options) {
    let builder = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(options.log_level)
        .with_target(false);
    // Tests and the tool may have one already.
    let started = if options.log_json { builder.json().try_init() } else { builder.try_init() };
    started.ok();
}
