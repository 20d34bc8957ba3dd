//! The recorded questions.

use serde_json::Value;
use std::collections::BTreeMap;

/// A question with its right answer.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) id: String,
    /// Which spans it is about: `shop`, `odd`, `skew`, `cases`.
    pub(crate) data: String,
    pub(crate) path: String,
    pub(crate) params: BTreeMap<String, String>,
    /// All that stands there.
    pub(crate) whole: Value,
}

/// The questions of a file in both folders that are answered with 200.
pub(crate) fn answered(file: &str) -> Vec<Question> {
    let dir = tributary_testkit::data_dir().unwrap();
    let mut all = Vec::new();
    for folder in ["tempo-answers", "query-cases"] {
        let path = dir.join(folder).join(format!("{file}.jsonl.zst"));
        let bytes = tributary_testkit::data::inflate(&path).unwrap();
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let whole: Value = serde_json::from_slice(line).unwrap();
            if whole["status"] != 200 {
                continue;
            }
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let params = whole["params"].as_object().unwrap();
            all.push(Question {
                id: text(&whole["id"]),
                data: text(&whole["data"]),
                path: text(&whole["path"]),
                params: params.iter().map(|(k, v)| (k.clone(), text(v))).collect(),
                whole,
            });
        }
    }
    assert!(!all.is_empty());
    all
}

impl Question {
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.param(name).map(|text| text.parse().unwrap())
    }
}
