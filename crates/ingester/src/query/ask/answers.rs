//! The answers: searches, metrics, names and values.

use super::jobs::{Failed, Job};
use super::live::{Live, spans_of};
use super::stored::Stored;
use super::{Asker, GiveUp, NotAnswered};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tributary_query::api::{MetricsCall, SearchCall, SearchQuestion, TagsCall, TimeRange, ValuesCall, Version};
use tributary_query::metrics::{Grid, MetricsPlan, Partial, metrics_group, metrics_memory};
use tributary_query::part::{Asked, FoundPart, PartQuestion};
use tributary_query::search::{
    SearchPlan, Window, pipeline_of_tags, search_group, search_memory,
};
use tributary_query::tags::{
    Among, Names, TagValues, Wanted, names_group, names_memory, values_group, values_memory,
};
use tributary_query::{
    Cost, MetricsAnswer, SearchAnswer, Stop, TagsAnswer, TraceHit, ValuesAnswer, join,
};
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::{FieldExpr, Query, Root};

const SECOND: u64 = 1_000_000_000;
/// What is recent, when a question does not say when, seconds.
const RECENT: u64 = 30 * 60;
/// How far from the rest of its trace a span may lie to be told with a search's results, ns.
const NEAR: u64 = 3600 * SECOND;

fn window_of(time: TimeRange) -> Window {
    let end = time.end.checked_add(1).and_then(|end| end.checked_mul(SECOND));
    Window { start: time.start.saturating_mul(SECOND), end: end.map_or(u64::MAX, |end| end - 1) }
}

impl Asker {
    fn time(&self, asked: Option<TimeRange>) -> TimeRange {
        asked.unwrap_or_else(|| {
            let now = self.clock.unix_ms() / 1000;
            TimeRange { start: now.saturating_sub(RECENT), end: now + RECENT }
        })
    }

    /// Answers a search.
    pub(crate) async fn search(&self, call: &SearchCall) -> Result<SearchAnswer, NotAnswered> {
        self.within(async {
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
        let stored = self.stored(&question.tenant, time, &mut live).await?;
        complete(&live.missing)?;
        let Prepared { alone, beside, several, spans } =
            self.prepare(&live, &stored, plan.needs_whole_traces()).await?;
        let mut cost = cost_of(&stored);
        cost.spans += spans;

        let mut hits: Vec<TraceHit> = self.in_memory(alone.clone(), plan.clone()).await?;
        let several = Arc::new(several);
        for portion in Self::portions(&several) {
            let whole = self.put_together(&stored.jobs, &beside, &portion).await;
            let whole = whole.map_err(|e| NotAnswered::Missing(vec![e.to_string()]))?;
            hits.extend(self.in_memory(Arc::new(whole), plan.clone()).await?);
        }
        hits.retain({
            let mut seen = HashSet::new();
            move |hit| seen.insert(hit.id)
        });

        let ends: Vec<u64> = stored.jobs.iter().map(|job| job.block.meta().end_time).collect();
        let mut how = self.how(&give_up.0);
        how.except = several.clone();
        let (mut done, mut failed) = (0, Vec::new());
        self.each(
            stored.jobs.clone(),
            &plan.fields(),
            |_| {
                let (plan, how) = (plan.clone(), how.clone());
                move |handle: &tokio::runtime::Handle, job: &Job| {
                    let searched = search_group(&job.block, &job.source, job.group, &plan, &how);
                    handle.block_on(searched)
                }
            },
            |outcome| {
                done += 1;
                match outcome {
                    Ok(found) => {
                        cost.add(&found.cost);
                        hits.extend(found.traces);
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
        let missing = |e: tributary_block::BlockError| NotAnswered::Missing(vec![e.to_string()]);
        for hit in hits.iter().filter(|hit| !judged.contains(&hit.id)) {
            let (start, end) = (hit.start, hit.start.saturating_add(hit.duration));
            let near = stored.jobs.iter().filter(|job| {
                let meta = job.block.meta();
                meta.start_time <= end.saturating_add(NEAR)
                    && meta.end_time.saturating_add(NEAR) >= start
            });
            let mut having = 0;
            let mut known = HashSet::new();
            for job in near {
                if known.insert(job.block.meta().block_id)
                    && self.may_have(&job.block, &job.source, &hit.id).await.map_err(missing)?
                {
                    having += 1;
                }
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
        let whole = self.put_together(&stored.jobs, &nothing, &partly).await.map_err(missing)?;
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

    /// Joins what is in memory, and finds the traces that lie in several places.
    async fn prepare(
        &self,
        live: &Live,
        stored: &Stored,
        whole: bool,
    ) -> Result<Prepared, NotAnswered> {
        let parts = live.parts.clone();
        let joined = self.pool.run(move |_| join(parts.iter().map(Arc::as_ref), |_| true)).await;
        let joined = joined.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?.spans;
        let missing = |e: tributary_block::BlockError| NotAnswered::Missing(vec![e.to_string()]);
        let several = if whole {
            self.in_several(&stored.jobs, &joined).await.map_err(missing)?
        } else if joined.is_empty() {
            HashSet::new()
        } else {
            // Spans that became a block while they were asked for stand in both.
            let starts = joined.spans.start.iter().min().copied().unwrap_or_default();
            let ends = joined.spans.end.iter().max().copied().unwrap_or_default();
            let beside: Vec<Job> = stored
                .jobs
                .iter()
                .filter(|job| {
                    let meta = job.block.meta();
                    meta.start_time <= ends.saturating_add(NEAR)
                        && meta.end_time.saturating_add(NEAR) >= starts
                })
                .cloned()
                .collect();
            let all = self.in_several(&beside, &joined).await.map_err(missing)?;
            let in_memory: HashSet<&TraceId> = joined.traces.iter().collect();
            all.into_iter().filter(|trace| in_memory.contains(trace)).collect()
        };
        let spans = joined.len() as u64;
        let (alone, beside) = if several.is_empty() {
            (joined, Columns::default())
        } else {
            let beside = join([&joined], |trace| several.contains(trace)).spans;
            (join([&joined], |trace| !several.contains(trace)).spans, beside)
        };
        Ok(Prepared { alone: Arc::new(alone), beside: Arc::new(beside), several, spans })
    }

    /// Answers a metrics query.
    pub(crate) async fn metrics(&self, call: &MetricsCall) -> Result<MetricsAnswer, NotAnswered> {
        self.within(async {
            let grid = match call.instant {
                true => Grid::instant(call.start, call.end),
                false => Grid::range(call.start, call.end, call.step),
            };
            let Root::Metrics(expr) = call.query.root.clone() else {
                return Err(NotAnswered::Query("a metrics query was expected".to_owned()));
            };
            let plan = Arc::new(MetricsPlan::new(expr, grid, call.exemplars, call.max_series));
            let (start, end) = grid.times();
            let time = TimeRange { start: start / SECOND, end: end / SECOND + 1 };
            let text = call.query.to_string();
            let (mut partial, mut cost, mut missing) = (plan.nothing(), Cost::default(), Vec::new());
            for tenant in &call.tenants {
                let question = spans_of(tenant, &text, (start, end));
                let told = self.metrics_tenant(&question, time, &plan, &mut partial, &mut cost).await?;
                missing.extend(told);
            }
            let mut answer = plan.finish(&partial);
            answer.cost = cost;
            if !missing.is_empty() {
                self.metrics.queries_partial.inc();
                answer.partial = Some(missing.join("; "));
            }
            Ok(answer)
        })
        .await
    }

    async fn metrics_tenant(
        &self,
        question: &PartQuestion,
        time: TimeRange,
        plan: &Arc<MetricsPlan>,
        partial: &mut Partial,
        cost: &mut Cost,
    ) -> Result<Vec<String>, NotAnswered> {
        let give_up = GiveUp(Stop::default());
        let mut live = self.live(question).await;
        let stored = self.stored(&question.tenant, time, &mut live).await?;
        let Prepared { alone, beside, several, spans } =
            self.prepare(&live, &stored, plan.needs_whole_traces()).await?;
        cost.add(&cost_of(&stored));
        cost.spans += spans;
        let count = |spans: Arc<Columns>| {
            let plan = plan.clone();
            async move {
                let counted = self.pool.run(move |_| {
                    let mut partial = plan.nothing();
                    metrics_memory(&spans, &plan, &mut partial).map(|()| partial)
                });
                let counted = counted.await;
                let counted = counted.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?;
                counted.map_err(|why| NotAnswered::Query(why.to_string()))
            }
        };
        partial.merge(count(alone).await?);
        for portion in Self::portions(&several) {
            let whole = self.put_together(&stored.jobs, &beside, &portion).await;
            let whole = whole.map_err(|e| NotAnswered::Missing(vec![e.to_string()]))?;
            partial.merge(count(Arc::new(whole)).await?);
        }
        let mut how = self.how(&give_up.0);
        how.except = Arc::new(several);
        let mut failed = Vec::new();
        self.each(
            stored.jobs,
            &plan.fields(),
            |_| {
                let (plan, how) = (plan.clone(), how.clone());
                move |handle: &tokio::runtime::Handle, job: &Job| {
                    let mut partial = plan.nothing();
                    let (block, source) = (&job.block, &job.source);
                    let counted = metrics_group(block, source, job.group, &plan, &how, &mut partial);
                    let cost = handle.block_on(counted)?;
                    Ok((partial, cost))
                }
            },
            |outcome| {
                match outcome {
                    Ok((of_group, spent)) => {
                        partial.merge(of_group);
                        cost.add(&spent);
                    }
                    Err(error) => failed.push(error),
                }
                true
            },
        )
        .await;
        let mut missing = live.missing;
        for error in failed {
            match error {
                Failed::Refused(why) => return Err(why),
                Failed::Unreadable(why) => missing.push(why),
                Failed::IsGone => missing.push("a block was deleted meanwhile".to_owned()),
            }
        }
        Ok(missing)
    }

    /// Answers a question for names of attributes.
    pub(crate) async fn names(&self, call: &TagsCall) -> Result<TagsAnswer, NotAnswered> {
        self.within(async {
            let time = self.time(call.time);
            let window = window_of(time);
            let filter = Arc::new(call.filter.clone());
            let (mut names, mut cost) = (Names::default(), Cost::default());
            for tenant in &call.tenants {
                let asked = Asked::Names { filter: text_of(call.filter.as_ref()) };
                let question = part(tenant, window, asked);
                let give_up = GiveUp(Stop::default());
                let mut live = self.live(&question).await;
                let stored = self.stored(tenant, time, &mut live).await?;
                complete(&live.missing)?;
                for answer in std::mem::take(&mut live.answers) {
                    if let FoundPart::Names(found) = answer {
                        names.merge(found);
                    }
                }
                let (parts, filter_here) = (live.parts, filter.clone());
                let found = self.pool.run(move |_| {
                    let spans = join(parts.iter().map(Arc::as_ref), |_| true).spans;
                    let mut names = Names::default();
                    let among = Among { window, filter: (*filter_here).as_ref() };
                    names_memory(&spans, among, &mut names).map(|()| names)
                });
                let found = found.await.map_err(|e| NotAnswered::Missing(vec![e.to_string()]))?;
                names.merge(found.map_err(|why| NotAnswered::Query(why.to_string()))?);
                cost.add(&cost_of(&stored));
                let (how, mut failed) = (self.how(&give_up.0), Vec::new());
                self.each(
                    stored.jobs,
                    &[],
                    |_| {
                        let (filter, how) = (filter.clone(), how.clone());
                        move |handle: &tokio::runtime::Handle, job: &Job| {
                            let mut names = Names::default();
                            let among = Among { window, filter: (*filter).as_ref() };
                            let (block, source) = (&job.block, &job.source);
                            let found =
                                names_group(block, source, job.group, among, &how, &mut names);
                            let cost = handle.block_on(found)?;
                            Ok((names, cost))
                        }
                    },
                    |outcome| {
                        match outcome {
                            Ok((found, spent)) => {
                                names.merge(found);
                                cost.add(&spent);
                            }
                            Err(error) => failed.push(error),
                        }
                        true
                    },
                )
                .await;
                refuse(failed)?;
            }
            Ok(TagsAnswer { cost, ..names.finish() })
        })
        .await
    }

    /// Answers a question for values of an attribute.
    pub(crate) async fn values(&self, call: &ValuesCall) -> Result<ValuesAnswer, NotAnswered> {
        self.within(async {
            let time = self.time(call.time);
            let window = window_of(time);
            let filter = Arc::new(call.filter.clone());
            let is_older_route = call.version == Version::V1;
            let wanted = Arc::new(Wanted::new(&call.attribute, is_older_route));
            let (mut values, mut cost) = (TagValues::default(), Cost::default());
            for tenant in &call.tenants {
                let asked = Asked::Values {
                    attribute: call.attribute.to_string(),
                    is_older_route,
                    filter: text_of(call.filter.as_ref()),
                };
                let question = part(tenant, window, asked);
                let give_up = GiveUp(Stop::default());
                let mut live = self.live(&question).await;
                let stored = self.stored(tenant, time, &mut live).await?;
                complete(&live.missing)?;
                for answer in std::mem::take(&mut live.answers) {
                    if let FoundPart::Values(found) = answer {
                        values.merge(TagValues::of_parts(found));
                    }
                }
                let (parts, filter_here, wanted_here) = (live.parts, filter.clone(), wanted.clone());
                let found = self.pool.run(move |_| {
                    let spans = join(parts.iter().map(Arc::as_ref), |_| true).spans;
                    let mut values = TagValues::default();
                    let among = Among { window, filter: (*filter_here).as_ref() };
                    values_memory(&spans, &wanted_here, among, &mut values).map(|()| values)
                });
                let found = found.await.map_err(|e| NotAnswered::Missing(vec![e.to_string()]))?;
                values.merge(found.map_err(|why| NotAnswered::Query(why.to_string()))?);
                cost.add(&cost_of(&stored));
                let (how, mut failed) = (self.how(&give_up.0), Vec::new());
                self.each(
                    stored.jobs,
                    &[],
                    |_| {
                        let (filter, how, wanted) = (filter.clone(), how.clone(), wanted.clone());
                        move |handle: &tokio::runtime::Handle, job: &Job| {
                            let mut values = TagValues::default();
                            let among = Among { window, filter: (*filter).as_ref() };
                            let (block, source, group) = (&job.block, &job.source, job.group);
                            let found = values_group(
                                block, source, group, &wanted, among, &how, &mut values,
                            );
                            let cost = handle.block_on(found)?;
                            Ok((values, cost))
                        }
                    },
                    |outcome| {
                        match outcome {
                            Ok((found, spent)) => {
                                values.merge(found);
                                cost.add(&spent);
                            }
                            Err(error) => failed.push(error),
                        }
                        !values.is_full()
                    },
                )
                .await;
                refuse(failed)?;
            }
            Ok(ValuesAnswer { cost, ..values.finish() })
        })
        .await
    }
}

/// What is in memory, joined; and what lies in several places.
struct Prepared {
    /// Traces that lie in memory alone.
    alone: Arc<Columns>,
    /// What is in memory of those that lie in several places.
    beside: Arc<Columns>,
    several: HashSet<TraceId>,
    /// Spans in memory.
    spans: u64,
}

fn part(tenant: &str, window: Window, asked: Asked) -> PartQuestion {
    PartQuestion { tenant: tenant.to_owned(), window: (window.start, window.end), asked }
}

/// A filter as the text of a query.
fn text_of(filter: Option<&FieldExpr>) -> Option<String> {
    filter.map(|filter| format!("{{ {filter} }}"))
}

fn cost_of(stored: &Stored) -> Cost {
    Cost {
        blocks: stored.blocks,
        block_bytes: stored.bytes,
        jobs: stored.jobs.len() as u64,
        ..Cost::default()
    }
}

/// Refuses what cannot be complete.
fn complete(missing: &[String]) -> Result<(), NotAnswered> {
    if missing.is_empty() { Ok(()) } else { Err(NotAnswered::Missing(missing.to_vec())) }
}

fn refuse(failed: Vec<Failed>) -> Result<(), NotAnswered> {
    let mut missing = Vec::new();
    for error in failed {
        match error {
            Failed::Refused(why) => return Err(why),
            Failed::Unreadable(why) => missing.push(why),
            Failed::IsGone => missing.push("a block was deleted meanwhile: ask again".to_owned()),
        }
    }
    complete(&missing)
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
