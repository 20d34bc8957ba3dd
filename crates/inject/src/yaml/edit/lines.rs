//! Lines of a text, by bytes.

/// A text, and where its lines are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'t> {
    text: &'t str,
    newline: &'static str,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Lines { text, newline: if text.contains("\r\n") { "\r\n" } else { "\n" } }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// How lines end here.
    pub(super) fn newline(&self) -> &'static str {
        self.newline
    }

    fn start(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Characters before this place in its line.
    pub(super) fn column(&self, at: usize) -> usize {
        self.text.get(self.start(at)..at).unwrap_or_default().chars().count()
    }

    /// Where the line begins, if there are only blanks before this place.
    pub(super) fn own_line(&self, at: usize) -> Option<usize> {
        let start = self.start(at);
        let blank = self.text.get(start..at)?.bytes().all(|byte| byte == b' ');
        blank.then_some(start)
    }

    /// Where the next line begins.
    pub(super) fn below(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// The beginning of the comment that stands right above a line, in the same column.
    pub(super) fn above_comments(&self, line: usize, column: usize) -> usize {
        let mut line = line;
        loop {
            let before = self.start(line.saturating_sub(1));
            let text = self.text.get(before..line).unwrap_or_default();
            let blanks = text.len() - text.trim_start_matches(' ').len();
            if before == line || blanks != column || !text.trim_start().starts_with('#') {
                return line;
            }
            line = before;
        }
    }

    /// The dash before an item that begins here.
    pub(super) fn dash(&self, at: usize) -> Option<usize> {
        let before = self.text.get(..at)?.trim_end_matches([' ', '\n', '\r']);
        let dash = before.len().checked_sub(1)?;
        before.ends_with('-').then_some(dash)
    }

    /// The end of what stands before these blanks.
    pub(super) fn before_blanks(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or_default().trim_end_matches(' ').len()
    }

    /// New lines in this column.
    pub(super) fn block(&self, lines: &[String], column: usize) -> String {
        let blanks = " ".repeat(column);
        let whole = |line: &String| match line.is_empty() {
            true => self.newline.to_owned(),
            false => format!("{blanks}{line}{}", self.newline),
        };
        lines.iter().map(whole).collect()
    }
}
