//! Searches.

use super::jobs::{Failed, Job};
use super::live::spans_of;
use super::prepared::{Apart, Prepared, may_match};
use super::stored::Stored;
use super::{Asker, GiveUp, NotAnswered, SECOND, complete, not_read, refuse};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tributary_query::api::{SearchCall, SearchQuestion, TimeRange};
use tributary_query::part::PartQuestion;
use tributary_query::search::{
    GroupHits, SearchPlan, Window, matching_memory, pipeline_of_tags, search_group, search_memory,
};
use tributary_query::split::{self, MetBy};
use tributary_query::{Cost, EvalError, Reads, SearchAnswer, Stop, TraceHit};
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::{Query, Root};

/// How far from the rest of its trace a span may lie to be told with a search's results, ns.
const NEAR: u64 = 3600 * SECOND;

impl Asker {
    /// Answers a search.
    pub(crate) async fn search(&self, call: &SearchCall) -> Result<SearchAnswer, NotAnswered> {
        self.within(&call.tenants, call.time, || async {
            let time = self.time(call.time);
            let window = Window {
                start: time.start.saturating_mul(SECOND),
                end: time.end.saturating_mul(SECOND),
            };
            let (plan, text) = match &call.question {
                SearchQuestion::TraceQl(query) => {
                    let Root::Search(pipeline) = query.root.clone() else {
                        return Err(NotAnswered::Query("a search was expected".to_owned()));
                    };
                    let plan = SearchPlan::new(pipeline, window, call.limit, call.spans_per_set);
                    (plan.newest(query.most_recent()), query.to_string())
                }
                SearchQuestion::Tags(tags) => {
                    let pipeline = pipeline_of_tags(tags);
                    let root = Root::Search(pipeline.clone());
                    let text = Query { root, hints: Vec::new() }.to_string();
                    let plan = SearchPlan::new(pipeline, window, call.limit, call.spans_per_set);
                    (plan.without_sets(), text)
                }
            };
            let plan = Arc::new(plan);
            let mut answer = SearchAnswer::default();
            for tenant in &call.tenants {
                let question = spans_of(tenant, &text, (window.start, window.end));
                let found = self.search_tenant(&question, time, &plan).await?;
                answer.traces.extend(found.traces);
                answer.cost.add(&found.cost);
            }
            sort(&mut answer.traces, call.limit);
            Ok(answer)
        })
        .await
    }

    async fn search_tenant(
        &self,
        question: &PartQuestion,
        time: TimeRange,
        plan: &Arc<SearchPlan>,
    ) -> Result<SearchAnswer, NotAnswered> {
        let give_up = GiveUp(Stop::default());
        let mut live = self.live(question).await;
        let whole = plan.needs_whole_traces();
        if whole {
            self.link(question, &mut live).await?;
        }
        let stored = self.stored(&question.tenant, time, &mut live).await;
        complete(&live.missing)?;
        let apart = if whole { Apart::All } else { Apart::Nothing };
        let Prepared { alone, beside, several, spans } =
            self.prepare(&live, &stored, apart).await?;
        let mut cost = stored.cost();
        cost.spans += spans;

        let mut hits: Vec<TraceHit> = self.in_memory(alone.clone(), plan.clone()).await?;
        // Of traces that are taken apart it is not known when they were.
        let all_alone = several.is_empty();
        let ends = stored.blocks.iter().skip(1).map(|meta| match all_alone {
            true => meta.extent().1,
            false => u64::MAX,
        });
        let mut ends = ends.chain([0]);
        let mut how = self.how(&give_up.0);
        how.except = Arc::new(several);
        let (mut met, mut failed) = (MetBy::new(), Vec::new());
        self.each(
            &stored.blocks,
            &Reads::Fields(plan.fields()),
            |found: &GroupHits| !plan.wants_newest() && found.traces.len() >= plan.limit(),
            || {
                let (plan, how) = (plan.clone(), how.clone());
                move |handle: &tokio::runtime::Handle, job: &Job| {
                    let searched = search_group(&job.block, &job.source, job.group, &plan, &how);
                    handle.block_on(searched)
                }
            },
            |outcome| {
                match outcome {
                    Ok(groups) => {
                        cost.jobs_done += 1;
                        for found in groups {
                            cost.add(&Cost { jobs_done: 0, ..found.cost });
                            hits.extend(found.traces);
                            split::add(&mut met, found.met);
                        }
                    }
                    Err(error) => failed.push(error),
                }
                let next = ends.next().unwrap_or_default();
                let too_much = self.too_much(&question.tenant, &cost).map(Failed::Refused);
                let goes_on = too_much.is_none() && !is_enough(starts(&hits), plan, next);
                failed.extend(too_much);
                goes_on
            },
        )
        .await;
        give_up.0.stop();
        refuse(failed)?;
        if !whole {
            hits = self.tell_whole(hits, &alone, &stored, plan).await?;
        } else if !how.except.is_empty() && !is_enough(starts(&hits), plan, u64::MAX) {
            hits = self.add_split(hits, met, &beside, &stored, plan).await?;
        }
        sort(&mut hits, plan.limit());
        Ok(SearchAnswer { traces: hits, cost })
    }

    /// Adds the traces that match with their parts put together, until there are enough. They are
    /// judged by what the question looks at, and those that will be told put together once more.
    async fn add_split(
        &self,
        mut hits: Vec<TraceHit>,
        met: MetBy,
        beside: &Columns,
        stored: &Stored,
        plan: &Arc<SearchPlan>,
    ) -> Result<Vec<TraceHit>, NotAnswered> {
        let candidates = may_match(met, beside, &[plan.pipeline()])?;
        let (parts, mut found) = (plan.judged_parts(), Vec::new());
        for portion in self.portions(&candidates, &parts) {
            let whole = self.put_together(&stored.blocks, beside, portion, &parts).await?;
            let judge = plan.clone();
            found.extend(self.compute(move || matching_memory(&whole, &judge)).await?);
            if is_enough(starts(&hits).chain(found.iter().copied()), plan, u64::MAX) {
                break;
            }
        }
        let mut newest: Vec<(TraceId, u64)> = starts(&hits).chain(found.iter().copied()).collect();
        newest.sort_unstable_by_key(|(id, start)| (std::cmp::Reverse(*start), *id));
        newest.truncate(plan.limit());
        let newest: HashSet<TraceId> = newest.into_iter().map(|(id, _)| id).collect();
        let told = found.into_iter().map(|(id, _)| id).filter(|id| newest.contains(id)).collect();
        let whole = self.put_together(&stored.blocks, beside, told, &plan.parts()).await?;
        hits.extend(self.in_memory(Arc::new(whole), plan.clone()).await?);
        Ok(hits)
    }

    /// Searches spans in memory, on a thread of the pool.
    async fn in_memory(
        &self,
        spans: Arc<Columns>,
        plan: Arc<SearchPlan>,
    ) -> Result<Vec<TraceHit>, NotAnswered> {
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        self.compute(move || search_memory(&spans, &plan)).await
    }

    /// Does something on a thread of the pool.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, EvalError> + Send + 'static,
    ) -> Result<T, NotAnswered> {
        let done = self.pool.run(move |_| work()).await;
        let done = done.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?;
        done.map_err(|why| NotAnswered::Query(why.to_string()))
    }

    /// What is told of traces, of which some have parts in other blocks, too, and some in memory.
    async fn tell_whole(
        &self,
        mut hits: Vec<TraceHit>,
        live: &Columns,
        stored: &Stored,
        plan: &Arc<SearchPlan>,
    ) -> Result<Vec<TraceHit>, NotAnswered> {
        sort(&mut hits, usize::MAX);
        let (mut seen, mut again) = (HashSet::new(), HashSet::new());
        hits.retain(|hit| {
            let is_first = seen.insert(hit.id);
            if !is_first {
                again.insert(hit.id);
            }
            is_first
        });
        hits.truncate(plan.limit());
        let mut partly = HashSet::new();
        for hit in &hits {
            if again.contains(&hit.id) {
                partly.insert(hit.id);
                continue;
            }
            let (start, end) = (hit.start, hit.start.saturating_add(hit.duration));
            let mut having = usize::from(live.traces.binary_search(&hit.id).is_ok());
            for meta in stored.near((start, end), NEAR) {
                having += usize::from(self.may_have(meta, &hit.id).await.map_err(not_read)?);
                if having > 1 {
                    partly.insert(hit.id);
                    break;
                }
            }
        }
        if partly.is_empty() {
            return Ok(hits);
        }
        let whole = self.put_together(&stored.blocks, live, partly, &plan.parts()).await?;
        let mut by_id: BTreeMap<TraceId, TraceHit> = BTreeMap::new();
        for hit in self.in_memory(Arc::new(whole), plan.clone()).await? {
            by_id.insert(hit.id, hit);
        }
        for hit in &mut hits {
            if let Some(whole) = by_id.remove(&hit.id) {
                *hit = whole;
            }
        }
        Ok(hits)
    }
}

/// Newest first, no more than `limit`.
fn sort(hits: &mut Vec<TraceHit>, limit: usize) {
    hits.sort_by_key(|hit| (std::cmp::Reverse(hit.start), hit.id));
    hits.truncate(limit);
}

/// The starts of traces.
fn starts(hits: &[TraceHit]) -> impl Iterator<Item = (TraceId, u64)> {
    hits.iter().map(|hit| (hit.id, hit.start))
}

/// Whether no more need be looked for: there are as many as are wanted and, where the newest are,
/// none of what is left, which ends at `next`, can be newer.
fn is_enough(hits: impl Iterator<Item = (TraceId, u64)>, plan: &SearchPlan, next: u64) -> bool {
    let starts: HashMap<TraceId, u64> = hits.collect();
    if starts.len() < plan.limit() {
        return false;
    }
    if !plan.wants_newest() {
        return true;
    }
    let mut starts: Vec<u64> = starts.into_values().collect();
    starts.sort_unstable_by(|a, b| b.cmp(a));
    starts.get(plan.limit().saturating_sub(1)).is_some_and(|oldest| *oldest > next)
}
