//! Sets of spans, trace by trace.

use crate::value::{Has, Value, compare, constant, number};
use crate::world::{Parent, World};
use tributary_traceql::ast::{
    Aggregate, FieldExpr, Pipeline, Relation, ScalarFilter, SpansetExpr, SpansetOp, Stage,
    StructuralMode,
};

/// A set of spans of one trace, and what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Set {
    pub(crate) spans: Vec<usize>,
    pub(crate) said: Vec<(String, Has)>,
}

/// The query wants what cannot be done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Refused;

fn has_structure(expr: &SpansetExpr) -> bool {
    match expr {
        SpansetExpr::Binary { op, left, right } => {
            matches!(op, SpansetOp::Structural(..)) || has_structure(left) || has_structure(right)
        }
        _ => false,
    }
}

impl World {
    /// What comes out of a pipeline for the spans of one trace.
    pub(crate) fn run(&self, pipeline: &Pipeline, spans: &[usize]) -> Result<Vec<Set>, Refused> {
        let mut sets = vec![Set { spans: spans.to_vec(), said: Vec::new() }];
        let mut is_split = false;
        for stage in &pipeline.stages {
            sets.retain(|set| !set.spans.is_empty());
            if sets.is_empty() {
                break;
            }
            match stage {
                Stage::Spanset(expr) => {
                    if is_split && has_structure(expr) {
                        return Err(Refused);
                    }
                    for set in &mut sets {
                        set.spans = self.spanset(expr, &set.spans)?;
                    }
                }
                Stage::Scalar(filter) => {
                    sets.retain_mut(|set| match self.aggregate(&filter.aggregate, &set.spans) {
                        Some(value) if passes(filter, &value) => {
                            set.said.push((filter.aggregate.label(), Has::One(value)));
                            true
                        }
                        _ => false,
                    });
                }
                Stage::GroupBy(expr) => {
                    is_split = true;
                    sets = sets.iter().flat_map(|set| self.group(expr, set)).collect();
                }
                Stage::Coalesce => {
                    is_split = false;
                    let mut all: Vec<usize> = sets.iter().flat_map(|s| s.spans.clone()).collect();
                    all.sort_unstable();
                    sets = vec![Set { spans: all, said: Vec::new() }];
                }
                Stage::Select(_) => {}
            }
        }
        sets.retain(|set| !set.spans.is_empty());
        Ok(sets)
    }

    fn group(&self, expr: &FieldExpr, set: &Set) -> Vec<Set> {
        let name = format!("by({})", expr.label());
        let mut groups: Vec<(String, Has, Vec<usize>)> = Vec::new();
        for n in &set.spans {
            let value = shown(self.value(expr, *n));
            // NaN is a group, too.
            let key = format!("{value:?}");
            match groups.iter_mut().find(|(known, ..)| *known == key) {
                Some((.., spans)) => spans.push(*n),
                None => groups.push((key, value, vec![*n])),
            }
        }
        let sets = groups.into_iter().map(|(_, value, spans)| {
            let mut said = set.said.clone();
            said.push((name.clone(), value));
            Set { spans, said }
        });
        sets.collect()
    }

    fn spanset(&self, expr: &SpansetExpr, spans: &[usize]) -> Result<Vec<usize>, Refused> {
        let (op, left, right) = match expr {
            SpansetExpr::Filter(filter) => {
                return Ok(spans.iter().copied().filter(|n| self.holds(filter, *n)).collect());
            }
            SpansetExpr::Pipeline(inner) => {
                let sets = self.run(inner, spans)?;
                let mut all: Vec<usize> = sets.into_iter().flat_map(|set| set.spans).collect();
                all.sort_unstable();
                return Ok(all);
            }
            SpansetExpr::Binary { op, left, right } => (*op, left, right),
        };
        let (left, right) = (self.spanset(left, spans)?, self.spanset(right, spans)?);
        let mut found = match op {
            SpansetOp::And if left.is_empty() || right.is_empty() => Vec::new(),
            SpansetOp::And | SpansetOp::Union => [left, right].concat(),
            SpansetOp::Structural(relation, mode) => {
                let has_left = |b: &usize| left.iter().any(|a| self.stands_so(relation, *a, *b));
                let has_right = |a: &usize| right.iter().any(|b| self.stands_so(relation, *a, *b));
                match mode {
                    StructuralMode::Plain => right.iter().copied().filter(has_left).collect(),
                    StructuralMode::Negated => {
                        right.iter().copied().filter(|b| !has_left(b)).collect()
                    }
                    StructuralMode::Union => {
                        let on_left = left.iter().copied().filter(has_right);
                        on_left.chain(right.iter().copied().filter(has_left)).collect()
                    }
                }
            }
        };
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Whether `b` stands to `a` as the right-hand side of an operator to its left-hand side.
    fn stands_so(&self, relation: Relation, a: usize, b: usize) -> bool {
        match relation {
            Relation::Child => self.parent(b) == Some(a),
            Relation::Descendant => self.is_above(a, b),
            Relation::Parent => self.parent(a) == Some(b),
            Relation::Ancestor => self.is_above(b, a),
            Relation::Sibling => {
                a != b && self.parents[a] != Parent::Lost && self.parents[a] == self.parents[b]
            }
        }
    }

    fn aggregate(&self, aggregate: &Aggregate, spans: &[usize]) -> Option<Value> {
        let numbers = |expr: &FieldExpr| -> Vec<Value> {
            let values = spans.iter().map(|n| self.value(expr, *n));
            let single = values.filter_map(|has| match has {
                Has::One(value) => number(&value).is_some().then_some(value),
                _ => None,
            });
            single.collect()
        };
        let all = match aggregate {
            Aggregate::Count => return Some(Value::Int(spans.len() as i64)),
            Aggregate::Max(expr)
            | Aggregate::Min(expr)
            | Aggregate::Avg(expr)
            | Aggregate::Sum(expr) => numbers(expr),
        };
        if all.is_empty() {
            return None;
        }
        let doubles = || all.iter().filter_map(number);
        let is_float = all.iter().any(|value| matches!(value, Value::Float(_)));
        let is_duration = all.iter().any(|value| matches!(value, Value::Duration(_)));
        let is_int = all.iter().any(|value| matches!(value, Value::Int(_)));
        let like = |n: f64| match (is_float, is_duration) {
            (true, _) => Value::Float(n),
            (_, true) => Value::Duration(n as i64),
            _ => Value::Int(n as i64),
        };
        Some(match aggregate {
            Aggregate::Max(_) => like(doubles().fold(f64::NAN, f64::max)),
            Aggregate::Min(_) => like(doubles().fold(f64::NAN, f64::min)),
            Aggregate::Sum(_) => like(doubles().sum()),
            _ => {
                let mean = doubles().sum::<f64>() / all.len() as f64;
                let only_durations = is_duration && !is_int && !is_float;
                if only_durations { Value::Duration(mean as i64) } else { Value::Float(mean) }
            }
        })
    }
}

fn passes(filter: &ScalarFilter, value: &Value) -> bool {
    constant(&filter.value).is_some_and(|with| compare(filter.op, value, &with))
}

/// As a group's value: of a key that stands there more than once the first, of an array of one its
/// element.
pub(crate) fn shown(has: Has) -> Has {
    match has {
        Has::Unseen => Has::Nothing,
        Has::Many { values, is_array } if !is_array || values.len() == 1 => {
            Has::One(values[0].clone())
        }
        other => other,
    }
}
