//! A filter as a set of spans, made column by column.

use super::expression::{Test, prepare_parts};
use super::{EvalError, fields};
use crate::chunk::{Bits, Chunk, Column, Field, Level, NONE, Types, Value, Values, compare};
use tributary_traceql::ast::{Attribute, BinaryOp, CompareOp, FieldExpr, Intrinsic, Scope, Static};

/// The spans of `mask` for which `expr` is true.
///
/// # Errors
/// When the chunk does not give what is needed.
pub(crate) fn filter(chunk: &dyn Chunk, expr: &FieldExpr, mask: &Bits) -> Result<Bits, EvalError> {
    match expr {
        FieldExpr::Static(Static::Bool(true)) => Ok(mask.clone()),
        FieldExpr::Static(_) => Ok(Bits::none(mask.len())),
        FieldExpr::Binary { op: BinaryOp::And, .. } => all_of(chunk, expr, mask),
        FieldExpr::Binary { op: BinaryOp::Or, left, right } => {
            let mut found = filter(chunk, left, mask)?;
            let mut rest = mask.clone();
            rest.minus(&found);
            if !rest.has_none() {
                found.or(&filter(chunk, right, &rest)?);
            }
            Ok(found)
        }
        FieldExpr::Not(inner) if is_truth(inner) => {
            let mut rest = mask.clone();
            rest.minus(&filter(chunk, inner, mask)?);
            Ok(rest)
        }
        _ => match Condition::of(expr) {
            Some(condition) => condition.spans(chunk, mask),
            None => {
                let ready = prepare_parts(chunk, expr)?;
                let mut found = Bits::none(mask.len());
                mask.ones().filter(|&span| ready.holds(chunk, span)).for_each(|s| found.insert(s));
                Ok(found)
            }
        },
    }
}

/// Whether a text meets a condition on one attribute; none when other things decide.
pub(crate) fn text_passes(expr: &FieldExpr, text: &[u8]) -> Option<bool> {
    Condition::of(expr)?.text_passes(text)
}

/// Whether an expression is either true or false, and never missing.
pub(super) fn is_truth(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Exists { .. } | FieldExpr::Match { .. } | FieldExpr::In { .. } => true,
        FieldExpr::Static(constant) => matches!(constant, Static::Bool(_)),
        FieldExpr::Not(inner) => is_truth(inner),
        FieldExpr::Binary { op, .. } => {
            matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Compare(_))
        }
        _ => false,
    }
}

/// All operands of `&&`, the cheapest first, each only over what the ones before left. Conditions on
/// events must be met by one event, those on links by one link.
fn all_of(chunk: &dyn Chunk, expr: &FieldExpr, mask: &Bits) -> Result<Bits, EvalError> {
    let mut found = mask.clone();
    let (lists, mut others): (Vec<_>, Vec<_>) =
        expr.conjuncts().into_iter().partition(|expr| list_of(expr).is_some());
    others.sort_by_key(|expr| cost(expr));
    for expr in others {
        if found.has_none() {
            return Ok(found);
        }
        found = filter(chunk, expr, &found)?;
    }
    for level in [Level::Event, Level::Link] {
        let mut elements: Option<Bits> = None;
        for expr in lists.iter().filter(|expr| list_of(expr) == Some(level)) {
            if found.has_none() {
                return Ok(found);
            }
            let next = elements_of(chunk, expr)?;
            match &mut elements {
                Some(elements) => elements.and(&next),
                None => elements = Some(next),
            }
        }
        if let Some(elements) = elements {
            found = collect(chunk, level, &elements, &found)?;
        }
    }
    Ok(found)
}

/// The list, one element of which an expression is about: a condition that wants something there,
/// or several joined by `&&` and `||`.
fn list_of(expr: &FieldExpr) -> Option<Level> {
    match expr {
        FieldExpr::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            list_of(left).filter(|level| list_of(right) == Some(*level))
        }
        _ => Condition::of(expr).filter(|c| c.is_of_list() && c.is_positive()).map(|c| c.level()),
    }
}

/// The events or links that meet an expression about one of them.
fn elements_of(chunk: &dyn Chunk, expr: &FieldExpr) -> Result<Bits, EvalError> {
    match expr {
        FieldExpr::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
            let (mut elements, right) = (elements_of(chunk, left)?, elements_of(chunk, right)?);
            if *op == BinaryOp::And {
                elements.and(&right)
            } else {
                elements.or(&right)
            }
            Ok(elements)
        }
        _ => match Condition::of(expr) {
            Some(condition) => condition.elements(chunk, &condition.field.0),
            None => Ok(Bits::none(0)),
        },
    }
}

/// What reading the columns of an expression costs, roughly.
fn cost(expr: &FieldExpr) -> u32 {
    let attribute = |attribute: &Attribute| match attribute {
        Attribute::Intrinsic { intrinsic, .. } => match intrinsic {
            Intrinsic::RootName | Intrinsic::RootService | Intrinsic::TraceDuration => 0,
            Intrinsic::Status | Intrinsic::Kind | Intrinsic::Name => 2,
            Intrinsic::ScopeName | Intrinsic::ScopeVersion => 1,
            _ => 5,
        },
        Attribute::Named { scope: Some(Scope::Resource), key } if &**key == "service.name" => 0,
        Attribute::Named { scope: Some(Scope::Resource | Scope::Instrumentation), .. } => 1,
        Attribute::Named { .. } => 10,
    };
    match expr {
        FieldExpr::Static(_) => 0,
        FieldExpr::Attribute(a) => attribute(a),
        FieldExpr::Exists { attribute: a, .. } | FieldExpr::In { attribute: a, .. } => attribute(a),
        FieldExpr::Negate(inner) | FieldExpr::Not(inner) => cost(inner),
        FieldExpr::Match { operand, .. } => cost(operand) + 1,
        FieldExpr::Binary { left, right, .. } => cost(left) + cost(right) + 1,
    }
}

/// What one attribute must be.
pub(crate) struct Condition<'q> {
    field: (Field, Option<Field>),
    kind: Kind<'q>,
}

enum Kind<'q> {
    Compare(CompareOp, Value<'q>),
    Test(Test<'q>),
    Exists { negated: bool },
}

fn turned(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessEqual => CompareOp::GreaterEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterEqual => CompareOp::LessEqual,
        same => same,
    }
}

impl<'q> Condition<'q> {
    /// The condition that an expression is, if it is one on one attribute.
    pub(super) fn of(expr: &'q FieldExpr) -> Option<Condition<'q>> {
        let (attribute, kind) = match expr {
            FieldExpr::Attribute(attribute) => {
                (attribute, Kind::Compare(CompareOp::Equal, Value::Bool(true)))
            }
            FieldExpr::Exists { attribute, negated } => {
                (attribute, Kind::Exists { negated: *negated })
            }
            FieldExpr::In { attribute, values, negated } => {
                (attribute, Kind::Test(Test::In { values, negated: *negated }))
            }
            FieldExpr::Match { operand, patterns, negated } => match &**operand {
                FieldExpr::Attribute(attribute) => {
                    (attribute, Kind::Test(Test::Match { patterns, negated: *negated }))
                }
                _ => return None,
            },
            FieldExpr::Binary { op: BinaryOp::Compare(op), left, right } => {
                match (&**left, &**right) {
                    (FieldExpr::Attribute(attribute), FieldExpr::Static(constant)) => {
                        (attribute, Kind::Compare(*op, Value::of(constant)?))
                    }
                    (FieldExpr::Static(constant), FieldExpr::Attribute(attribute)) => {
                        (attribute, Kind::Compare(turned(*op), Value::of(constant)?))
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(Condition { field: fields(attribute), kind })
    }

    pub(super) fn level(&self) -> Level {
        self.field.0.level()
    }

    fn is_of_list(&self) -> bool {
        matches!(self.level(), Level::Event | Level::Link)
    }

    /// Whether an element must have the attribute.
    fn is_positive(&self) -> bool {
        !matches!(self.kind, Kind::Exists { negated: true })
    }

    /// Fields that the condition is on.
    pub(super) fn fields(&self) -> (&Field, Option<&Field>) {
        (&self.field.0, self.field.1.as_ref())
    }

    /// Types of values that may meet it.
    pub(super) fn types(&self) -> Types {
        let of = |value: &Value<'_>| match value {
            Value::Str(_) | Value::Id(_) => Types::TEXT,
            Value::Int(_) | Value::Float(_) | Value::Duration(_) => Types::NUMBER,
            Value::Bool(_) => Types::BOOL,
            Value::Status(_) | Value::Kind(_) => Types::ALL,
        };
        match &self.kind {
            // An array of another type must not look as if it were missing: it does not.
            Kind::Compare(_, value) => of(value),
            Kind::Test(Test::Match { .. }) => Types::TEXT,
            Kind::Test(Test::In { values, .. }) => values
                .iter()
                .filter_map(Value::of)
                .map(|value| of(&value))
                .reduce(Types::and)
                .unwrap_or(Types::ALL),
            Kind::Exists { .. } => Types::ALL,
        }
    }

    /// Whether a text meets it; none when only other things than the text decide.
    pub(super) fn text_passes(&self, text: &[u8]) -> Option<bool> {
        match &self.kind {
            Kind::Compare(op, value) => Some(compare(*op, &Value::Str(text), value)),
            Kind::Test(test) => Some(test.passes(&Value::Str(text))),
            Kind::Exists { .. } => None,
        }
    }

    /// Whether the values of an element meet it.
    pub(super) fn holds(&self, values: Values<'_>) -> bool {
        match &self.kind {
            Kind::Exists { negated: true } => matches!(values, Values::Nil),
            Kind::Exists { negated: false } => values.is_some(),
            Kind::Compare(op, constant) => {
                values.test(*op == CompareOp::NotEqual, |value| compare(*op, &value, constant))
            }
            Kind::Test(test) => values.test(test.wants_all(), |value| test.passes(&value)),
        }
    }

    /// The elements of a column that meet the condition.
    fn over(&self, column: &Column, len: usize) -> Bits {
        match column {
            Column::Nothing => match self.kind {
                Kind::Exists { negated: true } => Bits::all(len),
                _ => Bits::none(len),
            },
            Column::Texts(texts) => {
                let passes = |entry: &[u8]| self.holds(Values::One(Value::Str(entry)));
                let table: Vec<bool> = texts.dictionary.entries().map(passes).collect();
                let missing = self.holds(Values::Nil);
                if !missing && !table.contains(&true) {
                    return Bits::none(len);
                }
                Bits::from_fn(len, |i| match texts.index.get(i) {
                    Some(&NONE) | None => missing,
                    Some(&n) => table.get(n as usize).copied().unwrap_or_default(),
                })
            }
            Column::Cells(cells) => {
                let passes = |entry: &[u8]| self.holds(Values::One(Value::Str(entry)));
                let mut table: Vec<u8> = vec![0; cells.dictionary.len()];
                let missing = self.holds(Values::Nil);
                Bits::from_fn(len, |i| match cells.cells.get(i) {
                    None | Some(crate::chunk::Cell::Nil) => missing,
                    Some(crate::chunk::Cell::Str(n)) => match table.get_mut(*n as usize) {
                        Some(known) => {
                            if *known == 0 {
                                *known = 1 + u8::from(passes(cells.dictionary.get(*n)));
                            }
                            *known == 2
                        }
                        None => false,
                    },
                    Some(_) => self.holds(column.get(i)),
                })
            }
            Column::Ints(values)
            | Column::Durations(values)
            | Column::Statuses(values)
            | Column::Kinds(values) => self.over_ints(column, values, len),
            Column::Ids(_) => Bits::from_fn(len, |i| self.holds(column.get(i))),
        }
    }

    fn over_ints(&self, column: &Column, values: &[i64], len: usize) -> Bits {
        let wanted = match (&self.kind, column) {
            (
                Kind::Compare(op, Value::Int(n) | Value::Duration(n)),
                Column::Ints(_) | Column::Durations(_),
            )
            | (Kind::Compare(op, Value::Status(n)), Column::Statuses(_))
            | (Kind::Compare(op, Value::Kind(n)), Column::Kinds(_)) => Some((*op, *n)),
            _ => None,
        };
        let Some((op, n)) = wanted else {
            return Bits::from_fn(len, |i| self.holds(column.get(i)));
        };
        let at = |i: usize| values.get(i).copied().unwrap_or_default();
        match op {
            CompareOp::Equal => Bits::from_fn(len, |i| at(i) == n),
            CompareOp::NotEqual => Bits::from_fn(len, |i| at(i) != n),
            CompareOp::Less => Bits::from_fn(len, |i| at(i) < n),
            CompareOp::LessEqual => Bits::from_fn(len, |i| at(i) <= n),
            CompareOp::Greater => Bits::from_fn(len, |i| at(i) > n),
            CompareOp::GreaterEqual => Bits::from_fn(len, |i| at(i) >= n),
        }
    }

    /// The elements of a field's level that meet the condition.
    fn elements(&self, chunk: &dyn Chunk, field: &Field) -> Result<Bits, EvalError> {
        let column = chunk.column(field, self.types())?;
        let shape = chunk.shape();
        let len = match field.level() {
            Level::Trace => shape.traces(),
            Level::Resource => shape.resources(),
            Level::Scope => shape.scopes(),
            Level::Span => shape.spans(),
            Level::Event => chunk.events_end()?.last().map_or(0, |end| *end as usize),
            Level::Link => chunk.links_end()?.last().map_or(0, |end| *end as usize),
        };
        Ok(self.over(&column, len))
    }

    /// The spans of `mask` that meet the condition.
    fn spans(&self, chunk: &dyn Chunk, mask: &Bits) -> Result<Bits, EvalError> {
        let (first, second) = self.fields();
        let Some(second) = second else {
            if self.is_of_list() && !self.is_positive() {
                // No element may have it, be it what no comparison sees.
                let lacking = self.elements(chunk, first)?;
                let having = Bits::from_fn(lacking.len(), |i| !lacking.has(i));
                let mut rest = mask.clone();
                rest.minus(&collect(chunk, first.level(), &having, mask)?);
                return Ok(rest);
            }
            let elements = self.elements(chunk, first)?;
            return spread(chunk, first.level(), elements, mask);
        };
        // The span's value hides the resource's.
        let mut found = spread(chunk, first.level(), self.elements(chunk, first)?, mask)?;
        let shown =
            Condition { field: (first.clone(), None), kind: Kind::Exists { negated: false } };
        let shown = shown.elements(chunk, first)?;
        let of_resource = self.elements(chunk, second)?;
        let mut of_resource = spread(chunk, second.level(), of_resource, mask)?;
        if self.is_positive() {
            of_resource.minus(&shown);
            found.or(&of_resource);
        } else {
            found.and(&of_resource);
        }
        Ok(found)
    }
}

/// The spans of `mask` whose element is among these.
fn spread(chunk: &dyn Chunk, level: Level, elements: Bits, mask: &Bits) -> Result<Bits, EvalError> {
    if matches!(level, Level::Event | Level::Link) {
        return collect(chunk, level, &elements, mask);
    }
    let mut found = chunk.shape().spread(level, &elements).unwrap_or(elements);
    found.and(mask);
    Ok(found)
}

/// The spans of `mask` that have one of these events or links.
fn collect(
    chunk: &dyn Chunk,
    level: Level,
    elements: &Bits,
    mask: &Bits,
) -> Result<Bits, EvalError> {
    let ends = if level == Level::Event { chunk.events_end()? } else { chunk.links_end()? };
    let mut found = Bits::none(mask.len());
    let mut span = 0;
    for element in elements.ones() {
        while ends.get(span).is_some_and(|end| *end as usize <= element) {
            span += 1;
        }
        found.insert(span);
    }
    found.and(mask);
    Ok(found)
}
