//! Looks at the files again and again: those of who is let in, and the limits of tenants.

use super::{Access, AccessError, Gate};
use crate::metrics::Metrics;
use crate::tenant_limits::WatchedLimits;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tributary_identity::Auth;
use tributary_identity::tls::{ClientTls, ServerFiles, ServerTls, TlsError};
use tributary_telemetry::ErrorChain;

/// Everything that comes from files.
#[derive(Debug)]
pub(crate) struct Refresher {
    /// TLS on the wire's port.
    pub(crate) wire: Option<ServerTls>,
    /// TLS on the query port.
    pub(crate) http: Option<ServerTls>,
    /// TLS to the other ingesters.
    pub(crate) peers: Option<ClientTls>,
    /// None when it goes by no file.
    gate: Option<Arc<Gate>>,
    limits: Arc<WatchedLimits>,
    metrics: Arc<Metrics>,
    every: Duration,
}

impl Refresher {
    /// Reads all of them but the policy, which the gate has read, and the limits, which were read with
    /// the settings.
    ///
    /// # Errors
    /// When any cannot be read or used.
    pub(crate) fn open(
        access: &Access,
        gate: Arc<Gate>,
        limits: Arc<WatchedLimits>,
        metrics: Arc<Metrics>,
    ) -> Result<Refresher, AccessError> {
        let server = |files: &Option<ServerFiles>, setting| {
            let load = |files: &ServerFiles| ServerTls::load(files.clone());
            let loaded = files.as_ref().map(load).transpose();
            loaded.map_err(|source| AccessError::Tls { setting, source })
        };
        let peers = match (&access.http, ClientTls::load(access.peer.clone())) {
            (None, _) => None,
            (Some(_), Ok(tls)) => Some(tls),
            // There may be no other ingester.
            (Some(_), Err(error @ TlsError::NoAuthorities)) => {
                let error = ErrorChain(&error);
                tracing::warn!(%error, "other ingesters are not asked: set --peer-tls-ca");
                None
            }
            (Some(_), Err(source)) => {
                return Err(AccessError::Tls { setting: "peer-tls-ca", source });
            }
        };
        let refresher = Refresher {
            wire: server(&access.wire, "wire-tls-cert")?,
            http: server(&access.http, "http-tls-cert")?,
            peers,
            gate: (access.auth != Auth::None && access.policy.is_some()).then_some(gate),
            limits,
            metrics,
            every: access.files_poll,
        };
        refresher.tell();
        Ok(refresher)
    }

    /// Looks until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut told = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
            // Small files, mostly in memory.
            let faults = self.look();
            self.metrics.files_unusable.set(i64::try_from(faults.len()).unwrap_or(i64::MAX));
            for fault in faults.iter().filter(|fault| !told.contains(*fault)) {
                tracing::warn!(
                    error = fault,
                    "files that cannot be used; what was good before counts"
                );
            }
            told = faults;
            self.tell();
        }
    }

    /// Looks at all of them once: what is wrong.
    fn look(&self) -> Vec<String> {
        let refreshed = [
            ("wire-tls-cert", self.wire.as_ref().map(ServerTls::refresh)),
            ("http-tls-cert", self.http.as_ref().map(ServerTls::refresh)),
            ("peer-tls-ca", self.peers.as_ref().map(ClientTls::refresh)),
        ];
        let mut faults = Vec::new();
        for (setting, refreshed) in refreshed {
            match refreshed {
                Some(Ok(true)) => tracing::info!(setting, "certificates have changed"),
                Some(Err(error)) => faults.push(format!("{setting}: {}", ErrorChain(&error))),
                Some(Ok(false)) | None => {}
            }
        }
        match self.gate.as_ref().map(|gate| gate.refresh()) {
            Some(Ok(true)) => tracing::info!("the policy or its keys have changed"),
            Some(Err(error)) => faults.push(ErrorChain(&error).to_string()),
            Some(Ok(false)) | None => {}
        }
        match self.limits.refresh() {
            Ok(true) => tracing::info!("the limits of tenants have changed"),
            Ok(false) => {}
            Err(error) => faults.push(format!("limits: {}", ErrorChain(&error))),
        }
        faults
    }

    fn tell(&self) {
        let expires = |tls: &Option<ServerTls>| {
            let seconds = tls.as_ref().map_or(0, ServerTls::expires);
            i64::try_from(seconds).unwrap_or(i64::MAX)
        };
        self.metrics.wire_certificate_expires_seconds.set(expires(&self.wire));
        self.metrics.query_certificate_expires_seconds.set(expires(&self.http));
    }
}
