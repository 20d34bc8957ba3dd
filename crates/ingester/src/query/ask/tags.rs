//! Names of attributes and their values.

use super::jobs::{Failed, Job};
use super::{Asker, GiveUp, NotAnswered, SECOND, complete, refuse};
use std::sync::Arc;
use tokio::runtime::Handle;
use tributary_query::api::{TagsCall, TimeRange, ValuesCall, Version};
use tributary_query::part::{Asked, FoundPart, PartQuestion};
use tributary_query::search::Window;
use tributary_query::tags::{
    Among, Names, TagValues, Wanted, names_group, names_memory, values_group, values_memory,
};
use tributary_query::{
    Cost, EvalError, How, Reads, ScanError, Stop, TagsAnswer, ValuesAnswer, join,
};
use tributary_span::Columns;
use tributary_traceql::ast::FieldExpr;

fn window_of(time: TimeRange) -> Window {
    let end = time.end.checked_add(1).and_then(|end| end.checked_mul(SECOND));
    Window { start: time.start.saturating_mul(SECOND), end: end.map_or(u64::MAX, |end| end - 1) }
}

fn part(tenant: &str, window: Window, asked: Asked) -> PartQuestion {
    PartQuestion { tenant: tenant.to_owned(), window: (window.start, window.end), asked }
}

/// A filter as the text of a query.
fn text_of(filter: Option<&FieldExpr>) -> Option<String> {
    filter.map(|filter| format!("{{ {filter} }}"))
}

impl Asker {
    /// Answers a question for names of attributes.
    pub(crate) async fn names(&self, call: &TagsCall) -> Result<TagsAnswer, NotAnswered> {
        self.within(&call.tenants, call.time, || async {
            let time = self.time(call.time);
            let window = window_of(time);
            let filter = Arc::new(call.filter.clone());
            let (mut names, mut cost) = (Names::default(), Cost::default());
            for tenant in &call.tenants {
                let asked = Asked::Names { filter: text_of(call.filter.as_ref()) };
                let question = part(tenant, window, asked);
                let of_part = |found| match found {
                    FoundPart::Names(names) => Some(names),
                    _ => None,
                };
                let here = filter.clone();
                let in_memory = move |spans: &Columns| {
                    let mut names = Names::default();
                    let among = Among { window, filter: (*here).as_ref() };
                    names_memory(spans, among, &mut names).map(|()| names)
                };
                let here = filter.clone();
                let in_group = move |handle: &Handle, job: &Job, how: &How| {
                    let mut names = Names::default();
                    let among = Among { window, filter: (*here).as_ref() };
                    let (block, source) = (&job.block, &job.source);
                    let found = names_group(block, source, job.group, among, how, &mut names);
                    let cost = handle.block_on(found)?;
                    Ok((names, cost))
                };
                let take = |found| {
                    names.merge(found);
                    true
                };
                self.gather(&question, time, &mut cost, of_part, in_memory, in_group, take).await?;
            }
            Ok(TagsAnswer { cost, ..names.finish() })
        })
        .await
    }

    /// Answers a question for values of an attribute.
    pub(crate) async fn values(&self, call: &ValuesCall) -> Result<ValuesAnswer, NotAnswered> {
        self.within(&call.tenants, call.time, || async {
            let time = self.time(call.time);
            let window = window_of(time);
            let is_older_route = call.version == Version::V1;
            let wanted = Wanted::new(&call.attribute, is_older_route);
            let sought = Arc::new((wanted, call.filter.clone()));
            let (mut values, mut cost) = (TagValues::default(), Cost::default());
            for tenant in &call.tenants {
                let asked = Asked::Values {
                    attribute: call.attribute.to_string(),
                    is_older_route,
                    filter: text_of(call.filter.as_ref()),
                };
                let question = part(tenant, window, asked);
                let of_part = |found| match found {
                    FoundPart::Values(values) => Some(TagValues::of_parts(values)),
                    _ => None,
                };
                let here = sought.clone();
                let in_memory = move |spans: &Columns| {
                    let (wanted, filter) = &*here;
                    let mut values = TagValues::default();
                    let among = Among { window, filter: filter.as_ref() };
                    values_memory(spans, wanted, among, &mut values).map(|()| values)
                };
                let here = sought.clone();
                let in_group = move |handle: &Handle, job: &Job, how: &How| {
                    let (wanted, filter) = &*here;
                    let mut values = TagValues::default();
                    let among = Among { window, filter: filter.as_ref() };
                    let (block, source, group) = (&job.block, &job.source, job.group);
                    let found = values_group(block, source, group, wanted, among, how, &mut values);
                    let cost = handle.block_on(found)?;
                    Ok((values, cost))
                };
                let take = |found| {
                    values.merge(found);
                    !values.is_full()
                };
                self.gather(&question, time, &mut cost, of_part, in_memory, in_group, take).await?;
            }
            Ok(ValuesAnswer { cost, ..values.finish() })
        })
        .await
    }

    /// Looks for names or values of one tenant wherever its spans are: hands `take` what each place
    /// has. Blocks are read until it says that it is enough.
    #[expect(clippy::too_many_arguments, reason = "one for each kind of place")]
    async fn gather<T, G>(
        &self,
        question: &PartQuestion,
        time: TimeRange,
        cost: &mut Cost,
        of_part: impl Fn(FoundPart) -> Option<T>,
        in_memory: impl FnOnce(&Columns) -> Result<T, EvalError> + Send + 'static,
        in_group: G,
        mut take: impl FnMut(T) -> bool,
    ) -> Result<(), NotAnswered>
    where
        T: Send + 'static,
        G: Fn(&Handle, &Job, &How) -> Result<(T, Cost), ScanError> + Clone + Send + 'static,
    {
        let give_up = GiveUp(Stop::default());
        let mut live = self.live(question).await;
        let stored = self.stored(&question.tenant, time, &mut live).await;
        complete(&live.missing)?;
        for found in live.answers.into_iter().filter_map(of_part) {
            take(found);
        }
        let parts = live.parts;
        let found =
            self.pool.run(move |_| in_memory(&join(parts.iter().map(Arc::as_ref), |_| true).spans));
        let found = found.await.map_err(|e| NotAnswered::Missing(vec![e.to_string()]))?;
        let mut is_enough = !take(found.map_err(|why| NotAnswered::Query(why.to_string()))?);
        cost.add(&stored.cost());
        let (how, mut failed) = (self.how(&give_up.0), Vec::new());
        self.each(
            &stored.blocks,
            &Reads::Fields(Vec::new()),
            |_| false,
            || {
                let (in_group, how) = (in_group.clone(), how.clone());
                move |handle: &Handle, job: &Job| in_group(handle, job, &how)
            },
            |outcome| {
                match outcome {
                    Ok(groups) => {
                        cost.jobs_done += 1;
                        for (found, spent) in groups {
                            is_enough = !take(found);
                            cost.add(&Cost { jobs_done: 0, ..spent });
                        }
                    }
                    Err(error) => failed.push(error),
                }
                let too_much = self.too_much(&question.tenant, cost).map(Failed::Refused);
                let goes_on = too_much.is_none() && !is_enough;
                failed.extend(too_much);
                goes_on
            },
        )
        .await;
        refuse(failed)
    }
}
