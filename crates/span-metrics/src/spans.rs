//! Whose a span is, and the labels of its series.

use crate::attributes::{self as key, Found, Keys, first};
use crate::dimensions::{Dimension, Dimensions};
use crate::labels::{append, append_value, cut, name_of};
use crate::series::end_value;
use std::borrow::Cow;
use std::sync::Arc;
use tributary_span::columns::{Columns, Text};

/// Resource attributes that `job` and `instance` tell of.
const TOLD: [&[u8]; 3] = [b"service.name", b"service.namespace", b"service.instance.id"];
/// Labels that resource attributes give way to in `traces_target_info`.
const OTHERS: [&str; 9] = [
    "service",
    "span_name",
    "span_kind",
    "status_code",
    "status_message",
    "job",
    "instance",
    "tenant",
    "ingester",
];
/// Resources of a frame that are kept at a time: more are read again for each of their spans, so that a
/// frame cannot claim memory by having many.
const KEPT: usize = 256;

/// What the spans of a resource have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resource {
    /// None when it has no name, or an empty one.
    pub(crate) service: Option<Arc<str>>,
    job: String,
    instance: String,
    /// Its attributes that count here.
    pub(crate) found: Found,
}

impl Resource {
    /// Reads resource `number` of a frame.
    fn read(keys: &mut Keys, columns: &Columns, number: usize) -> Resource {
        let mut found = Found::default();
        keys.find(columns, columns.attrs_of_resource(number), &mut found);
        let text = |key| found.text(key, columns).filter(|text| !text.is_empty());
        let name = text(key::SERVICE_NAME);
        let job = match (&name, text(key::SERVICE_NAMESPACE)) {
            (None, _) => String::new(),
            (Some(name), None) => name.clone().into_owned(),
            (Some(name), Some(namespace)) => format!("{namespace}/{name}"),
        };
        let instance = text(key::SERVICE_INSTANCE).unwrap_or_default().into_owned();
        let service = name.map(|name| Arc::from(cut(&name)));
        Resource { service, job, instance, found }
    }

    /// Its labels in `traces_target_info`; nothing when they would name nothing, or tell nothing more.
    pub(crate) fn target(&self, columns: &Columns, number: usize) -> Option<String> {
        let mut told = String::new();
        let mut value = String::new();
        let mut names: Vec<String> = Vec::new();
        for attr in columns.attrs_of_resource(number) {
            let key = columns.texts.get(attr.key);
            if TOLD.contains(&key) || key.first().is_none_or(u8::is_ascii_digit) {
                continue;
            }
            let mut name = name_of(columns.texts.str(attr.key));
            if OTHERS.contains(&name.as_str()) {
                name.insert_str(0, "__");
            }
            // Two labels of one name make the whole page unreadable: the first counts.
            if names.contains(&name) {
                continue;
            }
            value.clear();
            append_value(&mut value, columns, attr);
            append(&mut told, &name, &value);
            names.push(name);
        }
        let tells = !told.is_empty() && (!self.job.is_empty() || !self.instance.is_empty());
        append(&mut told, "job", &self.job);
        append(&mut told, "instance", &self.instance);
        tells.then_some(told)
    }
}

/// The resources of a frame.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    first: Vec<Resource>,
    /// The last one that was asked for beyond those, and its number.
    other: Resource,
    number: Option<usize>,
}

impl Resources {
    /// A frame begins.
    pub(crate) fn begin(&mut self, keys: &mut Keys, columns: &Columns) {
        let many = columns.resources.attrs_end.len().min(KEPT);
        self.number = None;
        self.first.clear();
        self.first.extend((0..many).map(|number| Resource::read(keys, columns, number)));
    }

    /// Resource `number` of the frame.
    pub(crate) fn get(&mut self, keys: &mut Keys, columns: &Columns, number: usize) -> &Resource {
        if number >= self.first.len() && self.number != Some(number) {
            self.other = Resource::read(keys, columns, number);
            self.number = Some(number);
        }
        self.first.get(number).unwrap_or(&self.other)
    }
}

/// What the labels of a span are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labelled<'a> {
    pub(crate) columns: &'a Columns,
    pub(crate) resource: &'a Resource,
    /// The span's own attributes.
    pub(crate) own: &'a Found,
    pub(crate) name: Text,
    pub(crate) kind: i32,
    pub(crate) status: i32,
    pub(crate) message: Text,
}

impl Labelled<'_> {
    /// Appends the key of its series: a value for each dimension, then `job` and `instance` where
    /// targets are told.
    pub(crate) fn key(&self, out: &mut Vec<u8>, dimensions: &Dimensions, keys: &Keys, job: bool) {
        let texts = &self.columns.texts;
        for (dimension, _) in &dimensions.all {
            let value = match dimension {
                Dimension::Service => Cow::from(self.resource.service.as_deref().unwrap_or("")),
                Dimension::SpanName => Cow::from(texts.str(self.name)),
                Dimension::SpanKind => kind_name(self.kind),
                Dimension::StatusCode => status_name(self.status),
                Dimension::StatusMessage => Cow::from(texts.str(self.message)),
                Dimension::Attribute(_) => keys
                    .number(dimension)
                    .and_then(|key| first([&self.resource.found, self.own], key, self.columns))
                    .unwrap_or_default(),
            };
            out.extend_from_slice(cut(&value).as_bytes());
            end_value(out);
        }
        if job {
            for value in [&self.resource.job, &self.resource.instance] {
                out.extend_from_slice(cut(value).as_bytes());
                end_value(out);
            }
        }
    }
}

/// OTLP's name of a kind; the number of one that it does not know.
fn kind_name(kind: i32) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        0 => "SPAN_KIND_UNSPECIFIED",
        1 => "SPAN_KIND_INTERNAL",
        2 => "SPAN_KIND_SERVER",
        3 => "SPAN_KIND_CLIENT",
        4 => "SPAN_KIND_PRODUCER",
        5 => "SPAN_KIND_CONSUMER",
        other => return Cow::Owned(other.to_string()),
    })
}

/// The same of a status.
fn status_name(status: i32) -> Cow<'static, str> {
    Cow::Borrowed(match status {
        0 => "STATUS_CODE_UNSET",
        1 => "STATUS_CODE_OK",
        2 => "STATUS_CODE_ERROR",
        other => return Cow::Owned(other.to_string()),
    })
}
