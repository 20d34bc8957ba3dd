//! Spans that are in no block yet: this ingester's memory, the others', and segments.

use super::{Asker, NotAnswered};
use crate::group::EpochSegments;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_block::BlockMeta;
use tributary_journal::EpochId;
use tributary_query::join;
use tributary_query::part::{Asked, FoundPart, PartAnswer, PartQuestion, pipelines};
use tributary_query::search::{Window, candidates};
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_span::{Columns, TraceId};
use tributary_traceql::parse;

/// How long a question waits at the start for the heartbeats to be read.
const PATIENCE: Duration = Duration::from_secs(5);
/// Decoded spans take about this many times the bytes of their segments.
const EXPANSION: u64 = 16;
/// The most that one ingester may say.
const MAX_SPANS: usize = 256 << 20;

/// What is in no block yet.
#[derive(Default)]
pub(super) struct Live {
    /// This ingester's spans, those of segments, and what others gave of theirs.
    pub(super) parts: Vec<Arc<Columns>>,
    /// What others answered from spans that they did not give.
    pub(super) answers: Vec<FoundPart>,
    /// Blocks that only others know of yet.
    pub(super) recent: Vec<BlockMeta>,
    /// What could not be asked.
    pub(super) missing: Vec<String>,
    /// From when on the list of blocks must be.
    pub(super) since: Option<Instant>,
}

impl Asker {
    /// Gathers what is in no block yet for a question of one tenant.
    pub(super) async fn live(&self, question: &PartQuestion) -> Live {
        self.membership.first_heard(PATIENCE).await;
        let others = self.membership.others();
        let tenant = question.tenant.as_str();
        let mut live = Live { parts: self.traces.live.batches(tenant), ..Live::default() };
        if others.in_the_dark {
            live.missing.push("it is not known which ingesters there are".to_owned());
        }
        let mut epochs: BTreeSet<_> = others.unattended.union(&others.unnamed).copied().collect();
        let told = self.peers.question(&others.living, question).await;
        live.missing.extend(told.missing);
        epochs.extend(told.silent);
        for answer in told.answers {
            live.take(answer);
        }
        let fresh = self.traces.blocks.fresh_since();
        let moved = self.membership.moved();
        live.since = Some(moved.map_or(fresh, |moved| moved.max(fresh)));
        self.read_segments(tenant, self.traces.live.evicted(), &epochs, &mut live).await;
        live
    }

    /// Adds what other ingesters have of traces that may match as wholes: at first they give those
    /// traces of which their own spans tell that they may.
    pub(super) async fn link(
        &self,
        question: &PartQuestion,
        live: &mut Live,
    ) -> Result<(), NotAnswered> {
        /// Ids in one question, which is bounded.
        const IDS: usize = 32 << 10;
        let others = self.membership.others();
        let Asked::Spans { query } = &question.asked else { return Ok(()) };
        if others.living.is_empty() || live.parts.is_empty() {
            return Ok(());
        }
        let judged = parse(query).map_err(|why| NotAnswered::Query(why.to_string()))?;
        let parts = live.parts.clone();
        let found = self.pool.run(move |_| {
            let spans = join(parts.iter().map(Arc::as_ref), |_| true).spans;
            candidates(&spans, &pipelines(&judged), Window::ALL)
        });
        let found = found.await.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?;
        let found = found.map_err(|why| NotAnswered::Query(why.to_string()))?;
        let mut silent = BTreeSet::new();
        let ids: Vec<TraceId> = found.into_iter().collect();
        for some in ids.chunks(IDS) {
            let traces = some.iter().flat_map(|trace| trace.0).collect::<Vec<u8>>().into();
            let asked = Asked::Traces { query: query.clone(), traces };
            let linking = PartQuestion { asked, ..question.clone() };
            let told = self.peers.question(&others.living, &linking).await;
            live.missing.extend(told.missing);
            silent.extend(told.silent);
            told.answers.into_iter().for_each(|answer| live.take(answer));
        }
        self.read_segments(&question.tenant, Vec::new(), &silent, live).await;
        Ok(())
    }

    /// Reads segments, and those of epochs whose ingesters do not answer.
    async fn read_segments(
        &self,
        tenant: &str,
        mut segments: Vec<EpochSegments>,
        epochs: &BTreeSet<EpochId>,
        live: &mut Live,
    ) {
        if !epochs.is_empty() {
            let (listed, missing) = self.traces.segments.list(epochs, Instant::now()).await;
            segments.extend(listed);
            live.missing.extend(missing);
            // What was listed no more is in blocks by now.
            live.since = Some(Instant::now());
        }
        let bytes: u64 = segments.iter().flat_map(|(_, all)| all).map(|(_, len)| len).sum();
        if bytes.saturating_mul(EXPANSION) > self.room.bytes().saturating_mul(4) {
            live.missing.push(format!(
                "{bytes} bytes of segments wait to become blocks, more than a question may read"
            ));
            return;
        }
        let read = self.traces.segments.read_all(&segments, tenant).await;
        live.parts.extend(read.parts.into_iter().map(Arc::new));
        live.missing.extend(read.missing);
        if read.gone {
            live.since = Some(Instant::now());
        }
    }

    /// What this ingester has in no block, for another one that asks.
    pub(crate) async fn for_peer(&self, question: PartQuestion) -> Result<PartAnswer, NotAnswered> {
        let tenant = question.tenant.clone();
        let mut parts = self.traces.live.batches(&tenant);
        let mut segments = self.traces.live.evicted();
        let unnamed = self.membership.others().unnamed;
        let mut missing = Vec::new();
        if !unnamed.is_empty() {
            let (listed, not_listed) = self.traces.segments.list(&unnamed, Instant::now()).await;
            segments.extend(listed);
            missing.extend(not_listed);
        }
        let read = self.traces.segments.read_all(&segments, &tenant).await;
        parts.extend(read.parts.into_iter().map(Arc::new));
        missing.extend(read.missing);
        if !missing.is_empty() {
            return Err(NotAnswered::Missing(missing));
        }
        let found = self.pool.run(move |_| question.answer(parts.iter().map(Arc::as_ref))).await;
        let found = found.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?;
        let found = found.map_err(|why| NotAnswered::Query(why.to_string()))?;
        let recent = self.traces.blocks.recent_of(&tenant);
        let recent_blocks = recent.iter().map(|meta| meta.to_json().into()).collect();
        Ok(PartAnswer { found, recent_blocks })
    }
}

impl Live {
    fn take(&mut self, answer: PartAnswer) {
        for meta in answer.recent_blocks {
            match BlockMeta::parse(&meta) {
                Ok(meta) => self.recent.push(meta),
                Err(error) => self.missing.push(format!("a block that was told: {error}")),
            }
        }
        match answer.found {
            FoundPart::Spans(body) => {
                let mut spans = Builder::new();
                let limits = Limits { span_bytes: MAX_SPANS };
                match decode::append_all(&mut spans, &body, &limits) {
                    Ok(_) => self.parts.push(Arc::new(spans.take())),
                    Err(error) => self.missing.push(format!("spans that were told: {error}")),
                }
            }
            other => self.answers.push(other),
        }
    }
}

/// The question for all spans of the traces that may match a query.
pub(super) fn spans_of(tenant: &str, query: &str, window: (u64, u64)) -> PartQuestion {
    let asked = Asked::Spans { query: query.to_owned() };
    PartQuestion { tenant: tenant.to_owned(), window, asked }
}
