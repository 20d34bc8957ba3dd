//! OTLP's JSON, in its two dialects.
//!
//! Senders write ids in hex and enums as numbers ([`Dialect::Otlp`]); Tempo answers in classic
//! proto3 JSON, ids in base64 and enums by name ([`Dialect::Tempo`]). Keys are in lowerCamelCase
//! and 64-bit integers are strings in both.

mod read;
mod write;

pub use read::read;
pub use write::write;

/// How ids and enums are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Hex and numbers.
    Otlp,
    /// Base64 and names.
    Tempo,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NormalSpan;
    use serde_json::Value;

    #[test]
    fn what_is_written_is_read_back() {
        let request = crate::sample::request(1);
        let read = read(&write(&request.resource_spans), Dialect::Otlp).unwrap();
        assert_eq!(NormalSpan::of(read.resource_spans), NormalSpan::of(request.resource_spans));
    }

    #[test]
    fn tempos_dialect() {
        let text = r#"{"batches":[{"scopeSpans":[{"spans":[{
            "traceId":"AQEBAQEBAQEBAQEBAQEBAQ==","spanId":"AgICAgICAgI=",
            "kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"},
            "startTimeUnixNano":"7"}]}]}]}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let spans = NormalSpan::of(read(&value, Dialect::Tempo).unwrap().resource_spans);
        assert_eq!(spans[0].trace_id.0, [1; 16]);
        assert_eq!(spans[0].span_id.0, [2; 8]);
        assert_eq!((spans[0].kind, spans[0].status_code, spans[0].start), (2, 2, 7));
        let strange = serde_json::json!({"batches": [{"resource": {"colour": 1}}]});
        let error = read(&strange, Dialect::Tempo).unwrap_err();
        assert_eq!(format!("{error:#}"), "batches: resource: colour: unknown key");
    }
}
