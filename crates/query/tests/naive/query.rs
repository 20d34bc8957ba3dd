//! Queries about generated spans.

use crate::condition::{Maker, NUMBERS};

const RELATIONS: [&str; 15] =
    [">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>", "&<", "&<<", "&~"];

impl Maker<'_, '_> {
    fn filter(&mut self) -> String {
        match self.c.below(4) {
            0 => "{ }".to_owned(),
            _ => format!("{{ {} }}", self.condition(3, false)),
        }
    }

    fn spanset(&mut self, depth: usize, structure: bool) -> String {
        if depth == 0 || self.c.below(3) == 0 {
            return self.filter();
        }
        let (left, right) =
            (self.spanset(depth - 1, structure), self.spanset(depth - 1, structure));
        let op = match self.c.below(3) {
            0 => "&&",
            1 => "||",
            _ if !structure => "&&",
            _ => self.c.pick(&RELATIONS),
        };
        format!("({left} {op} {right})")
    }

    fn scalar(&mut self) -> String {
        let op = self.ordered();
        match self.c.below(5) {
            0 => format!("count() {op} {}", self.c.pick(&["0", "1", "2", "3", "1.5"])),
            _ => {
                let name = self.c.pick(&["min", "max", "avg", "sum"]);
                let of = match self.c.below(4) {
                    0 => "duration".to_owned(),
                    1 => self.number_intrinsic().to_owned(),
                    2 => format!("{} ", self.key()),
                    _ => format!("{} + 1", self.key()),
                };
                format!("{name}({of}) {op} {}", self.c.pick(&NUMBERS))
            }
        }
    }

    pub(crate) fn pipeline(&mut self) -> String {
        let mut out = self.spanset(2, true);
        let mut is_split = false;
        for _ in 0..self.c.pick(&[0, 0, 1, 1, 2, 3]) {
            let stage = match self.c.below(8) {
                0 | 1 => self.scalar(),
                2 | 3 => {
                    is_split = true;
                    match self.c.below(6) {
                        0 => format!("by({})", self.number_of_span()),
                        1 => format!("by({})", self.comparison_of_span()),
                        _ => format!("by({} )", self.any_attribute()),
                    }
                }
                4 => {
                    is_split = false;
                    "coalesce()".to_owned()
                }
                5 => format!("select({} )", self.any_attribute()),
                // Structural operators are refused after by().
                _ => {
                    let structure = !is_split || self.c.once_in(12);
                    self.spanset(1, structure)
                }
            };
            out = format!("{out} | {stage}");
        }
        out
    }

    fn number_of_span(&mut self) -> String {
        format!("{} + {}", self.key(), self.number(1))
    }

    fn comparison_of_span(&mut self) -> String {
        format!("{} {} {}", self.key(), self.ordered(), self.c.pick(&NUMBERS))
    }

    /// A search.
    pub(crate) fn search(&mut self) -> String {
        match self.c.below(10) {
            8 => {
                let op = if self.c.below(2) == 0 { "&&" } else { self.c.pick(&RELATIONS) };
                format!("({}) {op} ({})", self.pipeline(), self.pipeline())
            }
            9 => format!("({}) || ({})", self.pipeline(), self.pipeline()),
            _ => self.pipeline(),
        }
    }

    /// Numbers over time.
    pub(crate) fn metrics(&mut self) -> String {
        let of = match self.c.below(4) {
            0..=2 => self.number_intrinsic().to_owned(),
            _ => self.key(),
        };
        let function = match self.c.below(8) {
            0 => "rate()".to_owned(),
            1 => "count_over_time()".to_owned(),
            2 => format!("min_over_time({of} )"),
            3 => format!("max_over_time({of} )"),
            4 => format!("sum_over_time({of} )"),
            5 => format!("avg_over_time({of} )"),
            6 => format!("quantile_over_time({of} , {})", self.c.pick(&["0.5", "0, 1", ".25, .9"])),
            _ => format!("histogram_over_time({of} )"),
        };
        let by = match self.c.below(4) {
            0 | 1 => String::new(),
            2 => format!(" by({} )", self.any_attribute()),
            _ => format!(" by({} , {} )", self.any_attribute(), self.any_attribute()),
        };
        let spans = if self.c.below(3) == 0 { self.pipeline() } else { self.filter() };
        format!("{spans} | {function}{by}")
    }
}
