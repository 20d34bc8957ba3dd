//! How log lines look: the same settings for every program.

use crate::given::Given;
use crate::table::{Group, Unset::Is};
use crate::value::choice;
use tracing::Level;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// The least important level that is written.
    pub level: Level,
}

impl Log {
    /// The settings that [`Log::take`] takes.
    pub const GROUP: Group = Group {
        heading: "The log, on standard error",
        settings: crate::settings! {
            "log-format", "text|json", Is("text"), "how lines are written";
            "log-level", "LEVEL", Is("info"), "error, warn, info or debug";
        },
    };

    /// Takes them.
    pub fn take(given: &mut Given) -> Log {
        let formats = [("text", false), ("json", true)];
        let levels = [
            ("error", Level::ERROR),
            ("warn", Level::WARN),
            ("info", Level::INFO),
            ("debug", Level::DEBUG),
        ];
        Log {
            json: given.take("log-format", |text| choice(text, &formats)),
            level: given.take("log-level", |text| choice(text, &levels)),
        }
    }
}
