//! Names of attributes and their values, as lists.

use super::value::clean;
use serde::Deserialize;
use tributary_traceql::ast::{Attribute, Scope};

/// A `SearchTagsV2Response`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tags {
    scopes: Vec<Names>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Names {
    name: String,
    tags: Vec<String>,
}

/// A `SearchTagValuesV2Response`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Values {
    #[serde(rename = "tagValues")]
    values: Vec<TypedValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TypedValue {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl Tags {
    /// A heading for each scope, then its names, each as a query has it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for Names { name: scope, tags } in &self.scopes {
            lines.push(clean(scope));
            lines.extend(tags.iter().map(|tag| format!("  {}", clean(&written(scope, tag)))));
        }
        lines
    }
}

impl Values {
    /// A value a line, its type before it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let width = self.values.iter().map(|value| value.kind.chars().count()).max().unwrap_or(0);
        let line = |TypedValue { kind, value }: &TypedValue| {
            format!("{:<width$}  {}", clean(kind), clean(value))
        };
        self.values.iter().map(line).collect()
    }
}

/// A name as a query has it: with its scope, and quoted where it must be.
fn written(scope: &str, tag: &str) -> String {
    let scope = match scope {
        "span" => Scope::Span,
        "resource" => Scope::Resource,
        "event" => Scope::Event,
        "link" => Scope::Link,
        "instrumentation" => Scope::Instrumentation,
        _ => return tag.to_owned(),
    };
    Attribute::Named { scope: Some(scope), key: tag.into() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_as_queries_have_them() {
        let json = r#"{"scopes":[{"name":"resource","tags":["service.name","two words"]},
            {"name":"span","tags":["a"]},{"name":"intrinsic","tags":["name","span:kind"]}],"metrics":{}}"#;
        let tags: Tags = serde_json::from_str(json).unwrap();
        let expected = [
            "resource",
            "  resource.service.name",
            "  resource.\"two words\"",
            "span",
            "  span.a",
            "intrinsic",
            "  name",
            "  span:kind",
        ];
        assert_eq!(tags.lines(), expected);
    }

    #[test]
    fn values_stand_with_their_types() {
        let json =
            r#"{"tagValues":[{"type":"string","value":"GET"},{"type":"int","value":"200"}]}"#;
        let values: Values = serde_json::from_str(json).unwrap();
        assert_eq!(values.lines(), ["string  GET", "int     200"]);
        assert!(serde_json::from_str::<Values>("{}").unwrap().lines().is_empty());
    }
}
