//! What else a query can be asked for.

use crate::ast::{
    Aggregate, Attribute, BinaryOp, FieldExpr, MetricsExpr, MetricsFunction, Pipeline, Query, Root,
    SpansetExpr, Stage, Static,
};

/// What the hint `exemplars` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exemplars {
    /// `true` or `false`: as many as there are by default, or none.
    Wanted(bool),
    /// So many.
    Count(usize),
}

impl Query {
    /// Whether `most_recent=true` stands in it: the newest traces, not any.
    #[must_use]
    pub fn most_recent(&self) -> bool {
        self.hint("most_recent") == Some(&Static::Bool(true))
    }

    /// What is said about exemplars; none if nothing, or nothing that makes sense.
    #[must_use]
    pub fn exemplars(&self) -> Option<Exemplars> {
        match self.hint("exemplars")? {
            Static::Bool(wanted) => Some(Exemplars::Wanted(*wanted)),
            Static::Int(count) => usize::try_from(*count).ok().map(Exemplars::Count),
            _ => None,
        }
    }

    /// A hint's value. Of several with one name the last.
    #[must_use]
    pub fn hint(&self, name: &str) -> Option<&Static> {
        self.hints.iter().rev().find(|(hint, _)| hint == name).map(|(_, value)| value)
    }

    /// Whether numbers over time are asked for, not traces.
    #[must_use]
    pub fn is_metrics(&self) -> bool {
        matches!(self.root, Root::Metrics(_))
    }

    /// The expression, if the query is one filter and nothing else.
    #[must_use]
    pub fn lone_filter(&self) -> Option<&FieldExpr> {
        let Root::Search(pipeline) = &self.root else { return None };
        match pipeline.stages.as_slice() {
            [Stage::Spanset(SpansetExpr::Filter(expr))] => Some(expr),
            _ => None,
        }
    }

    /// All attributes and intrinsics, in the order of the text. One that stands there twice is
    /// given twice.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        let mut found = Vec::new();
        match &self.root {
            Root::Search(pipeline) => of_pipeline(pipeline, &mut found),
            Root::Metrics(metrics) => of_metrics(metrics, &mut found),
        }
        found.into_iter()
    }
}

impl Pipeline {
    /// All attributes and intrinsics, as [`Query::attributes`].
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        let mut found = Vec::new();
        of_pipeline(self, &mut found);
        found.into_iter()
    }
}

impl FieldExpr {
    /// The operands of a chain of `&&` in the order of the text; an expression that is none is the
    /// only one.
    #[must_use]
    pub fn conjuncts(&self) -> Vec<&FieldExpr> {
        let mut all = Vec::new();
        conjuncts(self, &mut all);
        all
    }

    /// All attributes and intrinsics, in the order of the text. One that stands there twice is
    /// given twice.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        let mut found = Vec::new();
        of_field(self, &mut found);
        found.into_iter()
    }
}

impl MetricsFunction {
    /// How it is written, without arguments; also the label of a lone series.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rate { .. } => "rate",
            Self::Count { .. } => "count_over_time",
            Self::Min { .. } => "min_over_time",
            Self::Max { .. } => "max_over_time",
            Self::Sum { .. } => "sum_over_time",
            Self::Avg { .. } => "avg_over_time",
            Self::Quantile { .. } => "quantile_over_time",
            Self::Histogram { .. } => "histogram_over_time",
            Self::Compare { .. } => "compare",
        }
    }

    /// The attribute whose values are counted with, if there is one.
    #[must_use]
    pub fn measured(&self) -> Option<&Attribute> {
        match self {
            Self::Min { of, .. }
            | Self::Max { of, .. }
            | Self::Sum { of, .. }
            | Self::Avg { of, .. }
            | Self::Quantile { of, .. }
            | Self::Histogram { of, .. } => Some(of),
            Self::Rate { .. } | Self::Count { .. } | Self::Compare { .. } => None,
        }
    }

    /// The labels' attributes, in order.
    #[must_use]
    pub fn by(&self) -> &[Attribute] {
        match self {
            Self::Rate { by }
            | Self::Count { by }
            | Self::Min { by, .. }
            | Self::Max { by, .. }
            | Self::Sum { by, .. }
            | Self::Avg { by, .. }
            | Self::Quantile { by, .. }
            | Self::Histogram { by, .. } => by,
            Self::Compare { .. } => &[],
        }
    }
}

fn of_metrics<'q>(metrics: &'q MetricsExpr, found: &mut Vec<&'q Attribute>) {
    let query = match metrics {
        MetricsExpr::Scalar(_) => return,
        MetricsExpr::Math { left, right, .. } => {
            of_metrics(left, found);
            return of_metrics(right, found);
        }
        MetricsExpr::Query(query) => query,
    };
    of_pipeline(&query.pipeline, found);
    found.extend(query.function.measured());
    if let MetricsFunction::Compare { selection, .. } = &query.function {
        of_field(selection, found);
    }
    found.extend(query.function.by());
}

fn of_pipeline<'q>(pipeline: &'q Pipeline, found: &mut Vec<&'q Attribute>) {
    for stage in &pipeline.stages {
        match stage {
            Stage::Spanset(expr) => of_spanset(expr, found),
            Stage::Scalar(filter) => match &filter.aggregate {
                Aggregate::Count => {}
                Aggregate::Max(expr)
                | Aggregate::Min(expr)
                | Aggregate::Avg(expr)
                | Aggregate::Sum(expr) => of_field(expr, found),
            },
            Stage::GroupBy(expr) => of_field(expr, found),
            Stage::Coalesce => {}
            Stage::Select(attributes) => found.extend(attributes),
        }
    }
}

fn of_spanset<'q>(expr: &'q SpansetExpr, found: &mut Vec<&'q Attribute>) {
    match expr {
        SpansetExpr::Filter(expr) => of_field(expr, found),
        SpansetExpr::Pipeline(pipeline) => of_pipeline(pipeline, found),
        SpansetExpr::Binary { left, right, .. } => {
            of_spanset(left, found);
            of_spanset(right, found);
        }
    }
}

fn of_field<'q>(expr: &'q FieldExpr, found: &mut Vec<&'q Attribute>) {
    match expr {
        FieldExpr::Static(_) => {}
        FieldExpr::Attribute(attribute)
        | FieldExpr::Exists { attribute, .. }
        | FieldExpr::In { attribute, .. } => found.push(attribute),
        FieldExpr::Negate(operand) | FieldExpr::Not(operand) | FieldExpr::Match { operand, .. } => {
            of_field(operand, found)
        }
        FieldExpr::Binary { left, right, .. } => {
            of_field(left, found);
            of_field(right, found);
        }
    }
}

fn conjuncts<'q>(expr: &'q FieldExpr, all: &mut Vec<&'q FieldExpr>) {
    match expr {
        FieldExpr::Binary { op: BinaryOp::And, left, right } => {
            conjuncts(left, all);
            conjuncts(right, all);
        }
        other => all.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn attributes_come_in_order() {
        let table = [
            ("{ .a = 1 && span.b != nil } >> { name =~ `x` }", ".a span.b name"),
            ("{ } | by(kind) | max(.n + .m) > 1 | select(.s, status)", "kind .n .m .s status"),
            ("{ !.a } | rate() by(.b, resource.c)", ".a .b resource.c"),
            ("{ -.a > 1 } | quantile_over_time(duration, 0.5) by(.b)", ".a duration .b"),
            ("{ .a } | compare({ .b })", ".a .b"),
            ("({ .a } | rate()) / ({ .b } | sum_over_time(.c)) * 2", ".a .b .c"),
            ("({ .a } | count() > 1) && ({ .b })", ".a .b"),
        ];
        for (text, expected) in table {
            let query = parse(text).unwrap();
            let found: Vec<_> = query.attributes().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn hints_are_read_and_wrong_ones_ignored() {
        let hint = |text: &str| parse(&format!("{{ }} {text}")).unwrap();
        assert!(hint("with(most_recent=true)").most_recent());
        assert!(!hint("with(most_recent=1)").most_recent());
        assert!(!hint("").most_recent());
        assert!(hint("with(a=1) with(most_recent=false, most_recent=true)").most_recent());
        assert_eq!(hint("with(exemplars=5)").exemplars(), Some(Exemplars::Count(5)));
        assert_eq!(hint("with(exemplars=false)").exemplars(), Some(Exemplars::Wanted(false)));
        assert_eq!(hint("with(exemplars=-5)").exemplars(), None);
        assert_eq!(hint("with(exemplars=`x`)").exemplars(), None);
        assert_eq!(hint("with(x=1.5, y=nil, z=error)").hint("z").unwrap().to_string(), "error");
    }

    #[test]
    fn a_lone_filter_is_told_from_the_rest() {
        assert!(parse("{ .a }").unwrap().lone_filter().is_some());
        assert!(parse("({ .a })").unwrap().lone_filter().is_some());
        for text in ["{ .a } | count() > 1", "{ .a } && { .b }", "{ .a } | rate()"] {
            assert!(parse(text).unwrap().lone_filter().is_none(), "{text}");
        }
    }
}
