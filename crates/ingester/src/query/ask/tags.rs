//! Names of attributes and their values.

use super::jobs::Job;
use super::{Asker, GiveUp, NotAnswered, SECOND, complete, refuse};
use std::sync::Arc;
use tributary_query::api::{TagsCall, TimeRange, ValuesCall, Version};
use tributary_query::part::{Asked, FoundPart, PartQuestion};
use tributary_query::search::Window;
use tributary_query::tags::{
    Among, Names, TagValues, Wanted, names_group, names_memory, values_group, values_memory,
};
use tributary_query::{Cost, Stop, TagsAnswer, ValuesAnswer, join};
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
        self.within(&call.tenants, || async {
            let time = self.time(call.time);
            let window = window_of(time);
            let filter = Arc::new(call.filter.clone());
            let (mut names, mut cost) = (Names::default(), Cost::default());
            for tenant in &call.tenants {
                let asked = Asked::Names { filter: text_of(call.filter.as_ref()) };
                let question = part(tenant, window, asked);
                let give_up = GiveUp(Stop::default());
                let mut live = self.live(&question).await;
                let stored = self.stored(tenant, time, &mut live).await;
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
                cost.add(&stored.cost());
                let (how, mut failed) = (self.how(&give_up.0), Vec::new());
                self.each(
                    &stored.blocks,
                    &[],
                    || {
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
                            Ok(groups) => {
                                cost.jobs_done += 1;
                                for (found, spent) in groups {
                                    names.merge(found);
                                    cost.add(&Cost { jobs_done: 0, ..spent });
                                }
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
        self.within(&call.tenants, || async {
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
                let stored = self.stored(tenant, time, &mut live).await;
                complete(&live.missing)?;
                for answer in std::mem::take(&mut live.answers) {
                    if let FoundPart::Values(found) = answer {
                        values.merge(TagValues::of_parts(found));
                    }
                }
                let (parts, filter_here, wanted_here) =
                    (live.parts, filter.clone(), wanted.clone());
                let found = self.pool.run(move |_| {
                    let spans = join(parts.iter().map(Arc::as_ref), |_| true).spans;
                    let mut values = TagValues::default();
                    let among = Among { window, filter: (*filter_here).as_ref() };
                    values_memory(&spans, &wanted_here, among, &mut values).map(|()| values)
                });
                let found = found.await.map_err(|e| NotAnswered::Missing(vec![e.to_string()]))?;
                values.merge(found.map_err(|why| NotAnswered::Query(why.to_string()))?);
                cost.add(&stored.cost());
                let (how, mut failed) = (self.how(&give_up.0), Vec::new());
                self.each(
                    &stored.blocks,
                    &[],
                    || {
                        let (filter, how, wanted) = (filter.clone(), how.clone(), wanted.clone());
                        move |handle: &tokio::runtime::Handle, job: &Job| {
                            let mut values = TagValues::default();
                            let among = Among { window, filter: (*filter).as_ref() };
                            let (block, source, group) = (&job.block, &job.source, job.group);
                            let found = values_group(
                                block,
                                source,
                                group,
                                &wanted,
                                among,
                                &how,
                                &mut values,
                            );
                            let cost = handle.block_on(found)?;
                            Ok((values, cost))
                        }
                    },
                    |outcome| {
                        match outcome {
                            Ok(groups) => {
                                cost.jobs_done += 1;
                                for (found, spent) in groups {
                                    values.merge(found);
                                    cost.add(&Cost { jobs_done: 0, ..spent });
                                }
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
