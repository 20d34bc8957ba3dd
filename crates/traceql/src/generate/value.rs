//! Attributes and constants.

use super::Maker;
use crate::ast::Intrinsic;

impl<I: Iterator<Item = u8>> Maker<'_, I> {
    /// An attribute or intrinsic.
    pub(super) fn attribute(&mut self) {
        if self.choose(2) == 0 {
            return self.any_attribute();
        }
        let intrinsic = self.choose(Intrinsic::ALL.len());
        let names = Intrinsic::ALL.get(intrinsic).map_or(&[][..], |intrinsic| intrinsic.names());
        self.choose_text(names);
    }

    /// An attribute, which may have a value of any type, or be missing.
    pub(super) fn any_attribute(&mut self) {
        self.choose_text(&[".", "span.", "resource.", "event.", "link.", "instrumentation."]);
        match self.choose(6) {
            0 => self.choose_text(&["a", "http.status_code", "foo-bar", "a/b*c+d:e", "ünï🚀"]),
            1 => self.choose_text(&["status", "resource.id", "nil", "duration", "parent.x", "by"]),
            2 => self.choose_text(&["..lead", "trail.", "a..b", "`tick`", "apo'strophe", "x\\y"]),
            3 => self.choose_text(&["\"with space\"", "a.\"b c\".d", "\"5\"", "\"{}()=,|\""]),
            4 => self.choose_text(&["\"quote\\\"d\"", "\"back\\\\slash\"", "\"a\nb\"", "\"\\\\\""]),
            _ => {
                let number = self.choose(256);
                self.text(&format!("k{number}"));
            }
        }
        // A name goes on up to the next blank.
        self.text(" ");
    }

    /// Any constant.
    pub(super) fn constant(&mut self) {
        match self.choose(3) {
            0 => self.choose_text(&["true", "false", "nil", "ok", "server"]),
            1 => self.quoted(),
            _ => self.number(),
        }
    }

    /// Any constant but nil, which not every attribute compares with.
    pub(super) fn constant_beside_attribute(&mut self) {
        match self.choose(3) {
            0 => self.choose_text(&["true", "false", "ok", "error", "client", "unspecified"]),
            1 => self.quoted(),
            _ => self.number(),
        }
    }

    pub(super) fn quoted(&mut self) {
        match self.choose(4) {
            0 => self.choose_text(&["\"\"", "``", "\"a\"", "`a`", "`\"`", "\"`\"", "`\\`"]),
            1 => self.choose_text(&[
                r#""\n\t\r\a\v\\\"""#,
                r#""\x41\101\u00e9\U0001F680""#,
                r#""\xc3\xa9""#,
                "\"日本語\"",
                "`two\nlines`",
                r#""\u0000\u200b""#,
            ]),
            _ => {
                let number = self.choose(256);
                self.text(&format!("\"v{number}\""));
            }
        }
    }

    pub(super) fn number(&mut self) {
        match self.choose(5) {
            0 => self.choose_text(&["maxInt", "minInt", "9223372036854775807", "0x1F", "1_000"]),
            1 => self.choose_text(&["1e300", ".5", "5.", "1E-7", "0.1", "3.0", "2.5e+3"]),
            2 => {
                self.choose_text(&["1d2h", "1y2w3d4h5m6s7ms", "1.5s", "1h30m", "2us", "3µs", "4ns"])
            }
            3 => self.choose_text(&["0s", "1.000001ms", "90s", "100d", "1ms1ns", "-5m", "-0.5h"]),
            _ => self.small_number(),
        }
    }

    /// A number that can be computed with without overflow.
    pub(super) fn small_number(&mut self) {
        let number = self.choose(256);
        let unit = self.pick(&["", "", "", ".25", "ms", "s", "m"]);
        let sign = self.pick(&["", "", "", "-"]);
        self.text(&format!("{sign}{number}{unit}"));
    }
}
