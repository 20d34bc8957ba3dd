//! Which labels span metrics have.

use crate::labels::name_of;

/// What a label of the span metrics tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// `service.name` of the resource.
    Service,
    /// The span's name.
    SpanName,
    /// The span's kind, as `SPAN_KIND_SERVER`.
    SpanKind,
    /// The status, as `STATUS_CODE_ERROR`.
    StatusCode,
    /// The status' message.
    StatusMessage,
    /// An attribute, of the resource or else of the span, by its place in [`Dimensions::attributes`].
    Attribute(usize),
}

/// The labels of the span metrics, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimensions {
    /// Each with its label's name.
    pub(crate) all: Vec<(Dimension, String)>,
    /// Keys of attributes.
    pub(crate) attributes: Vec<String>,
}

/// Those that every span has, by the names that Tempo gives them.
const OF_SPANS: [(&str, Dimension); 5] = [
    ("service", Dimension::Service),
    ("span_name", Dimension::SpanName),
    ("span_kind", Dimension::SpanKind),
    ("status_code", Dimension::StatusCode),
    ("status_message", Dimension::StatusMessage),
];
/// Labels that are something else here, or to Prometheus.
const TAKEN: [&str; 6] = ["le", "job", "instance", "tenant", "ingester", "otel_metric_overflow"];
/// Attributes, at most.
const MOST: usize = 16;
/// What is counted by where nothing else is said.
const DEFAULT: &str = "service,span_name,span_kind,status_code";

impl Dimensions {
    /// Reads names with commas: `service`, `span_name`, `span_kind`, `status_code`, `status_message`,
    /// or keys of attributes. An attribute's label is its key with `_` for what no label may have, and
    /// `__` before it where it would be one of those names.
    ///
    /// # Errors
    /// When two of them would be one label, a label is taken, or there are too many attributes.
    pub fn read(text: &str) -> Result<Dimensions, String> {
        let mut dimensions = Dimensions { all: Vec::new(), attributes: Vec::new() };
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let of_spans = OF_SPANS.iter().find(|(own, _)| *own == name);
            let (dimension, label) = match of_spans {
                Some((own, dimension)) => (dimension.clone(), (*own).to_owned()),
                None => dimensions.attribute(name)?,
            };
            if let Some((_, label)) = dimensions.all.iter().find(|(_, own)| *own == label) {
                return Err(format!("`{name}`: two of them would be the label {label}"));
            }
            dimensions.all.push((dimension, label));
        }
        if dimensions.attributes.len() > MOST {
            return Err(format!("more than {MOST} attributes"));
        }
        Ok(dimensions)
    }

    fn attribute(&mut self, key: &str) -> Result<(Dimension, String), String> {
        let mut label = name_of(key);
        if OF_SPANS.iter().any(|(own, _)| *own == label) {
            label.insert_str(0, "__");
        }
        if TAKEN.contains(&label.as_str()) {
            return Err(format!("`{key}`: the label {label} is something else"));
        }
        self.attributes.push(key.to_owned());
        Ok((Dimension::Attribute(self.attributes.len() - 1), label))
    }

    /// Whether spans of one resource with the same name, kind and status always have the same labels.
    pub(crate) fn are_few(&self) -> bool {
        let many = |(dimension, _): &(Dimension, String)| {
            matches!(dimension, Dimension::StatusMessage | Dimension::Attribute(_))
        };
        !self.all.iter().any(many)
    }
}

impl Default for Dimensions {
    fn default() -> Self {
        Dimensions::read(DEFAULT).unwrap_or(Dimensions { all: Vec::new(), attributes: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_mistakes_told() {
        let table = [
            (DEFAULT, Ok(vec!["service", "span_name", "span_kind", "status_code"])),
            ("service, http.route", Ok(vec!["service", "http_route"])),
            ("span_name,span.name", Ok(vec!["span_name", "__span_name"])),
            ("", Ok(vec![])),
            ("a.b,a_b", Err("`a_b`: two of them would be the label a_b")),
            ("service,service", Err("`service`: two of them would be the label service")),
            ("le", Err("`le`: the label le is something else")),
            ("job", Err("`job`: the label job is something else")),
        ];
        for (text, expected) in table {
            let read = Dimensions::read(text);
            let labels = read.map(|d| d.all.into_iter().map(|(_, label)| label).collect());
            let expected = expected.map(|all: Vec<&str>| all.into_iter().map(str::to_owned));
            let expected = expected.map(Iterator::collect).map_err(str::to_owned);
            assert_eq!(labels, expected as Result<Vec<String>, String>, "{text}");
        }
        let many: Vec<String> = (0..=MOST).map(|n| format!("a{n}")).collect();
        assert!(Dimensions::read(&many.join(",")).is_err());
        assert!(Dimensions::default().are_few());
        assert!(!Dimensions::read("service,http.route").unwrap().are_few());
    }
}
