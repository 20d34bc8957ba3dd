//! Makes valid queries of the whole language out of any bytes: for property tests and fuzzing.

mod expression;
mod value;

/// How deep generated expressions are nested.
const DEPTH: usize = 4;

/// A valid query. The bytes decide what is in it; where they end it is kept short.
pub fn query(bytes: &mut impl Iterator<Item = u8>) -> String {
    let mut maker = Maker { bytes, out: String::new() };
    maker.root();
    maker.hints();
    maker.out
}

/// A valid filter, without its braces.
pub fn filter(bytes: &mut impl Iterator<Item = u8>) -> String {
    let mut maker = Maker { bytes, out: String::new() };
    maker.condition(DEPTH);
    maker.out
}

/// Writes what the bytes decide.
struct Maker<'b, I> {
    bytes: &'b mut I,
    out: String,
}

impl<I: Iterator<Item = u8>> Maker<'_, I> {
    /// A number below `count`; 0 at the end of the bytes.
    fn choose(&mut self, count: usize) -> usize {
        usize::from(self.bytes.next().unwrap_or(0)) % count.max(1)
    }

    fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let index = self.choose(from.len());
        from.get(index).copied().unwrap_or_default()
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn choose_text(&mut self, from: &[&str]) {
        let text = self.pick(from);
        self.text(text);
    }

    /// So many of something, at least one, with commas between.
    fn list(&mut self, most: usize, one: impl Fn(&mut Self)) {
        for i in 0..=self.choose(most) {
            if i > 0 {
                self.choose_text(&[", ", ","]);
            }
            one(self);
        }
    }

    fn root(&mut self) {
        match self.choose(6) {
            0 => self.spanset(DEPTH),
            1 | 2 => self.pipeline(DEPTH),
            3 => self.metrics(),
            4 => self.math(2),
            _ => self.pipelines(2),
        }
    }

    fn hints(&mut self) {
        if self.choose(4) == 1 {
            self.text(" with(");
            self.list(3, |m| {
                m.choose_text(&["most_recent", "exemplars", "sample", "other"]);
                m.choose_text(&["=", " = "]);
                m.constant();
            });
            self.text(")");
        }
    }

    fn pipeline(&mut self, depth: usize) {
        match self.choose(8) {
            1 => self.scalar_filter(),
            2 => self.group(),
            3 => self.select(),
            _ => self.spanset(depth),
        }
        for _ in 0..self.choose(4) {
            self.choose_text(&[" | ", "|"]);
            match self.choose(5) {
                0 => self.scalar_filter(),
                1 => self.group(),
                2 => self.select(),
                3 => self.text("coalesce()"),
                _ => self.spanset(depth.saturating_sub(1)),
            }
        }
    }

    fn group(&mut self) {
        self.choose_text(&["by(", "by ("]);
        match self.choose(3) {
            0 => self.attribute(),
            1 => self.arithmetic(2, true),
            // A constant alone is no group, but beside an attribute it may stand.
            _ => {
                self.any_attribute();
                self.choose_text(&[" && ", " || "]);
                self.condition(2);
            }
        }
        self.text(")");
    }

    fn select(&mut self) {
        self.text("select(");
        self.list(4, Self::attribute);
        self.text(")");
    }

    fn scalar_filter(&mut self) {
        match self.choose(3) {
            0 => self.text("count()"),
            _ => {
                self.choose_text(&["max(", "min(", "avg(", "sum("]);
                self.arithmetic(2, true);
                self.text(")");
            }
        }
        self.comparison();
        self.scalar(2);
    }

    /// A constant outside of braces.
    fn scalar(&mut self, depth: usize) {
        match self.choose(6) {
            1 if depth > 0 => {
                self.scalar(depth - 1);
                self.choose_text(&[" + ", " - ", " * "]);
                self.scalar(0);
            }
            2 if depth > 0 => {
                self.text("(");
                self.scalar(depth - 1);
                self.text(")");
            }
            3 if depth > 0 => {
                self.text("- ");
                self.scalar(0);
            }
            _ => self.small_number(),
        }
    }

    /// Pipelines in parentheses with operators between them.
    fn pipelines(&mut self, depth: usize) {
        self.text("(");
        if depth > 0 && self.choose(4) == 1 {
            self.pipelines(depth - 1);
        } else {
            self.pipeline(2);
        }
        self.text(")");
        for _ in 0..self.choose(3) {
            self.set_op();
            self.text("(");
            self.pipeline(2);
            self.text(")");
        }
    }

    fn spanset(&mut self, depth: usize) {
        match self.choose(4) {
            1 if depth > 0 => {
                self.spanset(depth - 1);
                self.set_op();
                self.spanset(depth - 1);
            }
            2 if depth > 0 => {
                self.text("(");
                self.spanset(depth - 1);
                self.text(")");
            }
            _ => self.braces(),
        }
    }

    fn braces(&mut self) {
        self.choose_text(&["{ ", "{"]);
        if self.choose(6) > 0 {
            self.condition(DEPTH);
        }
        self.choose_text(&[" }", "}", " /* } */ }", " // }\n}"]);
    }

    fn set_op(&mut self) {
        let op = self.pick(&[
            "&&", "||", ">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>",
            "&<", "&<<", "&~",
        ]);
        let blank = self.pick(&[" ", "", "\n"]);
        self.text(&format!("{blank}{op}{blank}"));
    }

    fn metrics(&mut self) {
        self.pipeline(2);
        self.text(" | ");
        if self.choose(9) == 1 {
            self.text("compare(");
            self.braces();
            self.choose_text(&["", ", 5", ", 10, 1, 2"]);
            return self.text(")");
        }
        self.function();
        self.second_stages();
    }

    fn function(&mut self) {
        match self.choose(3) {
            0 => self.choose_text(&["rate()", "count_over_time()"]),
            1 => {
                let name = self.pick(&["min", "max", "sum", "avg", "histogram"]);
                self.text(&format!("{name}_over_time("));
                self.attribute();
                self.text(")");
            }
            _ => {
                self.text("quantile_over_time(");
                self.attribute();
                self.text(", ");
                self.list(3, |m| m.choose_text(&["0", "1", ".5", "0.99"]));
                self.text(")");
            }
        }
        if self.choose(2) == 1 {
            self.choose_text(&[" by(", "by ("]);
            self.list(4, Self::attribute);
            self.text(")");
        }
    }

    fn second_stages(&mut self) {
        for _ in 0..self.choose(3) {
            match self.choose(3) {
                0 => self.choose_text(&[" | topk(3)", "|topk( 1 )"]),
                1 => self.text(" | bottomk(10)"),
                _ => {
                    self.comparison();
                    self.scalar(1);
                }
            }
        }
    }

    /// Metrics with arithmetic between them.
    fn math(&mut self, depth: usize) {
        let scalar_first = self.choose(4) == 1;
        if scalar_first {
            self.factor();
            self.choose_text(&[" + ", " - ", " * ", " / "]);
        }
        self.math_side(depth);
        for _ in 0..self.choose(3) {
            self.choose_text(&[" + ", " - ", " * ", " / "]);
            if self.choose(3) == 1 { self.factor() } else { self.math_side(depth) }
        }
        self.second_stages();
    }

    /// A number that can be divided by.
    fn factor(&mut self) {
        self.choose_text(&["2", "100", "0.5", "-1", "1s", "1e6"]);
    }

    fn math_side(&mut self, depth: usize) {
        self.text("(");
        if depth > 0 && self.choose(4) == 1 {
            self.math(depth - 1);
        } else {
            self.pipeline(2);
            self.text(" | ");
            self.function();
            self.second_stages();
        }
        self.text(")");
    }
}
