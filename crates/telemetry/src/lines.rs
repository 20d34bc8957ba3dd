//! A line of log is one line, whatever the errors of others hold.

use std::io::{self, Write};

/// Writes each event, which comes in one piece and ends with a newline, as one line: what breaks it
/// within becomes blanks.
#[derive(Debug)]
pub struct Lines<W>(pub W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        if !text.contains(&b'\n') && !text.contains(&b'\r') {
            self.0.write_all(event)?;
            return Ok(event.len());
        }
        let whole = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        let mut line: Vec<u8> = text.iter().map(whole).collect();
        line.extend_from_slice(event.get(text.len()..).unwrap_or_default());
        self.0.write_all(&line)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let table = [
            ("one\n", "one\n"),
            ("<a>\n<b>\r\n</b>\n", "<a> <b>  </b>\n"),
            ("no end\nhere", "no end here"),
            ("\n", "\n"),
            ("", ""),
        ];
        for (event, expected) in table {
            let mut lines = Lines(Vec::new());
            lines.write_all(event.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(lines.0).unwrap(), expected);
        }
    }
}
