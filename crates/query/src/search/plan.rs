//! A search, ready to be put to any chunk.

use crate::chunk::{Field, parts_of};
use crate::eval::{Listed, fields, listed};
use crate::split::{pipeline_needs_whole, relates_spans};
use tributary_block::Parts;
use tributary_traceql::ast::{Pipeline, SpansetExpr, Stage};

/// When a trace must have been: from its first start to its last end it must touch this, ns since
/// 1970, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First ns.
    pub start: u64,
    /// Last ns.
    pub end: u64,
}

impl Window {
    /// All of time.
    pub const ALL: Window = Window { start: 0, end: u64::MAX };

    /// Whether it is all of time.
    pub fn is_all(self) -> bool {
        self == Window::ALL
    }

    /// Whether a trace from `start` to `end` touches it.
    pub fn overlaps(self, start: u64, end: u64) -> bool {
        start <= self.end && end >= self.start
    }

    /// All of time, if everything from `start` to `end` lies within; else this window.
    #[must_use]
    pub fn unless_within(self, start: u64, end: u64) -> Window {
        if start >= self.start && end <= self.end { Window::ALL } else { self }
    }
}

/// What to look for and what to say of it.
#[derive(Debug, Clone)]
pub struct SearchPlan {
    pipeline: Pipeline,
    /// Attributes that are listed of each span.
    listed: Vec<Listed>,
    says_sets: bool,
    wants_newest: bool,
    window: Window,
    limit: usize,
    spans_per_set: usize,
}

impl SearchPlan {
    /// The plan for a pipeline. Of each trace at most `spans_per_set` spans a set are listed, and
    /// `limit` traces in all.
    pub fn new(pipeline: Pipeline, window: Window, limit: usize, spans_per_set: usize) -> Self {
        let listed = listed(&pipeline);
        let mut pipeline = pipeline;
        simplify(&mut pipeline);
        SearchPlan {
            pipeline,
            listed,
            says_sets: true,
            wants_newest: false,
            window,
            limit,
            spans_per_set,
        }
    }

    /// The same for the newest traces that match, where any of them would do.
    #[must_use]
    pub fn newest(mut self, wants_newest: bool) -> Self {
        self.wants_newest = wants_newest;
        self
    }

    /// The same, without sets of spans in the answer.
    #[must_use]
    pub fn without_sets(mut self) -> Self {
        self.says_sets = false;
        self
    }

    /// What is looked for.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// When.
    pub fn window(&self) -> Window {
        self.window
    }

    /// How many traces are wanted.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether the newest traces are wanted, and not any that match.
    pub fn wants_newest(&self) -> bool {
        self.wants_newest
    }

    /// The fields that it looks at.
    pub fn fields(&self) -> Vec<Field> {
        fields_of(&self.pipeline)
    }

    /// What spans must have for it to be put to them.
    pub fn judged_parts(&self) -> Parts {
        let mut parts = parts_of(&self.fields());
        parts.parents |= relates_spans(&self.pipeline);
        parts
    }

    /// What spans must have for all to be told of them that answers tell.
    pub fn parts(&self) -> Parts {
        Parts { parents: true, names: true, statuses: true, ..self.judged_parts() }
    }

    pub(crate) fn listed(&self) -> &[Listed] {
        &self.listed
    }

    pub(crate) fn says_sets(&self) -> bool {
        self.says_sets
    }

    /// How many spans of a set are listed.
    pub fn spans_per_set(&self) -> usize {
        self.spans_per_set
    }

    /// Whether a trace can only be judged when all of its spans are at hand: when its parts lie in
    /// several places, no part of them says whether it matches. A single filter is met by single
    /// spans.
    pub fn needs_whole_traces(&self) -> bool {
        pipeline_needs_whole(&self.pipeline)
    }
}

/// The fields that a pipeline looks at, each once.
pub(crate) fn fields_of(pipeline: &Pipeline) -> Vec<Field> {
    let mut all = Vec::new();
    for attribute in pipeline.attributes() {
        let (first, second) = fields(attribute);
        for field in [Some(first), second].into_iter().flatten() {
            if !all.contains(&field) {
                all.push(field);
            }
        }
    }
    all
}

/// Simplifies all expressions of a pipeline. What an answer says of them comes from the pipeline as
/// it was written, so names of groups are made before.
fn simplify(pipeline: &mut Pipeline) {
    fn spanset(expr: &mut SpansetExpr) {
        match expr {
            SpansetExpr::Filter(expr) => tributary_traceql::simplify_field(expr),
            SpansetExpr::Pipeline(inner) => simplify(inner),
            SpansetExpr::Binary { left, right, .. } => {
                spanset(left);
                spanset(right);
            }
        }
    }
    for stage in &mut pipeline.stages {
        if let Stage::Spanset(expr) = stage {
            spanset(expr);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_traceql::ast::Root;

    #[test]
    fn which_queries_are_about_whole_traces() {
        let table = [
            ("{ name = `a` }", false),
            ("{ name = `a` } | by(status) | select(span.x)", false),
            ("{ nestedSetParent < 0 && status = error }", false),
            ("{ nestedSetParent < 0 || status = error }", true),
            ("{ nestedSetParent > 0 }", true),
            ("{ rootName = `a` }", true),
            ("{ } | select(trace:duration)", true),
            ("{ } | count() > 1", true),
            ("{ name = `a` } > { }", true),
        ];
        for (query, needs) in table {
            let Root::Search(pipeline) = tributary_traceql::parse(query).unwrap().root else {
                panic!("{query}");
            };
            let plan = SearchPlan::new(pipeline, Window::ALL, 20, 3);
            assert_eq!(plan.needs_whole_traces(), needs, "{query}");
        }
    }
}
