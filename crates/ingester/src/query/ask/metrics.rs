//! Metrics.

use super::jobs::{Failed, Job};
use super::live::spans_of;
use super::prepared::{Apart, Prepared, may_match};
use super::{Asker, GiveUp, NotAnswered, SECOND};
use std::sync::Arc;
use tributary_query::api::{MetricsCall, TimeRange};
use tributary_query::metrics::{Grid, MetricsPlan, Partial, metrics_group, metrics_memory};
use tributary_query::part::PartQuestion;
use tributary_query::split::{self, MetBy};
use tributary_query::{Cost, MetricsAnswer, Stop};
use tributary_span::Columns;
use tributary_traceql::ast::Root;

impl Asker {
    /// Answers a metrics query.
    pub(crate) async fn metrics(&self, call: &MetricsCall) -> Result<MetricsAnswer, NotAnswered> {
        let grid = match call.instant {
            true => Grid::instant(call.start, call.end),
            false => Grid::range(call.start, call.end, call.step),
        };
        let (start, end) = grid.times();
        let time = TimeRange { start: start / SECOND, end: end / SECOND + 1 };
        let asked = TimeRange { start: call.start / SECOND, end: call.end / SECOND };
        self.within(&call.tenants, Some(asked), || async {
            let Root::Metrics(expr) = call.query.root.clone() else {
                return Err(NotAnswered::Query("a metrics query was expected".to_owned()));
            };
            let plan = Arc::new(MetricsPlan::new(expr, grid, call.exemplars, call.max_series));
            let text = call.query.to_string();
            let (mut partial, mut cost, mut missing) =
                (plan.nothing(), Cost::default(), Vec::new());
            for tenant in &call.tenants {
                let question = spans_of(tenant, &text, (start, end));
                let told =
                    self.metrics_tenant(&question, time, &plan, &mut partial, &mut cost).await?;
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
        let whole = plan.needs_whole_traces();
        if whole {
            self.link(question, &mut live).await?;
        }
        let stored = self.stored(&question.tenant, time, &mut live).await;
        let apart = if whole { Apart::All } else { Apart::InMemory };
        let Prepared { alone, beside, several, spans } =
            self.prepare(&live, &stored, apart).await?;
        cost.add(&stored.cost());
        cost.spans += spans;
        let count = |spans: Arc<Columns>| {
            let plan = plan.clone();
            async move {
                let counted = self.pool.run(move |_| {
                    let mut partial = plan.nothing();
                    metrics_memory(&spans, &plan, &mut partial).map(|()| partial)
                });
                let counted = counted.await;
                let counted =
                    counted.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?;
                counted.map_err(|why| NotAnswered::Query(why.to_string()))
            }
        };
        partial.merge(count(alone).await?);
        let mut how = self.how(&give_up.0);
        how.except = Arc::new(several);
        let (mut met, mut failed) = (MetBy::new(), Vec::new());
        self.each(
            &stored.blocks,
            &plan.reads(),
            |_| false,
            || {
                let (plan, how) = (plan.clone(), how.clone());
                move |handle: &tokio::runtime::Handle, job: &Job| {
                    let mut partial = plan.nothing();
                    let (block, source) = (&job.block, &job.source);
                    let counted =
                        metrics_group(block, source, job.group, &plan, &how, &mut partial);
                    let (cost, met) = handle.block_on(counted)?;
                    Ok((partial, cost, met))
                }
            },
            |outcome| {
                match outcome {
                    Ok(groups) => {
                        cost.jobs_done += 1;
                        for (of_group, spent, met_here) in groups {
                            partial.merge(of_group);
                            split::add(&mut met, met_here);
                            cost.add(&Cost { jobs_done: 0, ..spent });
                        }
                    }
                    Err(error) => failed.push(error),
                }
                let too_much = self.too_much(&question.tenant, cost).map(Failed::Refused);
                let goes_on = too_much.is_none();
                failed.extend(too_much);
                goes_on
            },
        )
        .await;
        let candidates = match whole {
            false => how.except.iter().copied().collect(),
            true => may_match(met, &beside, &plan.pipelines())?,
        };
        let parts = plan.parts();
        for portion in self.portions(&candidates, &parts) {
            let whole = self.put_together(&stored.blocks, &beside, portion, &parts).await?;
            partial.merge(count(Arc::new(whole)).await?);
        }
        let mut missing = live.missing;
        for error in failed {
            match error {
                Failed::Refused(why) => return Err(why),
                Failed::Unreadable(why) => missing.push(why),
                Failed::IsGone => return Err(NotAnswered::Moved),
            }
        }
        Ok(missing)
    }
}
