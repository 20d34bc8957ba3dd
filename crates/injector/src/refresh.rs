//! Files that are read again: the platform team's settings, and certificates.

use crate::certificate::Certificate;
use crate::metrics::Metrics;
use crate::settings::Settings;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tributary_identity::files::Watched;
use tributary_inject::Context;
use tributary_telemetry::ErrorChain;

/// The platform team's settings of the moment. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Platform(Arc<Mutex<Arc<Context>>>);

impl Platform {
    pub(crate) fn new(context: Context) -> Platform {
        Platform(Arc::new(Mutex::new(Arc::new(context))))
    }

    /// For one request.
    pub(crate) fn now(&self) -> Arc<Context> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, context: Context) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(context);
    }
}

/// Looks at all of it.
pub(crate) struct Refresher {
    pub(crate) settings: Settings,
    pub(crate) platform: Platform,
    pub(crate) certificate: Certificate,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) every: Duration,
}

impl Refresher {
    /// Looks until `stop`. What cannot be used is told once, and what was good before counts.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut watched = Watched::new(self.settings.context.clone());
        let mut told = Vec::new();
        loop {
            // Small files, mostly in memory.
            let faults: Vec<String> =
                [self.look_at_settings(&mut watched), self.look_at_certificate()]
                    .into_iter()
                    .flatten()
                    .collect();
            self.metrics.files_unusable.set(i64::try_from(faults.len()).unwrap_or(i64::MAX));
            self.metrics.certificate_expires.set(self.certificate.expires());
            for fault in faults.iter().filter(|fault| !told.contains(*fault)) {
                tracing::warn!(error = fault, "a file cannot be used; what was good before counts");
            }
            told = faults;
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    fn look_at_settings(&self, watched: &mut Watched) -> Option<String> {
        let contents = match watched.changed() {
            Ok(None) => return None,
            Ok(Some(contents)) => contents,
            Err(error) => return Some(ErrorChain(&error).to_string()),
        };
        // No file, no contents.
        let text = String::from_utf8(contents.into_iter().next()?);
        let read = text.map_err(|error| error.to_string());
        match read.and_then(|text| self.settings.over(&text).map_err(|error| error.to_string())) {
            Ok(context) if context == *self.platform.now() => None,
            Ok(context) => {
                tracing::info!("the platform team's settings have changed");
                self.platform.set(context);
                None
            }
            Err(error) => {
                watched.forget();
                Some(error)
            }
        }
    }

    fn look_at_certificate(&self) -> Option<String> {
        let Certificate::Files(tls) = &self.certificate else { return None };
        match tls.refresh() {
            Ok(true) => {
                tracing::info!("the certificate has changed");
                None
            }
            Ok(false) => None,
            Err(error) => Some(ErrorChain(&error).to_string()),
        }
    }
}
