//! Metrics functions, and what is done with their outcome.

use super::field::valid;
use super::operand::Operand;
use super::scalar::{comparison, metric};
use super::{Deep, Parser};
use crate::ast::{
    Attribute, Comparison, MetricsExpr, MetricsFunction, MetricsQuery, Pipeline, SecondStage,
    Static,
};
use crate::check;
use crate::error::{Position, QueryError, Result};
use crate::lexer::{Symbol, TokenKind};

/// How many values `compare()` shows if nothing is said.
const DEFAULT_TOP: usize = 10;

impl Parser<'_> {
    /// A metrics function with its arguments, if one is next.
    pub(super) fn metrics_function(&mut self) -> Result<Option<MetricsFunction>> {
        let TokenKind::Word(name) = *self.kind() else { return Ok(None) };
        let at = self.at();
        let function = match name {
            "rate" | "count_over_time" => {
                self.open()?;
                self.expect(Symbol::CloseParen, ")")?;
                let by = self.labels()?;
                if name == "rate" {
                    MetricsFunction::Rate { by }
                } else {
                    MetricsFunction::Count { by }
                }
            }
            "min_over_time" => self.measured(|of, by| MetricsFunction::Min { of, by })?,
            "max_over_time" => self.measured(|of, by| MetricsFunction::Max { of, by })?,
            "sum_over_time" => self.measured(|of, by| MetricsFunction::Sum { of, by })?,
            "avg_over_time" => self.measured(|of, by| MetricsFunction::Avg { of, by })?,
            "histogram_over_time" => {
                self.measured(|of, by| MetricsFunction::Histogram { of, by })?
            }
            "quantile_over_time" => self.quantile()?,
            "compare" => self.compare()?,
            _ => return Ok(None),
        };
        valid(at, check::function(&function))?;
        Ok(Some(function))
    }

    /// The parenthesis behind a function's name.
    fn open(&mut self) -> Result<()> {
        self.advance();
        self.expect(Symbol::OpenParen, "(")
    }

    /// `by(…)`, which may be missing.
    fn labels(&mut self) -> Result<Vec<Attribute>> {
        if !self.eat_word("by") {
            return Ok(Vec::new());
        }
        self.expect(Symbol::OpenParen, "(")?;
        self.attributes()
    }

    /// A function of one attribute.
    fn measured(
        &mut self,
        function: impl FnOnce(Attribute, Vec<Attribute>) -> MetricsFunction,
    ) -> Result<MetricsFunction> {
        self.open()?;
        let of = self.attribute()?;
        self.expect(Symbol::CloseParen, ")")?;
        Ok(function(of, self.labels()?))
    }

    fn quantile(&mut self) -> Result<MetricsFunction> {
        self.open()?;
        let of = self.attribute()?;
        self.expect(Symbol::Comma, ", and a quantile such as 0.9")?;
        let mut quantiles = Vec::new();
        loop {
            let number = match self.kind() {
                TokenKind::Int(number) => *number as f64,
                TokenKind::Float(number) => *number,
                _ => return Err(self.unexpected("a quantile such as 0.9")),
            };
            self.advance();
            quantiles.push(number);
            if !self.eat(Symbol::Comma) {
                break;
            }
        }
        self.expect(Symbol::CloseParen, ", or )")?;
        Ok(MetricsFunction::Quantile { of, quantiles, by: self.labels()? })
    }

    /// `compare({ … })`, `compare({ … }, top)` or `compare({ … }, top, start, end)`
    fn compare(&mut self) -> Result<MetricsFunction> {
        self.open()?;
        let selection = self.filter()?.node;
        let mut top = DEFAULT_TOP;
        let mut range = None;
        if self.eat(Symbol::Comma) {
            top = usize::try_from(self.count()?).unwrap_or(usize::MAX);
            if self.eat(Symbol::Comma) {
                let start = self.count()?;
                self.expect(Symbol::Comma, ", and the end")?;
                range = Some((start, self.count()?));
            }
        }
        self.expect(Symbol::CloseParen, ", or )")?;
        Ok(MetricsFunction::Compare { selection, top, range })
    }

    /// The query of a function that was read, with all that stands behind it.
    pub(super) fn metrics_query(
        &mut self,
        pipeline: Deep<Pipeline>,
        function: MetricsFunction,
    ) -> Result<Deep<MetricsExpr>> {
        let query = MetricsQuery { pipeline: pipeline.node, function, then: Vec::new() };
        let mut node = MetricsExpr::Query(query);
        self.second_stages(&mut node)?;
        Ok(Deep { node, depth: pipeline.depth + 1 })
    }

    /// `| topk(…)`, `| bottomk(…)` and comparisons behind metrics.
    pub(super) fn second_stages(&mut self, metrics: &mut MetricsExpr) -> Result<()> {
        loop {
            let at = self.at();
            let stage = match self.symbol() {
                Some(Symbol::Pipe) => {
                    self.advance();
                    self.ranking()?
                }
                Some(symbol) => {
                    let Some(op) = comparison(symbol) else { return Ok(()) };
                    self.advance();
                    let value = self.metric_constant()?;
                    SecondStage::Filter(Comparison { op, value })
                }
                None => return Ok(()),
            };
            let then = match metrics {
                MetricsExpr::Query(query) => {
                    if matches!(query.function, MetricsFunction::Compare { .. }) {
                        let message = "nothing can follow compare()";
                        return Err(QueryError::validation(at, message));
                    }
                    &mut query.then
                }
                MetricsExpr::Math { then, .. } => then,
                MetricsExpr::Scalar(_) => return Err(self.unexpected("a metrics query")),
            };
            then.push(stage);
        }
    }

    fn ranking(&mut self) -> Result<SecondStage> {
        let stage: fn(usize) -> SecondStage = match self.kind() {
            TokenKind::Word("topk") => SecondStage::TopK,
            TokenKind::Word("bottomk") => SecondStage::BottomK,
            _ => return Err(self.unexpected("topk(…) or bottomk(…) behind metrics")),
        };
        self.open()?;
        let at = self.at();
        let count = positive(at, self.count()?)?;
        self.expect(Symbol::CloseParen, ")")?;
        Ok(stage(count))
    }

    fn metric_constant(&mut self) -> Result<f64> {
        let at = self.at();
        match self.nested(|parser| parser.operand(2))? {
            Operand::Scalar(value @ (Static::Int(_) | Static::Float(_) | Static::Duration(_))) => {
                metric(&value).ok_or_else(|| QueryError::parse(at, "expected a number"))
            }
            _ => Err(QueryError::parse(at, "metrics compare with a number or duration only")),
        }
    }
}

fn positive(at: Position, count: i64) -> Result<usize> {
    match usize::try_from(count) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(QueryError::validation(at, "the number of series must be greater than 0")),
    }
}
