//! Expressions over one span, of the types that operators want.

use super::Maker;

impl<I: Iterator<Item = u8>> Maker<'_, I> {
    /// What is true or false.
    pub(super) fn condition(&mut self, depth: usize) {
        let deep = if depth == 0 { 0 } else { 5 };
        match self.choose(9 + deep) {
            0 => self.any_attribute(),
            1 => self.choose_text(&["true", "false", "nil = nil"]),
            2 => self.nil_test(),
            3 => self.enumeration(),
            4 => self.regex(),
            5 => {
                self.text_value();
                self.comparison();
                self.text_value();
            }
            6 => {
                self.any_attribute();
                self.choose_text(&[" = ", "!=", " != "]);
                self.constant_beside_attribute();
            }
            7 | 8 => {
                self.arithmetic(depth, false);
                self.comparison();
                self.arithmetic(depth, false);
            }
            9 | 10 => {
                self.condition(depth - 1);
                self.choose_text(&[" && ", " || ", "\n&&\t", " ||"]);
                self.condition(depth - 1);
            }
            11 => {
                self.text("!(");
                self.condition(depth - 1);
                self.text(")");
            }
            12 => {
                self.choose_text(&["!", "! ", "!!"]);
                self.any_attribute();
            }
            _ => {
                self.text("(");
                self.condition(depth - 1);
                self.text(")");
            }
        }
    }

    fn nil_test(&mut self) {
        match self.choose(3) {
            // Intrinsics and resource.service.name are never nil.
            0 => {
                self.any_attribute();
                self.text(" = nil");
            }
            1 => {
                self.attribute();
                self.text(" != nil");
            }
            _ => {
                self.text("nil != ");
                self.attribute();
            }
        }
    }

    fn enumeration(&mut self) {
        let (names, values): (&[&str], &[&str]) = if self.choose(2) == 0 {
            (&["status", "span:status"], &["ok", "error", "unset"])
        } else {
            let kinds = &["unspecified", "internal", "server", "client", "producer", "consumer"];
            (&["kind", "span:kind"], kinds)
        };
        self.choose_text(names);
        self.choose_text(&[" = ", " != ", "=", "!="]);
        self.choose_text(values);
    }

    fn regex(&mut self) {
        self.text_value();
        self.choose_text(&[" =~ ", " !~ ", "=~", "!~"]);
        self.choose_text(&[r#""a.*""#, r"`\d+|[^a-z]`", "``", r#""(?i)x\\.y""#, "`^日.$`"]);
    }

    /// Something with a number: constants, attributes, and arithmetic. With `of_span` it is no
    /// constant.
    pub(super) fn arithmetic(&mut self, depth: usize, of_span: bool) {
        let deep = if depth == 0 { 0 } else { 4 };
        match self.choose(4 + deep) {
            0 => self.any_attribute(),
            1 => self.choose_text(&[
                "duration",
                "trace:duration",
                "span:childCount",
                "nestedSetParent",
                "event:timeSinceStart",
            ]),
            2 | 3 if of_span => self.any_attribute(),
            2 => self.number(),
            3 => self.small_number(),
            4 | 5 => {
                self.arithmetic(depth - 1, of_span);
                // Blanks on both sides: without, the operator may belong to an attribute's name.
                self.choose_text(&[" + ", " - ", " * ", " / ", " % ", " ^ "]);
                self.arithmetic(depth - 1, false);
            }
            6 => {
                self.choose_text(&["-", "- "]);
                self.arithmetic(0, of_span);
            }
            _ => {
                self.text("(");
                self.arithmetic(depth - 1, of_span);
                self.text(")");
            }
        }
    }

    /// Something with a text.
    fn text_value(&mut self) {
        match self.choose(3) {
            0 => self.any_attribute(),
            1 => self.choose_text(&[
                "name",
                "statusMessage",
                "trace:id",
                "rootServiceName",
                "event:name",
            ]),
            _ => self.quoted(),
        }
    }

    pub(super) fn comparison(&mut self) {
        self.choose_text(&[" = ", " != ", " < ", " <= ", " > ", " >= ", "=", ">", "<="]);
    }
}
