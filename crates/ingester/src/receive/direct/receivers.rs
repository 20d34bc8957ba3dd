//! The receivers of this process, from their start to their end.

use super::DirectSink;
use crate::receive::Intake;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_receivers::{Bound, Settings, Strategy};

/// The receivers, running.
#[derive(Debug)]
pub(crate) struct DirectReceivers {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    sink: Arc<DirectSink>,
}

impl DirectReceivers {
    /// Starts `receivers`.
    pub(crate) fn start(
        receivers: Vec<Bound>,
        intake: Arc<Intake>,
        strategy: Strategy,
        cors_origins: Vec<String>,
    ) -> Self {
        let settings = Settings {
            // A request takes its room twice, as it came and as it is handed on.
            body_bytes: Settings::default().body_bytes.min(intake.memory.limit() / 16),
            cors_origins,
            ..Settings::default()
        };
        let sink = Arc::new(DirectSink::new(intake));
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for receiver in receivers {
            tasks.spawn(receiver.serve(settings.clone(), strategy, sink.clone(), stop.clone()));
        }
        DirectReceivers { tasks, stop, sink }
    }

    /// Takes nothing new, finishes what runs within `patience`, and closes the lanes.
    pub(crate) async fn finish(mut self, patience: Duration) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("requests were cut off; their senders still have their spans");
            self.tasks.shutdown().await;
        }
        self.sink.close();
    }
}
