//! Plain values as columns.

use crate::data::{Attributes, Raw, Span};
use tributary_span::columns::{Attr, Builder, LinkFields, SpanFields, ValueType};
use tributary_span::protobuf::put;
use tributary_span::{Columns, SpanId, TraceId};

fn encoded(value: &Raw) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Raw::Str(text) => put::bytes(&mut out, 1, text.as_bytes()),
        Raw::Bool(is) => put::uint(&mut out, 2, u64::from(*is)),
        Raw::Int(n) => put::uint(&mut out, 3, n.cast_unsigned()),
        Raw::Float(n) => put::fixed64(&mut out, 4, n.to_bits()),
        Raw::Array(all) => put::message(&mut out, 5, |array| {
            all.iter().for_each(|element| put::bytes(array, 1, &encoded(element)));
        }),
        Raw::Pairs => put::message(&mut out, 6, |pairs| {
            put::message(pairs, 1, |pair| put::bytes(pair, 1, b"k"));
        }),
        Raw::Bytes => put::bytes(&mut out, 7, b"bytes"),
    }
    out
}

fn attrs(builder: &mut Builder, attributes: &Attributes, push: fn(&mut Builder, Attr)) {
    for (key, value) in attributes {
        let (value_type, bits) = match value {
            Raw::Str(text) => (ValueType::Str, builder.text(text.as_bytes()).0.into()),
            Raw::Int(n) => (ValueType::Int, n.cast_unsigned()),
            Raw::Float(n) => (ValueType::Double, n.to_bits()),
            Raw::Bool(is) => (ValueType::Bool, u64::from(*is)),
            Raw::Bytes => (ValueType::Bytes, builder.text(b"bytes").0.into()),
            Raw::Array(_) | Raw::Pairs => (ValueType::Any, builder.text(&encoded(value)).0.into()),
        };
        let key = builder.text(key.as_bytes());
        push(builder, Attr { key, value_type, value: bits });
    }
}

/// The spans as they arrive in one batch.
pub(crate) fn columns<'s>(spans: impl IntoIterator<Item = &'s Span>) -> Columns {
    let mut b = Builder::new();
    for span in spans {
        attrs(&mut b, &span.resource, Builder::resource_attr);
        let resource = b.end_resource(0, Default::default(), Default::default());
        attrs(&mut b, &span.scope.attributes, Builder::scope_attr);
        let name = b.text(span.scope.name.as_bytes());
        let version = b.text(span.scope.version.as_bytes());
        let scope = b.end_scope(name, version, 0, Default::default());
        for event in &span.events {
            attrs(&mut b, &event.attributes, Builder::event_attr);
            let name = b.text(event.name.as_bytes());
            b.end_event(event.time, name, 0);
        }
        for link in &span.links {
            attrs(&mut b, &link.attributes, Builder::link_attr);
            b.end_link(LinkFields {
                trace: TraceId(link.trace),
                span: SpanId(link.span),
                ..LinkFields::default()
            });
        }
        attrs(&mut b, &span.attributes, Builder::span_attr);
        let (name, message) = (b.text(span.name.as_bytes()), b.text(span.message.as_bytes()));
        b.end_span(SpanFields {
            trace: TraceId(span.trace),
            resource,
            scope,
            id: SpanId(span.id),
            parent: SpanId(span.parent),
            name,
            kind: span.kind,
            start: span.start,
            end: span.end,
            status_code: span.status,
            status_message: message,
            ..SpanFields::default()
        });
    }
    b.take()
}
