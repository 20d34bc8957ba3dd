//! Where frames come from: what a sender said of itself, what it has defined, and the way of a frame
//! from there to the journal.

use super::{FrameId, PendingFrame, Receive, StreamState};
use crate::limits::Limit;
use crate::memory::{Asked, Memory, Permit, Why};
use bytes::Bytes;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;
use tonic::Status;
use tributary_span::tenant;
use tributary_wire::frame::{DecodeLimits, Decoded, Decoder, FrameError};
use tributary_wire::v1::{Frame, Hello};

/// Columns take about this many times the bytes of the payload they are decoded from. Taken from
/// the memory budget before decoding and set right after; recorded traffic needs about ten.
pub(super) const EXPANSION: usize = 16;

/// Definitions of one dictionary of one stream, shared with the segments that need them.
#[derive(Debug)]
pub struct Dictionary {
    /// Its number on the stream.
    pub number: u32,
    decoder: Mutex<Decoder>,
}

impl Dictionary {
    fn new(number: u32) -> Self {
        Dictionary { number, decoder: Mutex::new(Decoder::new(DecodeLimits::default())) }
    }

    /// Takes in what a frame defines, before anything is made of its payload.
    fn define(&self, frame: &Frame) -> Result<(), FrameError> {
        if frame.definitions.is_empty() {
            return Ok(());
        }
        self.lock().define(self.number, &frame.definitions)
    }

    fn decode(&self, frame: &Frame) -> Result<Decoded, FrameError> {
        self.lock().decode(self.number, &frame.payload)
    }

    fn lock(&self) -> MutexGuard<'_, Decoder> {
        self.decoder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Definitions so far, in a form that any decoder takes.
    ///
    /// # Errors
    /// When a number is not defined, which a decoded frame's are.
    pub fn export(&self, numbers: &[u32]) -> Result<Bytes, FrameError> {
        self.lock().export(numbers)
    }
}

/// Who sends a stream.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) tenant: Arc<str>,
    pub(crate) incarnation: [u8; 16],
    /// The sender's lane; none when its frames are never sent twice.
    pub(crate) lane: Option<u32>,
}

pub(super) fn peer_of(hello: &Hello) -> Result<Peer, Status> {
    if hello.version == 0 {
        return Err(Status::invalid_argument("hello.version must be 1 or more"));
    }
    let incarnation = hello
        .incarnation
        .as_ref()
        .try_into()
        .map_err(|_| Status::invalid_argument("hello.incarnation must have 16 bytes"))?;
    let name = if hello.tenant.is_empty() { tenant::SINGLE } else { &hello.tenant };
    tenant::check(name).map_err(|why| Status::invalid_argument(format!("hello.tenant: {why}")))?;
    Ok(Peer { tenant: name.into(), incarnation, lane: Some(hello.lane) })
}

/// Where frames come from, and what has been defined there.
#[derive(Debug)]
pub(crate) struct FrameSource {
    number: u32,
    peer: Peer,
    dictionary: Option<Arc<Dictionary>>,
    /// What becomes of the frames.
    pub(crate) state: Arc<StreamState>,
}

impl FrameSource {
    /// A new stream.
    pub(crate) fn new(shared: &Receive, peer: Peer, state: Arc<StreamState>) -> Self {
        let number = shared.streams.fetch_add(1, Ordering::Relaxed);
        FrameSource { number, peer, dictionary: None, state }
    }

    /// Takes memory for a frame, decodes and validates it: what the journal takes. Nothing when it
    /// is a repeat: what it defines is taken in, and it is settled with its first copy.
    ///
    /// # Errors
    /// When the frame cannot be decoded.
    pub(crate) async fn admit(
        &mut self,
        shared: &Receive,
        frame: Frame,
    ) -> Result<Option<PendingFrame>, FrameError> {
        let Peer { tenant, incarnation, lane } = self.peer.clone();
        let id = lane.map(|lane| FrameId::new(incarnation, lane, &tenant, &frame));
        // Before anything else: later frames refer to these whatever becomes of this one.
        let dictionary = self.dictionary(frame.dict);
        dictionary.define(&frame)?;
        // A repeat takes no memory: its first copy has it.
        if id.is_some_and(|id| shared.known.is_repeat(&id, &self.state)) {
            return Ok(None);
        }
        let mut permit = take(shared, &tenant, estimate(&frame, &shared.memory)).await;
        let decoded = dictionary.decode(&frame)?;
        let bytes = decoded.columns.bytes() + frame.payload.len() + super::dedup::IN_FLIGHT_BYTES;
        shared.memory.adjust(&mut permit, bytes);
        self.state.weighs(frame.seq, bytes / EXPANSION);
        shared.metrics.spans_received.add(decoded.columns.len() as u64);
        Ok(Some(PendingFrame {
            id,
            stream_number: self.number,
            tenant,
            incarnation,
            seq: frame.seq,
            payload: frame.payload,
            dictionary,
            referenced: decoded.referenced,
            columns: Arc::new(decoded.columns),
            permit,
            stream: self.state.clone(),
        }))
    }

    /// The dictionary with this number; a new one gets a decoder of its own, so that segments which
    /// still need the one before keep it.
    fn dictionary(&mut self, number: u32) -> Arc<Dictionary> {
        match &self.dictionary {
            Some(current) if current.number == number => current.clone(),
            _ => self.dictionary.insert(Arc::new(Dictionary::new(number))).clone(),
        }
    }
}

/// Takes memory, which may mean to wait for it.
async fn take(shared: &Receive, tenant: &Arc<str>, bytes: usize) -> Permit {
    match shared.memory.ask(tenant, bytes) {
        Asked::Granted(permit) => permit,
        Asked::Queued(queued) => {
            shared.metrics.limited(match queued.why() {
                Why::Budget => Limit::Memory,
                Why::Share => Limit::TenantShare,
            });
            let begun = Instant::now();
            let permit = queued.granted().await;
            shared.metrics.memory_wait_seconds.observe(begun.elapsed().as_secs_f64());
            permit
        }
    }
}

/// Bytes to take for a frame before it is decoded.
fn estimate(frame: &Frame, memory: &Memory) -> usize {
    let estimate = frame.payload.len().saturating_mul(EXPANSION).saturating_add(4096);
    estimate.min(memory.limit() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_are_checked() {
        let good = Hello { version: 1, incarnation: vec![1; 16].into(), ..Hello::default() };
        assert_eq!(&*peer_of(&good).unwrap().tenant, "single-tenant");
        let bad = [
            Hello { version: 0, ..good.clone() },
            Hello { incarnation: vec![1; 15].into(), ..good.clone() },
            Hello { tenant: "a/b".into(), ..good.clone() },
        ];
        for hello in bad {
            assert_eq!(peer_of(&hello).unwrap_err().code(), tonic::Code::InvalidArgument);
        }
    }
}
