//! What `--help` prints.

use crate::names;
use crate::table::{Setting, Table, Unset};

/// No line is longer.
const WIDTH: usize = 100;
/// Where the texts begin. A flag that is longer has its text on the next line.
const COLUMN: usize = 38;

const FORMS: &str = "Sizes are written 65536, 64KiB (or 64Ki), 1.5GiB, 16MB (or 16M); \
    times 250ms, 1.5s, 1h30m; addresses 127.0.0.1:80, [::1]:80, localhost:80 (both loopbacks), \
    :80 (all of them, IPv4 and IPv6), several with commas.";

impl Table {
    /// The text of `--help`.
    pub fn help(&self) -> String {
        let mut text = format!("{}\n\nUsage: {}\n\n", self.about, self.usage);
        broken(&mut text, String::new(), 0, self.how().split(' ').chain(FORMS.split(' ')));
        for group in self.groups {
            text.push_str(&format!("\n{}\n", group.heading));
            for setting in group.settings {
                let flag = format!("{} {}", names::flag(setting.name), setting.value);
                entry(&mut text, &flag, setting.help.split(' ').chain([&*unset(setting)]));
            }
        }
        text.push_str("\nBeside settings\n");
        entry(&mut text, "-h, --help", ["this text"]);
        entry(&mut text, "-V, --version", ["the version"]);
        if !self.end.is_empty() {
            text.push_str(&format!("\n{}\n", self.end));
        }
        text
    }

    fn how(&self) -> String {
        // A short one in which the three differ.
        let names = self.settings().map(|setting| setting.name).filter(|name| name.contains('-'));
        let name = names.min_by_key(|name| name.len()).unwrap_or("a-setting");
        let (flag, variable, key) = (names::flag(name), names::variable(name), names::key(name));
        match self.find("config") {
            None => format!(
                "Each setting is a flag or a variable: {flag} is {variable}. Flags override variables."
            ),
            Some(_) => format!(
                "Each setting is a flag, a variable or a key of the YAML file (--config): {flag} is \
                 {variable} and {key}. Flags override variables, variables override the file."
            ),
        }
    }
}

/// What applies when it is not set.
fn unset(setting: &Setting) -> String {
    match setting.unset {
        Unset::Is(default) | Unset::Means(default) => format!("[default: {default}]"),
        Unset::Required => "[required]".to_owned(),
    }
}

/// A flag and its text.
fn entry<'a>(out: &mut String, flag: &str, words: impl IntoIterator<Item = &'a str>) {
    let mut line = format!("  {flag}");
    // At least two blanks stand between the two.
    if line.chars().count() + 2 > COLUMN {
        out.push_str(&line);
        out.push('\n');
        line.clear();
    }
    line.push_str(&" ".repeat(COLUMN - line.chars().count()));
    broken(out, line, COLUMN, words);
}

/// Words on lines that begin with so many blanks, behind what stands in the first `line`.
fn broken<'a>(
    out: &mut String,
    mut line: String,
    blanks: usize,
    words: impl IntoIterator<Item = &'a str>,
) {
    let mut is_first = true;
    for word in words {
        if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = " ".repeat(blanks);
            is_first = true;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(word);
        is_first = false;
    }
    out.push_str(&line);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Group, Sibling, Unset::*, settings};

    static TABLE: Table = Table {
        program: "p",
        version: "1",
        about: "About.",
        usage: "p [--SETTING VALUE]…",
        groups: &[
            Group { heading: "One", settings: settings! { "a", "A", Required, "first"; } },
            Group {
                heading: "Two",
                settings: settings! {
                    "a-name-of-a-setting-that-is-long", "VALUE…", Is("1"), "long";
                    "b", "B", Means("of old"), "a text that has so many words that it has to be broken into several of the lines";
                },
            },
        ],
        sibling: Sibling { program: "q", names: &[] },
        end: "The end.",
    };

    #[test]
    fn aligned_grouped_and_broken() {
        let help = TABLE.help();
        let (_, settings) = help.split_once("\nOne\n").unwrap();
        let expected = "  --a A                               first [required]

Two
  --a-name-of-a-setting-that-is-long VALUE…
                                      long [default: 1]
  --b B                               a text that has so many words that it has to be broken into
                                      several of the lines [default: of old]

Beside settings
  -h, --help                          this text
  -V, --version                       the version

The end.
";
        assert_eq!(settings, expected);
        assert!(
            help.starts_with("About.\n\nUsage: p [--SETTING VALUE]…\n\nEach setting is a flag")
        );
        assert!(help.lines().all(|line| line.chars().count() <= WIDTH), "{help}");
    }
}
