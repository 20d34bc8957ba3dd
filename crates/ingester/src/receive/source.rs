//! Where frames come from: what a sender said of itself, what it has defined, and the way of a
//! frame from there to the journal.

use super::credit::{EXPANSION, estimate};
use super::dedup::IN_FLIGHT_BYTES;
use super::{Dictionary, FrameId, Intake, PendingFrame, StreamState};
use crate::limits::Limit;
use crate::memory::{Admission, Permit, WaitReason};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use tonic::Status;
use tributary_wire::frame::FrameError;
use tributary_wire::v1::{Frame, Hello};

/// The sender of a stream, as its first message names it.
#[derive(Debug, Clone)]
pub(crate) struct SenderIdentity {
    pub(crate) tenant: Arc<str>,
    pub(crate) incarnation: [u8; 16],
    /// The sender's lane; none when its frames are never sent twice.
    pub(crate) lane: Option<u32>,
}

impl SenderIdentity {
    /// What a stream's first message says; its spans are `tenant`'s.
    ///
    /// # Errors
    /// When it says it wrongly: what to tell the sender.
    pub(super) fn from_hello(hello: &Hello, tenant: Arc<str>) -> Result<Self, Status> {
        if hello.version == 0 {
            return Err(Status::invalid_argument("hello.version must be 1 or more"));
        }
        let incarnation = hello
            .incarnation
            .as_ref()
            .try_into()
            .map_err(|_| Status::invalid_argument("hello.incarnation must have 16 bytes"))?;
        Ok(SenderIdentity { tenant, incarnation, lane: Some(hello.lane) })
    }
}

/// Where frames come from, and what has been defined there.
#[derive(Debug)]
pub(crate) struct FrameSource {
    number: u32,
    sender: SenderIdentity,
    dictionary: Option<Arc<Dictionary>>,
    /// What becomes of the frames.
    pub(crate) state: Arc<StreamState>,
}

impl FrameSource {
    /// A new stream.
    pub(crate) fn new(intake: &Intake, sender: SenderIdentity, state: Arc<StreamState>) -> Self {
        let number = intake.next_stream.fetch_add(1, Ordering::Relaxed);
        FrameSource { number, sender, dictionary: None, state }
    }

    /// Whose spans they are.
    pub(super) fn tenant(&self) -> &str {
        &self.sender.tenant
    }

    /// Which stream of this process it is.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Takes memory for a frame, decodes and validates it: what the journal takes. Nothing when it
    /// is a repeat: what it defines is taken in, and it is settled with its first copy. What the
    /// frame's message held while it `arrived` is given back with that.
    ///
    /// # Errors
    /// When the frame cannot be decoded.
    pub(crate) async fn admit(
        &mut self,
        intake: &Intake,
        frame: Frame,
        arrived: Option<Permit>,
    ) -> Result<Option<PendingFrame>, FrameError> {
        let SenderIdentity { tenant, incarnation, lane } = self.sender.clone();
        let id = lane.map(|lane| FrameId::new(incarnation, lane, &tenant, &frame));
        // Before anything else: later frames refer to these whatever becomes of this one.
        let dictionary = self.dictionary(frame.dict);
        dictionary.define(&frame)?;
        // A repeat takes no memory: its first copy has it.
        if id.is_some_and(|id| intake.dedup.is_repeat(&id, &self.state)) {
            return Ok(None);
        }
        let mut permit =
            take_memory(intake, &tenant, estimate(frame.payload.len(), intake.memory.limit()))
                .await;
        drop(arrived);
        let decoded = dictionary.decode(&frame)?;
        let bytes = decoded.columns.bytes() + frame.payload.len() + IN_FLIGHT_BYTES;
        intake.memory.adjust(&mut permit, bytes);
        self.state.weighs(frame.seq, bytes / EXPANSION);
        let (spans, columns) = (decoded.columns.len(), decoded.columns.bytes());
        intake.metrics.spans_received.add(spans as u64);
        intake.rates.charge(&tenant, spans, columns);
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
async fn take_memory(intake: &Intake, tenant: &Arc<str>, bytes: usize) -> Permit {
    match intake.memory.admit(tenant, bytes) {
        Admission::Granted(permit) => permit,
        Admission::Queued(queued) => {
            match queued.why() {
                WaitReason::Budget => intake.metrics.limited(Limit::Memory),
                WaitReason::Share => intake.metrics.limited_for(tenant, Limit::TenantShare),
            }
            let begun = Instant::now();
            let permit = queued.granted().await;
            intake.metrics.memory_wait_seconds.observe(begun.elapsed().as_secs_f64());
            permit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_are_checked() {
        let good = Hello { version: 1, incarnation: vec![1; 16].into(), ..Hello::default() };
        let tenant = Arc::<str>::from("team-a");
        let sender = SenderIdentity::from_hello(&good, tenant.clone()).unwrap();
        assert_eq!(sender.tenant, tenant);
        let bad = [
            Hello { version: 0, ..good.clone() },
            Hello { incarnation: vec![1; 15].into(), ..good.clone() },
        ];
        for hello in bad {
            assert_eq!(
                SenderIdentity::from_hello(&hello, tenant.clone()).unwrap_err().code(),
                tonic::Code::InvalidArgument
            );
        }
    }
}
