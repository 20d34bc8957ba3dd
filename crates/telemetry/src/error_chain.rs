//! Errors in log lines.

use std::error::Error;
use std::fmt;

/// No line of causes has more characters, but for the sign that some are left out.
const LONGEST: usize = 500;
/// Of these so many stand at the beginning.
const HEAD: usize = 200;

/// An error with its causes, in one line: `no connection: transport error: connection refused`.
///
/// A `Display` of ours never prints its source. Those of other crates' errors often do, so a cause
/// that the line holds already is not said again. What others put into several lines is put into one,
/// and of what is longer than 500 characters the middle is left out: what was tried stands at
/// the beginning, and why it failed at the end.
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'e>(pub &'e (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.0.to_string();
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !line.contains(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            next = cause.source();
        }
        f.write_str(&shortened(&one_line(&line)))
    }
}

/// The same without line breaks and other control characters.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}');
    let words: Vec<&str> = words.map(str::trim).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [_] => text.trim_matches(char::is_control).to_owned(),
        words => words.join(" "),
    }
}

fn shortened(line: &str) -> String {
    let ends = line.char_indices().map(|(at, _)| at);
    let Some(over) = ends.clone().count().checked_sub(LONGEST).filter(|over| *over > 0) else {
        return line.to_owned();
    };
    let mut ends = ends.skip(HEAD);
    let (head, tail) = (ends.next(), ends.nth(over - 1));
    let part = |range: std::ops::Range<usize>| line.get(range).unwrap_or_default();
    let (head, tail) = (head.unwrap_or_default(), tail.unwrap_or_default());
    format!("{} … {}", part(0..head), part(tail..line.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fault(&'static str, Option<Box<Fault>>);

    impl fmt::Display for Fault {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Fault {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn each_cause_is_said_once() {
        let table: [(&[&str], &str); 5] = [
            (&["it failed"], "it failed"),
            (&["it failed", "timed out"], "it failed: timed out"),
            (&["it failed: timed out", "timed out"], "it failed: timed out"),
            (&["it failed: timed out", "timed out", "no route"], "it failed: timed out: no route"),
            (&["it failed", "", "no route"], "it failed: no route"),
        ];
        for (texts, expected) in table {
            let mut fault = None;
            for text in texts.iter().rev() {
                fault = Some(Box::new(Fault(text, fault)));
            }
            assert_eq!(ErrorChain(&*fault.unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn a_chain_is_one_line_and_not_too_long() {
        let table = [
            (
                "403 Forbidden: <?xml?>\n<Error>\r\n\t<Code>no</Code>",
                "403 Forbidden: <?xml?> <Error> <Code>no</Code>",
            ),
            ("ends with one\n", "ends with one"),
            ("a: b ", "a: b "),
            ("", ""),
        ];
        for (text, expected) in table {
            let fault = Fault(text, None);
            assert_eq!(ErrorChain(&fault).to_string(), expected);
        }
        let exact: &str = "é".repeat(LONGEST).leak();
        assert_eq!(ErrorChain(&Fault(exact, None)).to_string(), exact);
        let long: &str = format!("begins {}: é the reason", "é".repeat(10_000)).leak();
        let told = ErrorChain(&Fault(long, None)).to_string();
        assert_eq!(told.chars().count(), LONGEST + " … ".chars().count());
        assert!(told.starts_with("begins é") && told.ends_with(": é the reason"), "{told}");
    }
}
