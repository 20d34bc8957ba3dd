//! What one ingester asks another about the spans that only that one has, and the answer.
//!
//! Both are MessagePack with named fields; a receiver that does not know a variant refuses it, which
//! counts as silence. A query goes as text: both sides read it in the same way.

use crate::eval::EvalError;
use crate::join::join;
use crate::search::{Window, candidates};
use crate::tags::{Among, Names, TagValues, Wanted, names_memory, values_memory};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::HashSet;
use tributary_span::otlp::encode;
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::{FieldExpr, Pipeline, Query, Root};
use tributary_traceql::{parse, parse_attribute};

/// A question about spans that are in no block yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartQuestion {
    /// Whose spans.
    pub tenant: String,
    /// Traces that touch this time, ns since 1970, both ends included.
    pub window: (u64, u64),
    /// What is asked.
    pub asked: Asked,
}

/// What is asked about them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// All spans of the traces that may match a query, as far as these spans tell.
    Spans {
        /// The query.
        query: String,
    },
    /// All spans of these traces, but of those that [`Asked::Spans`] has given. A span that meets no
    /// filter may link two that do and lie elsewhere.
    Traces {
        /// The query.
        query: String,
        /// Ids of 16 bytes, one after the other.
        traces: ByteBuf,
    },
    /// Names of attributes.
    Names {
        /// A query of one filter, or none.
        filter: Option<String>,
    },
    /// Values of an attribute.
    Values {
        /// The attribute.
        attribute: String,
        /// Whether the older route is asked.
        is_older_route: bool,
        /// A query of one filter, or none.
        filter: Option<String>,
    },
}

/// The answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PartAnswer {
    /// What was asked for.
    pub found: FoundPart,
    /// Metas of blocks, as JSON, that only the answering ingester may know of.
    pub recent_blocks: Vec<ByteBuf>,
}

/// What is found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FoundPart {
    /// OTLP `TracesData`.
    Spans(ByteBuf),
    /// Names by scope.
    Names(Names),
    /// Types and texts of values.
    Values(Vec<(String, String)>),
}

/// Why a question is not answered.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// It is none that this release knows.
    #[error("not a question that this release knows: {0}")]
    Unknown(String),
    /// The query wants what cannot be done.
    #[error(transparent)]
    Eval(#[from] EvalError),
}

impl PartQuestion {
    /// The question as bytes.
    ///
    /// # Errors
    /// Never, in practice: everything in it has a form.
    pub fn encode(&self) -> Result<Vec<u8>, PartError> {
        rmp_serde::to_vec_named(self).map_err(|e| PartError::Unknown(e.to_string()))
    }

    /// A question from bytes.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, PartError> {
        rmp_serde::from_slice(bytes).map_err(|e| PartError::Unknown(e.to_string()))
    }

    /// What spans in memory answer.
    ///
    /// # Errors
    /// When the question is none, or wants what cannot be done.
    pub fn answer<'c>(
        &self,
        parts: impl IntoIterator<Item = &'c Columns>,
    ) -> Result<FoundPart, PartError> {
        let unknown = |what: &dyn std::fmt::Display| PartError::Unknown(what.to_string());
        let spans = join(parts, |_| true).spans;
        let window = Window { start: self.window.0, end: self.window.1 };
        let filter = |text: &Option<String>| -> Result<Option<FieldExpr>, PartError> {
            let Some(text) = text else { return Ok(None) };
            let query = parse(text).map_err(|e| unknown(&e))?;
            Ok(query.lone_filter().cloned())
        };
        Ok(match &self.asked {
            Asked::Spans { query } => {
                let query = parse(query).map_err(|e| unknown(&e))?;
                let wanted = candidates(&spans, &pipelines(&query), window)?;
                given(&spans, |trace| wanted.contains(trace))
            }
            Asked::Traces { query, traces } => {
                let query = parse(query).map_err(|e| unknown(&e))?;
                let (ids, rest) = traces.as_chunks::<16>();
                if !rest.is_empty() {
                    return Err(unknown(&"ids of traces that are cut short"));
                }
                let asked: HashSet<TraceId> = ids.iter().map(|id| TraceId(*id)).collect();
                let was_given = candidates(&spans, &pipelines(&query), window)?;
                given(&spans, |trace| asked.contains(trace) && !was_given.contains(trace))
            }
            Asked::Names { filter: text } => {
                let filter = filter(text)?;
                let mut names = Names::default();
                let among = Among { window, filter: filter.as_ref() };
                names_memory(&spans, among, &mut names)?;
                FoundPart::Names(names)
            }
            Asked::Values { attribute, is_older_route, filter: text } => {
                let attribute = parse_attribute(attribute).map_err(|e| unknown(&e))?;
                let filter = filter(text)?;
                let mut values = TagValues::default();
                let among = Among { window, filter: filter.as_ref() };
                let wanted = Wanted::new(&attribute, *is_older_route);
                values_memory(&spans, &wanted, among, &mut values)?;
                FoundPart::Values(values.parts())
            }
        })
    }
}

/// The spans of some traces.
fn given(spans: &Columns, wanted: impl FnMut(&TraceId) -> bool) -> FoundPart {
    let chosen = join([spans], wanted).spans;
    let rows: Vec<u32> = (0u32..).take(chosen.len()).collect();
    let mut body = Vec::new();
    encode::resource_spans(&mut body, &chosen, &rows);
    FoundPart::Spans(ByteBuf::from(body))
}

impl PartAnswer {
    /// The answer as bytes.
    ///
    /// # Errors
    /// Never, in practice: everything in it has a form.
    pub fn encode(&self) -> Result<Vec<u8>, PartError> {
        rmp_serde::to_vec_named(self).map_err(|e| PartError::Unknown(e.to_string()))
    }

    /// An answer from bytes.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, PartError> {
        rmp_serde::from_slice(bytes).map_err(|e| PartError::Unknown(e.to_string()))
    }
}

/// The pipelines of a query.
pub fn pipelines(query: &Query) -> Vec<&Pipeline> {
    use tributary_traceql::ast::MetricsExpr;
    fn of<'q>(expr: &'q MetricsExpr, all: &mut Vec<&'q Pipeline>) {
        match expr {
            MetricsExpr::Query(query) => all.push(&query.pipeline),
            MetricsExpr::Scalar(_) => {}
            MetricsExpr::Math { left, right, .. } => {
                of(left, all);
                of(right, all);
            }
        }
    }
    match &query.root {
        Root::Search(pipeline) => vec![pipeline],
        Root::Metrics(expr) => {
            let mut all = Vec::new();
            of(expr, &mut all);
            all
        }
    }
}
