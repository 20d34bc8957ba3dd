//! Errors in log lines.

use std::error::Error;
use std::fmt;

/// An error with its causes, in one line: `no connection: transport error: connection refused`.
///
/// A `Display` of ours never prints its source. Those of other crates' errors often do, so a cause
/// that the line holds already is not said again.
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
        f.write_str(&line)
    }
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
}
