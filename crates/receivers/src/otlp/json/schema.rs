//! OTLP's trace messages as a table: names, numbers and types of their fields.
//!
//! Taken from `opentelemetry/proto/{common,resource,trace,collector/trace}/v1` 1.11.

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    fields: &'static [Field],
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// Name in lowerCamelCase.
    pub(super) name: &'static str,
    /// Number in protobuf.
    pub(super) number: u32,
    /// What it holds.
    pub(super) is: Is,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Is {
    Text,
    /// Bytes that JSON has as hex.
    Id,
    /// Bytes that JSON has as base64.
    Base64,
    Bool,
    Fixed64,
    Fixed32,
    Uint32,
    Int64,
    Double,
    Enum(&'static Names),
    /// A message.
    One(&'static Message),
    /// Any number of messages.
    Each(&'static Message),
    /// Any number of texts.
    EachText,
}

/// Names of an enum's values, by number.
#[derive(Debug)]
pub(super) struct Names {
    prefix: &'static str,
    names: &'static [&'static str],
}

impl Names {
    /// The number of a value that is given by name.
    pub(super) fn number(&self, text: &str) -> Option<i128> {
        let name = text.strip_prefix(self.prefix).unwrap_or(text);
        let position = self.names.iter().position(|&known| known == name)?;
        i128::try_from(position).ok()
    }
}

impl Message {
    /// The field of that name, in lowerCamelCase or snake_case.
    pub(super) fn field(&self, name: &[u8]) -> Option<&'static Field> {
        self.fields.iter().find(|field| same_name(name, field.name.as_bytes()))
    }
}

fn same_name(name: &[u8], camel: &[u8]) -> bool {
    if name == camel {
        return true;
    }
    let mut rest = name.iter().copied();
    let snake = camel.iter().all(|&c| match c {
        b'A'..=b'Z' => rest.next() == Some(b'_') && rest.next() == Some(c.to_ascii_lowercase()),
        _ => rest.next() == Some(c),
    });
    snake && rest.next().is_none()
}

const fn field(number: u32, name: &'static str, is: Is) -> Field {
    Field { name, number, is }
}

/// `ExportTraceServiceRequest`.
pub(super) static REQUEST: Message =
    Message { fields: &[field(1, "resourceSpans", Is::Each(&RESOURCE_SPANS))] };

static RESOURCE_SPANS: Message = Message {
    fields: &[
        field(1, "resource", Is::One(&RESOURCE)),
        field(2, "scopeSpans", Is::Each(&SCOPE_SPANS)),
        field(3, "schemaUrl", Is::Text),
    ],
};

static RESOURCE: Message = Message {
    fields: &[
        field(1, "attributes", Is::Each(&KEY_VALUE)),
        field(2, "droppedAttributesCount", Is::Uint32),
        field(3, "entityRefs", Is::Each(&ENTITY_REF)),
    ],
};

pub(super) static ENTITY_REF: Message = Message {
    fields: &[
        field(1, "schemaUrl", Is::Text),
        field(2, "type", Is::Text),
        field(3, "idKeys", Is::EachText),
        field(4, "descriptionKeys", Is::EachText),
    ],
};

static SCOPE_SPANS: Message = Message {
    fields: &[
        field(1, "scope", Is::One(&SCOPE)),
        field(2, "spans", Is::Each(&SPAN)),
        field(3, "schemaUrl", Is::Text),
    ],
};

static SCOPE: Message = Message {
    fields: &[
        field(1, "name", Is::Text),
        field(2, "version", Is::Text),
        field(3, "attributes", Is::Each(&KEY_VALUE)),
        field(4, "droppedAttributesCount", Is::Uint32),
    ],
};

pub(super) static SPAN: Message = Message {
    fields: &[
        field(1, "traceId", Is::Id),
        field(2, "spanId", Is::Id),
        field(3, "traceState", Is::Text),
        field(4, "parentSpanId", Is::Id),
        field(5, "name", Is::Text),
        field(6, "kind", Is::Enum(&SPAN_KIND)),
        field(7, "startTimeUnixNano", Is::Fixed64),
        field(8, "endTimeUnixNano", Is::Fixed64),
        field(9, "attributes", Is::Each(&KEY_VALUE)),
        field(10, "droppedAttributesCount", Is::Uint32),
        field(11, "events", Is::Each(&EVENT)),
        field(12, "droppedEventsCount", Is::Uint32),
        field(13, "links", Is::Each(&LINK)),
        field(14, "droppedLinksCount", Is::Uint32),
        field(15, "status", Is::One(&STATUS)),
        field(16, "flags", Is::Fixed32),
    ],
};

static SPAN_KIND: Names = Names {
    prefix: "SPAN_KIND_",
    names: &["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"],
};

static EVENT: Message = Message {
    fields: &[
        field(1, "timeUnixNano", Is::Fixed64),
        field(2, "name", Is::Text),
        field(3, "attributes", Is::Each(&KEY_VALUE)),
        field(4, "droppedAttributesCount", Is::Uint32),
    ],
};

static LINK: Message = Message {
    fields: &[
        field(1, "traceId", Is::Id),
        field(2, "spanId", Is::Id),
        field(3, "traceState", Is::Text),
        field(4, "attributes", Is::Each(&KEY_VALUE)),
        field(5, "droppedAttributesCount", Is::Uint32),
        field(6, "flags", Is::Fixed32),
    ],
};

static STATUS: Message =
    Message { fields: &[field(2, "message", Is::Text), field(3, "code", Is::Enum(&STATUS_CODE))] };

static STATUS_CODE: Names = Names { prefix: "STATUS_CODE_", names: &["UNSET", "OK", "ERROR"] };

pub(super) static KEY_VALUE: Message =
    Message { fields: &[field(1, "key", Is::Text), field(2, "value", Is::One(&ANY_VALUE))] };

/// `AnyValue`, the one message that can contain itself.
pub(super) static ANY_VALUE: Message = Message {
    fields: &[
        field(1, "stringValue", Is::Text),
        field(2, "boolValue", Is::Bool),
        field(3, "intValue", Is::Int64),
        field(4, "doubleValue", Is::Double),
        field(5, "arrayValue", Is::One(&ARRAY_VALUE)),
        field(6, "kvlistValue", Is::One(&KEY_VALUE_LIST)),
        field(7, "bytesValue", Is::Base64),
    ],
};

static ARRAY_VALUE: Message = Message { fields: &[field(1, "values", Is::Each(&ANY_VALUE))] };

static KEY_VALUE_LIST: Message = Message { fields: &[field(1, "values", Is::Each(&KEY_VALUE))] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_camel_or_snake() {
        for name in ["droppedAttributesCount", "dropped_attributes_count"] {
            assert_eq!(SPAN.field(name.as_bytes()).map(|f| f.number), Some(10), "{name}");
        }
        for name in ["", "dropped_attributes", "DroppedAttributesCount", "droppedAttributesCounts"]
        {
            assert!(SPAN.field(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn enums_have_names_and_numbers() {
        let table = [("SPAN_KIND_SERVER", Some(2)), ("SERVER", Some(2)), ("7", None), ("X", None)];
        for (text, number) in table {
            assert_eq!(SPAN_KIND.number(text), number, "{text}");
        }
    }
}
