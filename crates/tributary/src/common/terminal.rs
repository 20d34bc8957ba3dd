//! What is written: lines that stay, and on a terminal one below them that changes.

use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Standard output.
#[derive(Debug)]
pub(crate) struct Terminal {
    /// A person looks at it as it is written.
    live: bool,
    colour: bool,
    /// Whether a changing line stands there now.
    changing: bool,
}

impl Terminal {
    pub(crate) fn of_stdout() -> Self {
        let live = std::io::stdout().is_terminal();
        // https://no-color.org: set and not empty.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Terminal { live, colour: live && !plain, changing: false }
    }

    /// A reader that is no person.
    #[cfg(test)]
    pub(crate) fn of_program() -> Self {
        Terminal { live: false, colour: false, changing: false }
    }

    pub(crate) fn colour(&self) -> bool {
        self.colour
    }

    /// How often the changing line is worth writing.
    pub(crate) fn pace(&self) -> Duration {
        if self.live { Duration::from_millis(250) } else { Duration::from_secs(1) }
    }

    pub(crate) fn width(&self) -> usize {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
        let columns = size.map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0);
        columns.unwrap_or(100).clamp(40, 160)
    }

    /// Characters of a line that is not to wrap; none where lines may be as long as they like.
    pub(crate) fn room(&self) -> Option<usize> {
        self.live.then(|| self.width())
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint("\x1b[1m", text)
    }

    pub(crate) fn green(&self, text: &str) -> String {
        self.paint("\x1b[32m", text)
    }

    pub(crate) fn red(&self, text: &str) -> String {
        self.paint("\x1b[31m", text)
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("{colour}{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A line that stays.
    pub(crate) fn say(&mut self, line: &str) {
        self.clear();
        write(std::io::stdout(), &format!("{line}\n"));
    }

    /// A line about a failure, to standard error.
    pub(crate) fn complain(&mut self, line: &str) {
        self.clear();
        write(std::io::stderr(), &format!("{}\n", self.red(line)));
    }

    /// The changing line; without a terminal a line like any other.
    pub(crate) fn status(&mut self, line: &str) {
        if !self.live {
            return self.say(line);
        }
        self.clear();
        let cut: String = line.chars().take(self.width().saturating_sub(1)).collect();
        write(std::io::stdout(), &cut);
        self.changing = true;
    }

    fn clear(&mut self) {
        if self.changing {
            write(std::io::stdout(), "\r\x1b[2K");
            self.changing = false;
        }
    }
}

/// A terminal that is gone reads nothing any more: what is done goes on.
fn write(mut out: impl Write, text: &str) {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}
