//! Searches.

use super::jobs::Job;
use super::live::spans_of;
use super::prepared::Prepared;
use super::stored::Stored;
use super::{Asker, GiveUp, NotAnswered, SECOND, complete, not_read, refuse};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tributary_query::api::{SearchCall, SearchQuestion, TimeRange};
use tributary_query::part::PartQuestion;
use tributary_query::search::{SearchPlan, Window, pipeline_of_tags, search_group, search_memory};
use tributary_query::{Cost, SearchAnswer, Stop, TraceHit};
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::{Query, Root};

/// How far from the rest of its trace a span may lie to be told with a search's results, ns.
const NEAR: u64 = 3600 * SECOND;

impl Asker {
    /// Answers a search.
    pub(crate) async fn search(&self, call: &SearchCall) -> Result<SearchAnswer, NotAnswered> {
        self.within(&call.tenants, || async {
            let time = self.time(call.time);
            let window = Window {
                start: time.start.saturating_mul(SECOND),
                end: time.end.saturating_mul(SECOND),
            };
            let (plan, text, most_recent) = match &call.question {
                SearchQuestion::TraceQl(query) => {
                    let Root::Search(pipeline) = query.root.clone() else {
                        return Err(NotAnswered::Query("a search was expected".to_owned()));
                    };
                    let plan = SearchPlan::new(pipeline, window, call.limit, call.spans_per_set);
                    (plan, query.to_string(), query.most_recent())
                }
                SearchQuestion::Tags(tags) => {
                    let pipeline = pipeline_of_tags(tags);
                    let root = Root::Search(pipeline.clone());
                    let text = Query { root, hints: Vec::new() }.to_string();
                    let plan = SearchPlan::new(pipeline, window, call.limit, call.spans_per_set);
                    (plan.without_sets(), text, false)
                }
            };
            let plan = Arc::new(plan);
            let mut answer = SearchAnswer::default();
            for tenant in &call.tenants {
                let question = spans_of(tenant, &text, (window.start, window.end));
                let found = self.search_tenant(&question, time, &plan, most_recent).await?;
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
        most_recent: bool,
    ) -> Result<SearchAnswer, NotAnswered> {
        let give_up = GiveUp(Stop::default());
        let mut live = self.live(question).await;
        let stored = self.stored(&question.tenant, time, &mut live).await;
        complete(&live.missing)?;
        let Prepared { alone, beside, several, spans } =
            self.prepare(&live, &stored, plan.needs_whole_traces()).await?;
        let mut cost = stored.cost();
        cost.spans += spans;

        let mut hits: Vec<TraceHit> = self.in_memory(alone.clone(), plan.clone()).await?;
        let several = Arc::new(several);
        for portion in Self::portions(&several) {
            let whole = self.put_together(&stored.blocks, &beside, &portion).await;
            let whole = whole.map_err(not_read)?;
            hits.extend(self.in_memory(Arc::new(whole), plan.clone()).await?);
        }
        hits.retain({
            let mut seen = HashSet::new();
            move |hit| seen.insert(hit.id)
        });

        let ends: Vec<u64> = stored.blocks.iter().map(|meta| meta.end_time).collect();
        let mut how = self.how(&give_up.0);
        how.except = several.clone();
        let (mut done, mut failed) = (0, Vec::new());
        self.each(
            &stored.blocks,
            &plan.fields(),
            || {
                let (plan, how) = (plan.clone(), how.clone());
                move |handle: &tokio::runtime::Handle, job: &Job| {
                    let searched = search_group(&job.block, &job.source, job.group, &plan, &how);
                    handle.block_on(searched)
                }
            },
            |outcome| {
                done += 1;
                match outcome {
                    Ok(groups) => {
                        cost.jobs_done += 1;
                        for found in groups {
                            cost.add(&Cost { jobs_done: 0, ..found.cost });
                            hits.extend(found.traces);
                        }
                    }
                    Err(error) => failed.push(error),
                }
                let next = ends.get(done).copied().unwrap_or_default();
                !is_enough(&hits, plan.limit(), most_recent.then_some(next))
            },
        )
        .await;
        give_up.0.stop();
        refuse(failed)?;
        let traces = self.tell_whole(hits, &several, &stored, plan).await?;
        Ok(SearchAnswer { traces, cost })
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
        let found = self.pool.run(move |_| search_memory(&spans, &plan)).await;
        let found = found.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?;
        found.map_err(|why| NotAnswered::Query(why.to_string()))
    }

    /// What is told of the traces, of which some have parts in other blocks, too.
    async fn tell_whole(
        &self,
        mut hits: Vec<TraceHit>,
        judged: &HashSet<TraceId>,
        stored: &Stored,
        plan: &Arc<SearchPlan>,
    ) -> Result<Vec<TraceHit>, NotAnswered> {
        let mut blocks: BTreeMap<TraceId, u32> = BTreeMap::new();
        for hit in &hits {
            *blocks.entry(hit.id).or_default() += 1;
        }
        sort(&mut hits, usize::MAX);
        hits.retain({
            let mut seen = HashSet::new();
            move |hit| seen.insert(hit.id)
        });
        hits.truncate(plan.limit());
        if plan.needs_whole_traces() {
            return Ok(hits);
        }
        let mut partly = HashSet::new();
        for hit in hits.iter().filter(|hit| !judged.contains(&hit.id)) {
            let (start, end) = (hit.start, hit.start.saturating_add(hit.duration));
            let mut having = 0;
            for meta in stored.near((start, end), NEAR) {
                having += usize::from(self.may_have(meta, &hit.id).await.map_err(not_read)?);
            }
            if having > 1 || blocks.get(&hit.id).is_some_and(|n| *n > 1) {
                partly.insert(hit.id);
            }
        }
        if partly.is_empty() {
            return Ok(hits);
        }
        // What is in memory of a trace that lies in blocks, too, was judged with them before.
        let nothing = Columns::default();
        let whole = self.put_together(&stored.blocks, &nothing, &partly).await.map_err(not_read)?;
        let mut by_id: BTreeMap<TraceId, TraceHit> = BTreeMap::new();
        for hit in self.in_memory(Arc::new(whole), plan.clone()).await? {
            by_id.insert(hit.id, hit);
        }
        for hit in &mut hits {
            if let Some(whole) = by_id.remove(&hit.id) {
                *hit = whole;
            }
        }
        sort(&mut hits, plan.limit());
        Ok(hits)
    }
}

/// Newest first, no more than `limit`.
fn sort(hits: &mut Vec<TraceHit>, limit: usize) {
    hits.sort_by_key(|hit| (std::cmp::Reverse(hit.start), hit.id));
    hits.truncate(limit);
}

/// Whether no more need be looked for: there are as many as are wanted and, where the newest are,
/// none of what is left, which ends at `next`, can be newer.
fn is_enough(hits: &[TraceHit], limit: usize, next: Option<u64>) -> bool {
    let distinct: HashSet<TraceId> = hits.iter().map(|hit| hit.id).collect();
    if distinct.len() < limit {
        return false;
    }
    let Some(next) = next else { return true };
    let mut starts: BTreeMap<TraceId, u64> = BTreeMap::new();
    starts.extend(hits.iter().map(|hit| (hit.id, hit.start)));
    let mut starts: Vec<u64> = starts.into_values().collect();
    starts.sort_unstable_by(|a, b| b.cmp(a));
    starts.get(limit.saturating_sub(1)).is_some_and(|oldest| *oldest > next)
}
