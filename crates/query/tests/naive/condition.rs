//! Conditions on what generated spans have.

use crate::choices::Choices;
use crate::data::{OTHER_KEYS, RESOURCE_KEYS, SPAN_KEYS};

/// Makes queries out of choices.
pub(crate) struct Maker<'c, 'b> {
    pub(crate) c: &'c mut Choices<'b>,
    /// Whether it may ask for events and links. Then there are no constants among conditions:
    /// which conditions are about one event should not hang on whether those are computed first.
    lists: bool,
}

const TEXTS: [&str; 8] =
    ["\"x\"", "\"y\"", "\"xy\"", "\"\"", "\"é\"", "\"5\"", "\"true\"", "\"nowhere\""];
pub(crate) const NUMBERS: [&str; 12] =
    ["0", "1", "2", "5", "-3", "0.5", "2.0", "5.0", "-1.5", "1000000", "1ms", "1e6"];
const PATTERNS: [&str; 6] = ["\"x\"", "\"x.*\"", "\".*\"", "\"[0-9]+\"", "\"\"", "\"(?i)X|true\""];

impl<'c, 'b> Maker<'c, 'b> {
    pub(crate) fn new(c: &'c mut Choices<'b>) -> Self {
        let lists = c.below(2) == 1;
        Maker { c, lists }
    }

    pub(crate) fn key(&mut self) -> String {
        let scope =
            self.c.pick(&[".", "span.", "resource.", "instrumentation.", "event.", "link."]);
        let keys: &[&str] = match scope {
            "span." => &SPAN_KEYS,
            "resource." | "." => &RESOURCE_KEYS,
            _ => &OTHER_KEYS,
        };
        match scope {
            "event." | "link." if !self.lists => format!("span.{}", self.c.pick(keys)),
            scope => format!("{scope}{}", self.c.pick(keys)),
        }
    }

    /// An intrinsic with a text.
    fn text_intrinsic(&mut self) -> &'static str {
        let plain = [
            "name",
            "statusMessage",
            "rootName",
            "rootServiceName",
            "instrumentation:name",
            "instrumentation:version",
        ];
        match self.lists && self.c.once_in(3) {
            true => "event:name",
            false => self.c.pick(&plain),
        }
    }

    pub(crate) fn number_intrinsic(&mut self) -> &'static str {
        let plain = ["duration", "span:childCount", "traceDuration"];
        match self.lists && self.c.once_in(3) {
            true => "event:timeSinceStart",
            false => self.c.pick(&plain),
        }
    }

    /// What has no type before there is a span.
    fn attribute(&mut self) -> String {
        match self.c.below(6) {
            4 => self.text_intrinsic().to_owned(),
            5 => self.number_intrinsic().to_owned(),
            _ => self.key(),
        }
    }

    pub(crate) fn any_attribute(&mut self) -> String {
        match self.c.below(8) {
            7 => {
                self.c.pick(&["status", "kind", "span:id", "span:parentID", "trace:id"]).to_owned()
            }
            _ => self.attribute(),
        }
    }

    pub(crate) fn ordered(&mut self) -> &'static str {
        self.c.pick(&["=", "!=", "<", "<=", ">", ">="])
    }

    fn equality(&mut self) -> &'static str {
        self.c.pick(&["=", "!="])
    }

    fn constant(&mut self) -> &'static str {
        match self.c.below(8) {
            0 | 1 => self.c.pick(&TEXTS[..3]),
            2 => self.c.pick(&TEXTS),
            3..=5 => self.c.pick(&NUMBERS),
            _ => self.c.pick(&["true", "false"]),
        }
    }

    /// One comparison.
    fn comparison(&mut self) -> String {
        match self.c.below(14) {
            0..=2 => {
                let (key, constant) = (self.key(), self.constant());
                let is_bool = matches!(constant, "true" | "false");
                let op = if is_bool { self.equality() } else { self.ordered() };
                match self.c.once_in(5) {
                    true => format!("{constant} {op} {key} "),
                    false => format!("{key} {op} {constant}"),
                }
            }
            3 => format!("{} {} nil", self.bare_key(), self.equality()),
            4 => {
                let text = match self.c.below(3) {
                    0 => self.text_intrinsic().to_owned(),
                    1 => self.c.pick(&["span:id", "trace:id", "span:parentID"]).to_owned(),
                    _ => self.key(),
                };
                format!("{text} {} {}", self.c.pick(&["=~", "!~"]), self.c.pick(&PATTERNS))
            }
            5 => {
                let text = self.text_intrinsic();
                format!("{text} {} {}", self.ordered(), self.c.pick(&TEXTS))
            }
            6 => {
                let number = self.number_intrinsic();
                format!("{number} {} {}", self.ordered(), self.c.pick(&NUMBERS))
            }
            7 => match self.c.below(4) {
                0 => {
                    format!("status {} {}", self.equality(), self.c.pick(&["ok", "error", "unset"]))
                }
                1 => format!("kind {} {}", self.equality(), self.c.pick(&["server", "client"])),
                2 => self.id(),
                _ => self.number_of_set(),
            },
            8 => self.chain(),
            9 | 10 => {
                let (left, right) = (self.number(2), self.number(2));
                let op = self.ordered();
                format!("{left} {op} {right}")
            }
            11 => format!("{} {} {} ", self.key(), self.ordered(), self.attribute()),
            _ => format!("{} ", self.key()),
        }
    }

    /// Not what is never missing.
    fn bare_key(&mut self) -> String {
        let key = self.key();
        if key == "resource.service.name" { "resource.a".to_owned() } else { key }
    }

    fn id(&mut self) -> String {
        let op = self.ordered();
        let ids = ["\"1\"", "\"0000000000000002\"", "\"\"", "\"00cd000000000004\"", "\"3\""];
        match self.c.below(4) {
            0 => format!("trace:id {op} {}", self.c.pick(&ids)),
            1 => format!("span:id {op} {}", self.c.pick(&ids)),
            2 => format!("span:parentID {op} {}", self.c.pick(&["\"0\"", "\"0000000000000000\""])),
            _ if self.lists => {
                format!(
                    "{} {op} {}",
                    self.c.pick(&["link:spanID", "link:traceID"]),
                    self.c.pick(&ids)
                )
            }
            _ => format!("{} {op} span:id", self.c.pick(&["span:parentID", "trace:id"])),
        }
    }

    /// Only their signs: the numbers depend on the order of the spans.
    fn number_of_set(&mut self) -> String {
        let numbers = ["nestedSetParent < 0", "nestedSetParent = -1", "nestedSetParent > 0"];
        let more = ["nestedSetLeft > 0", "nestedSetRight = 0", "nestedSetParent != 0"];
        if self.c.below(2) == 0 { self.c.pick(&numbers) } else { self.c.pick(&more) }.to_owned()
    }

    /// Several comparisons of one attribute, that become one.
    fn chain(&mut self) -> String {
        let key = if self.c.below(3) == 0 { self.text_intrinsic().to_owned() } else { self.key() };
        let is_text = !key.contains('.');
        let (op, pattern_op, joint) = self.c.pick(&[
            ("=", "=~", "||"),
            ("!=", "!~", "&&"),
            ("=", "=~", "&&"),
            ("!=", "!~", "||"),
        ]);
        let patterns = self.c.once_in(3);
        let parts: Vec<String> = (0..2 + self.c.below(3))
            .map(|_| match patterns {
                true => format!("{key} {pattern_op} {}", self.c.pick(&PATTERNS)),
                false if is_text => format!("{key} {op} {}", self.c.pick(&TEXTS)),
                false => format!("{key} {op} {}", self.constant()),
            })
            .collect();
        format!("({})", parts.join(&format!(" {joint} ")))
    }

    /// Something with a number.
    pub(crate) fn number(&mut self, depth: usize) -> String {
        match self.c.below(if depth == 0 { 4 } else { 7 }) {
            0 => format!("{} ", self.key()),
            1 => self.number_intrinsic().to_owned(),
            2 => format!("{} ", self.key()),
            3 => match self.lists {
                true => self.number_intrinsic().to_owned(),
                false => self.c.pick(&NUMBERS).to_owned(),
            },
            6 => format!("-({})", self.number(depth - 1)),
            _ => {
                let op = self.c.pick(&["+", "-", "*", "/", "%", "^"]);
                let (left, right) = (self.number(depth - 1), self.number(0));
                let right =
                    if self.c.below(2) == 0 { self.c.pick(&NUMBERS).to_owned() } else { right };
                format!("({left} {op} {right})")
            }
        }
    }

    /// A condition; `negated` when `!` stands before it.
    pub(crate) fn condition(&mut self, depth: usize, negated: bool) -> String {
        let deep = if depth == 0 { 0 } else { 8 };
        match self.c.below(6 + deep) {
            5 if !self.lists => self.c.pick(&["true", "false", "1 + 1 = 2", "2.0 < 1"]).to_owned(),
            6 | 7 => {
                let (left, right) =
                    (self.condition(depth - 1, false), self.condition(depth - 1, false));
                format!("({left} && {right})")
            }
            8..=11 => {
                let (left, right) =
                    (self.condition(depth - 1, false), self.condition(depth - 1, false));
                format!("({left} || {right})")
            }
            12 if !negated => format!("!({})", self.condition(depth - 1, true)),
            13 if !negated => {
                let (left, right) = (self.condition(depth - 1, true), self.condition(0, true));
                format!("(({left}) {} ({right}))", self.equality())
            }
            _ => self.comparison(),
        }
    }
}
