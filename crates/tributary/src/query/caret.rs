//! A query that is none: what is wrong, and a caret under the place.

use super::value::clean;
use tributary_traceql::QueryError;

/// The error's line, the line of the query that it is in, and a caret.
pub(crate) fn pointed(text: &str, error: &QueryError) -> String {
    let told = error.to_string();
    let Some(position) = error.position() else { return told };
    let Some(line) = text.lines().nth(position.line.saturating_sub(1)) else { return told };
    let before = " ".repeat(position.column.saturating_sub(1));
    format!("{told}\n  {}\n  {before}^", clean(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_mistake() {
        let table = [
            ("{ statsu = error }", "  { statsu = error }\n    ^"),
            ("{ name = \"ü\" && statsu }", "  { name = \"ü\" && statsu }\n                  ^"),
            ("{ name = `x`\n\t&& statsu }", "   && statsu }\n      ^"),
            ("{ .a = 1", "  { .a = 1\n          ^"),
            ("", "invalid TraceQL query"),
        ];
        for (text, expected) in table {
            let told = pointed(text, &tributary_traceql::parse(text).unwrap_err());
            assert!(told.starts_with("invalid TraceQL query: "), "{told}");
            assert!(told.contains(expected), "{told}");
        }
        let long = " ".repeat(200_000);
        let told = pointed(&long, &tributary_traceql::parse(&long).unwrap_err());
        assert_eq!(told.lines().count(), 1);
    }
}
