//! When the tool is asked to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Ctrl-C or SIGTERM: the first asks for an orderly end, the second for the end.
pub(crate) struct Stop {
    /// After the first signal.
    pub(crate) soon: CancellationToken,
    /// After the second one.
    pub(crate) now: CancellationToken,
}

impl Stop {
    /// Raised by this process' signals from now on.
    pub(crate) fn on_signals() -> anyhow::Result<Self> {
        let stop = Stop { soon: CancellationToken::new(), now: CancellationToken::new() };
        let (soon, now) = (stop.soon.clone(), stop.now.clone());
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // Lives as long as the runtime, which ends with the command.
        tokio::spawn(async move {
            for token in [soon, now] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                token.cancel();
            }
        });
        Ok(stop)
    }
}
