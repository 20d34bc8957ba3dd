//! The receivers of this process, from their start to their end.

use super::DirectSink;
use crate::receive::Intake;
use crate::runtime::{BackgroundTasks, TaskError};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tributary_receivers::{Bound, Settings, Strategy};

/// The receivers, running.
#[derive(Debug)]
pub(crate) struct DirectReceivers {
    tasks: BackgroundTasks,
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
        let mut tasks = BackgroundTasks::default();
        for receiver in receivers {
            let name = receiver.receiver().name();
            let serve = receiver.serve(settings.clone(), strategy, sink.clone(), stop.clone());
            tasks.spawn(name, serve);
        }
        DirectReceivers { tasks, stop, sink }
    }

    /// The first receiver that has ended, and was not told to. Never comes while all run.
    pub(crate) async fn failure(&mut self) -> TaskError {
        self.tasks.failure().await
    }

    /// Takes nothing new, finishes what runs within `patience`, and closes the lanes.
    pub(crate) async fn finish(&mut self, patience: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(patience, self.tasks.ended()).await.is_err() {
            tracing::warn!("requests were cut off; their senders still have their spans");
            self.tasks.shutdown().await;
        }
        self.sink.close();
    }
}
