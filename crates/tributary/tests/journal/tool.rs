//! The tool, asked.

use serde_json::Value;
use std::process::{Command, Output};

/// What the tool says of a bucket.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) errors: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|e| panic!("{e}: {}{}", self.text, self.errors))
    }
}

pub(crate) fn journal(arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    let command = command.arg("journal").args(arguments).env_remove("TRIBUTARY_STORE");
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: status.code().unwrap(), text: text(stdout), errors: text(stderr) }
}

/// Rule and object of everything found, with the severity in front.
pub(crate) fn findings(said: &Said) -> Vec<String> {
    let json = said.json();
    let found = json["findings"].as_array().unwrap().iter();
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    found
        .map(|f| format!("{} {} {}", text(f, "severity"), text(f, "rule"), text(f, "object")))
        .collect()
}
