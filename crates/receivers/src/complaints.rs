//! What senders do wrong, said in the log: each kind when it happens first, then once a minute with how
//! often. Kinds are names in the program's text, so that there are never many.

use crate::fault::Fault;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tracing::{debug, warn};
use tributary_telemetry::Repeated;

/// Something that a sender should know and may not see.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) kind: &'static str,
    /// What is wrong, and what to do.
    pub(crate) what: String,
}

impl Complaint {
    /// A request that was turned away, unless for want of room.
    pub(crate) fn of(fault: &Fault) -> Option<Box<Complaint>> {
        let kind = fault.kind()?;
        Some(Box::new(Complaint { kind, what: fault.to_string() }))
    }
}

/// The kinds that there were.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<Vec<(&'static str, Repeated)>>);

impl Complaints {
    /// Says it, if it is time to.
    pub(crate) fn say(
        &self,
        from: SocketAddr,
        to: &str,
        kind: &'static str,
        what: &dyn fmt::Display,
    ) {
        match self.due(kind, Instant::now()) {
            Some(times) => warn!(%from, to, kind, times, "{what}"),
            None => debug!(%from, to, kind, "{what}"),
        }
    }

    /// Counts one of a kind. When it is to be said: how many there were since it was said before.
    pub(crate) fn due(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, repeated)) = said.iter().find(|(known, _)| *known == kind) {
            return repeated.due(now);
        }
        let new = Repeated::default();
        let times = new.due(now);
        said.push((kind, new));
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_kind_is_said_first_and_then_once_a_minute() {
        let (complaints, start) = (Complaints::default(), Instant::now());
        let table = [
            (0, "path", Some(1)),
            (0, "path", None),
            (1, "method", Some(1)),
            (59, "path", None),
            (60, "path", Some(3)),
            (61, "path", None),
            (62, "method", Some(1)),
            (500, "path", Some(2)),
        ];
        for (seconds, kind, expected) in table {
            let due = complaints.due(kind, start + Duration::from_secs(seconds));
            assert_eq!(due, expected, "{seconds} s: {kind}");
        }
    }
}
