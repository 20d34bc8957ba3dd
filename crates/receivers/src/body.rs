//! Bodies: the one place where bytes of a stranger come into memory, and where they are inflated.
//!
//! Invariants
//! 1. No byte is held before the sink admitted it: as much as the sender announced at once, what
//!    was not announced in steps that double.
//! 2. Memory follows what came, not what was announced.
//! 3. Nothing grows above the limit: not the body, not what it inflates to.

mod inflate;

pub(crate) use inflate::Encoding;

use crate::counters::Counters;
use crate::fault::Fault;
use crate::sink::Sink;
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use std::fmt::Display;
use std::time::Duration;

/// Step in which buffers begin to grow.
const STEP: usize = 64 << 10;

/// Bytes and the leave to hold them, which must be kept as long as they are.
pub(crate) struct Held<P> {
    pub(crate) bytes: Bytes,
    pub(crate) permits: Vec<P>,
}

/// Permits for one growing buffer.
pub(crate) struct Intake<'s, S: Sink> {
    sink: &'s S,
    limit: usize,
    admitted: usize,
    permits: Vec<S::Permit>,
}

impl<'s, S: Sink> Intake<'s, S> {
    pub(crate) fn new(sink: &'s S, limit: usize) -> Self {
        Intake { sink, limit, admitted: 0, permits: Vec::new() }
    }

    /// Sees to it that `bytes` in all are admitted.
    pub(crate) fn raise(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.limit {
            return Err(Fault::TooLarge(self.limit));
        }
        if let Some(more) = bytes.checked_sub(self.admitted)
            && more > 0
        {
            self.permits.push(self.sink.admit(more)?);
            self.admitted = bytes;
        }
        Ok(())
    }

    pub(crate) fn hold(self, bytes: impl Into<Bytes>) -> Held<S::Permit> {
        Held { bytes: bytes.into(), permits: self.permits }
    }
}

/// A body that is being read.
pub(crate) struct Reading<'s, S: Sink, B> {
    body: B,
    counters: &'s Counters,
    intake: Intake<'s, S>,
    came: Came,
}

/// What came so far. A body of one piece, as most are, is never copied.
enum Came {
    One(Bytes),
    Many(Vec<u8>),
}

impl Came {
    fn as_slice(&self) -> &[u8] {
        match self {
            Came::One(bytes) => bytes,
            Came::Many(bytes) => bytes,
        }
    }
}

impl<'s, S: Sink, B> Reading<'s, S, B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    /// Begins to read `body`, of which no more than `limit` bytes are taken.
    ///
    /// # Errors
    /// When the length that it announces is above the limit, or there is no room for it.
    pub(crate) fn begin(
        body: B,
        limit: usize,
        sink: &'s S,
        counters: &'s Counters,
    ) -> Result<Self, Fault> {
        let mut reading = Reading {
            intake: Intake::new(sink, limit),
            body,
            counters,
            came: Came::One(Bytes::new()),
        };
        if let Some(announced) = reading.body.size_hint().exact() {
            reading.expect(usize::try_from(announced).unwrap_or(usize::MAX))?;
        }
        Ok(reading)
    }

    /// Has `bytes` in all admitted, which the sender announces.
    pub(crate) fn expect(&mut self, bytes: usize) -> Result<(), Fault> {
        self.intake.raise(bytes)
    }

    /// Reads on until `bytes` are there or the body ends; what is there then.
    pub(crate) async fn until(&mut self, bytes: usize) -> Result<&[u8], Fault> {
        while self.came.as_slice().len() < bytes {
            match self.body.frame().await {
                None => break,
                Some(Err(error)) => return Err(Fault::Gone(error.to_string())),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.take(data)?;
                    }
                }
            }
        }
        Ok(self.came.as_slice())
    }

    /// Reads to the end.
    pub(crate) async fn all(mut self) -> Result<Held<S::Permit>, Fault> {
        self.until(usize::MAX).await?;
        Ok(match self.came {
            Came::One(bytes) => self.intake.hold(bytes),
            Came::Many(bytes) => self.intake.hold(bytes),
        })
    }

    fn take(&mut self, data: Bytes) -> Result<(), Fault> {
        if data.is_empty() {
            return Ok(());
        }
        self.counters.bytes.add(data.len() as u64);
        let came = self.came.as_slice().len();
        let total = came.saturating_add(data.len());
        if total > self.intake.admitted {
            let ahead = if came == 0 { 0 } else { (2 * came).max(STEP).min(self.intake.limit) };
            self.intake.raise(total.max(ahead))?;
        }
        match &mut self.came {
            Came::One(none) if none.is_empty() => self.came = Came::One(data),
            Came::One(first) => {
                let mut many = Vec::new();
                reserve(&mut many, total, self.intake.admitted);
                many.extend_from_slice(first);
                many.extend_from_slice(&data);
                self.came = Came::Many(many);
            }
            Came::Many(many) => {
                reserve(many, total, self.intake.admitted);
                many.extend_from_slice(&data);
            }
        }
        Ok(())
    }
}

/// Room for `total` bytes: twice what is needed, so that growing stays cheap, but no more than
/// was admitted.
fn reserve(buffer: &mut Vec<u8>, total: usize, admitted: usize) {
    if total > buffer.capacity() {
        let room = total.max((2 * total).max(STEP).min(admitted));
        buffer.reserve_exact(room - buffer.len());
    }
}

/// Reads what is left of a body that was turned away, and forgets it. Without that an HTTP/1.1
/// connection is reset while the client still sends, and the client never sees the answer.
pub(crate) async fn discard<B: Body + Unpin>(mut body: B, for_at_most: Duration) {
    let read = async { while let Some(Ok(_)) = body.frame().await {} };
    tokio::select! {
        () = read => {}
        () = tokio::time::sleep(for_at_most) => {}
    }
}

#[cfg(test)]
mod tests;
