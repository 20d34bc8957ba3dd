//! Modules without the lines that are comments: types stand in comments, and are a fifth of what would be
//! sent. Lines keep their numbers.

/// A module without comments that have lines of their own. A test holds modules to what makes this safe:
/// no text goes over several lines.
pub(super) fn bare(module: &str) -> String {
    let mut out = String::with_capacity(module.len());
    let mut within = false;
    for line in module.lines() {
        let text = line.trim_start();
        let begins = !within && text.starts_with("/**") && !text.contains("*/ ");
        within = within || begins;
        if !within && !text.starts_with("//") {
            out.push_str(line);
        }
        if within && text.trim_end().ends_with("*/") {
            within = false;
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::files::FILES;
    use super::bare;

    #[test]
    fn comments_go_and_lines_stay() {
        let table = [
            ("a\n// b\nc", "a\n\nc\n"),
            ("/** a */\nb // c", "\nb // c\n"),
            ("/**\n * a\n */\nb", "\n\n\nb\n"),
            ("  /** @type {x} */ (y)", "  /** @type {x} */ (y)\n"),
            ("const a = /** @type {x} */ (y);", "const a = /** @type {x} */ (y);\n"),
            ("a * b", "a * b\n"),
        ];
        for (module, expected) in table {
            assert_eq!(bare(module), expected, "{module}");
        }
    }

    #[test]
    fn no_text_goes_over_several_lines() {
        for (name, bytes) in FILES.iter().filter(|(name, _)| name.ends_with(".js")) {
            let module = String::from_utf8_lossy(bytes);
            for (number, line) in (1..).zip(module.lines()) {
                let code = line.trim_start();
                let is_comment = ["//", "/*", "*"].iter().any(|start| code.starts_with(start));
                let ticks = code.matches('`').count();
                assert!(is_comment || ticks % 2 == 0, "{name}:{number}: {line}");
            }
            assert_eq!(bare(&module).lines().count(), module.lines().count(), "{name}");
        }
    }
}
