//! The requests of the streaming service, which become the same calls as those over HTTP.

use crate::api::head::nanoseconds;
use crate::api::request::bad_request;
use crate::api::{
    Accept, Answer, Call, MetricsCall, MetricsForm, SearchCall, Version, metrics, moment, search,
    tags, values,
};
use std::time::SystemTime;
use tributary_span::protobuf::{Field, Fields, Malformed};

/// `SearchRequest`: Tags = 1 (a map of texts), MinDurationMs = 2, MaxDurationMs = 3, Limit = 4,
/// start = 5, end = 6, Query = 8, SpansPerSpanSet = 9. What is 0 was not given.
///
/// # Errors
/// The answer that refuses it: no such message, or one that asks what cannot be answered.
pub fn search_request(message: &[u8], tenants: Vec<String>) -> Result<SearchCall, Answer> {
    let mut asked = search::Asked::default();
    let read = each_field(message, |field| {
        match field.number {
            1 => set_tag(&mut asked.tags.tags, entry(field.bytes()?)?),
            2 => asked.tags.min_duration = milliseconds(&field)?,
            3 => asked.tags.max_duration = milliseconds(&field)?,
            4 => asked.limit = Some(count(&field)?).filter(|limit| *limit > 0),
            5 => asked.ends.start = field.varint32()?,
            6 => asked.ends.end = field.varint32()?,
            8 => asked.query = field.text()?.to_owned(),
            9 => asked.spans_per_set = count(&field)?,
            _ => {}
        }
        Ok(())
    });
    read.and_then(|()| asked.call(tenants, Accept::Protobuf)).map_err(bad_request)
}

/// `QueryRangeRequest`: query = 1, start = 2, end = 3, step = 4, exemplars = 16, maxSeries = 17,
/// instant = 18; times are in nanoseconds. What is 0 was not given.
///
/// # Errors
/// As [`search_request`].
pub fn range_request(
    message: &[u8],
    tenants: Vec<String>,
    now: SystemTime,
) -> Result<MetricsCall, Answer> {
    metrics_request(MetricsForm::Range, message, tenants, now)
}

/// `QueryInstantRequest`: query = 1, start = 2, end = 3.
///
/// # Errors
/// As [`search_request`].
pub fn instant_request(
    message: &[u8],
    tenants: Vec<String>,
    now: SystemTime,
) -> Result<MetricsCall, Answer> {
    metrics_request(MetricsForm::Instant, message, tenants, now)
}

fn metrics_request(
    form: MetricsForm,
    message: &[u8],
    tenants: Vec<String>,
    now: SystemTime,
) -> Result<MetricsCall, Answer> {
    let mut asked = metrics::Asked::default();
    let read = each_field(message, |field| {
        match (field.number, form) {
            (1, _) => asked.query = field.text()?.to_owned(),
            (2, _) => asked.start = time(&field)?,
            (3, _) => asked.end = time(&field)?,
            (4, MetricsForm::Range) => asked.step = given(field.varint()?),
            (16, MetricsForm::Range) => {
                asked.exemplars = Some(count(&field)?).filter(|exemplars| *exemplars > 0);
            }
            (17, MetricsForm::Range) => asked.max_series = count(&field)?,
            (18, MetricsForm::Range) => asked.instant = field.varint()? != 0,
            _ => {}
        }
        Ok(())
    });
    read.and_then(|()| asked.call(form, tenants, nanoseconds(now))).map_err(bad_request)
}

/// `SearchTagsRequest`: scope = 1, query = 2, start = 3, end = 4, maxTagsPerScope = 5. The call is
/// [`Call::Tags`] or, with the answer's message, [`Call::Ready`].
///
/// # Errors
/// As [`search_request`].
pub fn tags_request(
    version: Version,
    message: &[u8],
    tenants: Vec<String>,
) -> Result<Call, Answer> {
    let mut asked = tags::Asked::default();
    let read = each_field(message, |field| {
        match field.number {
            1 => asked.scope = field.text()?.to_owned(),
            2 => asked.query = field.text()?.to_owned(),
            3 => asked.ends.start = field.varint32()?,
            4 => asked.ends.end = field.varint32()?,
            5 => asked.limit = Some(count(&field)?),
            _ => {}
        }
        Ok(())
    });
    read.and_then(|()| asked.call(version, tenants, Accept::Protobuf)).map_err(bad_request)
}

/// `SearchTagValuesRequest`: tagName = 1, query = 2, start = 4, end = 5, maxTagValues = 6. The call
/// is [`Call::Values`] or, with the answer's message, [`Call::Ready`].
///
/// # Errors
/// As [`search_request`].
pub fn values_request(
    version: Version,
    message: &[u8],
    tenants: Vec<String>,
) -> Result<Call, Answer> {
    let mut asked = values::Asked::default();
    let read = each_field(message, |field| {
        match field.number {
            1 => asked.tag = field.text()?.to_owned(),
            2 => asked.query = field.text()?.to_owned(),
            4 => asked.ends.start = field.varint32()?,
            5 => asked.ends.end = field.varint32()?,
            6 => asked.limit = Some(count(&field)?),
            _ => {}
        }
        Ok(())
    });
    read.and_then(|()| asked.call(version, tenants, Accept::Protobuf)).map_err(bad_request)
}

fn each_field<'m>(
    message: &'m [u8],
    mut take: impl FnMut(Field<'m>) -> Result<(), Malformed>,
) -> Result<(), String> {
    let mut fields = Fields::new(message);
    let mut all = || {
        while let Some(field) = fields.next_field()? {
            take(field)?;
        }
        Ok(())
    };
    all().map_err(|why: Malformed| format!("malformed request: {why}"))
}

/// An entry of a map from text to text: key = 1, value = 2.
fn entry(message: &[u8]) -> Result<(String, String), Malformed> {
    let (mut key, mut value) = (String::new(), String::new());
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => key = field.text()?.to_owned(),
            2 => value = field.text()?.to_owned(),
            _ => {}
        }
    }
    Ok((key, value))
}

/// The last entry with a key counts, as in every map of protobuf.
fn set_tag(tags: &mut Vec<(String, String)>, (key, value): (String, String)) {
    match tags.iter_mut().find(|(other, _)| *other == key) {
        Some((_, old)) => *old = value,
        None => tags.push((key, value)),
    }
}

fn given(n: u64) -> Option<u64> {
    Some(n).filter(|n| *n != 0)
}

fn count(field: &Field<'_>) -> Result<usize, Malformed> {
    Ok(usize::try_from(field.varint32()?).unwrap_or(usize::MAX))
}

/// A duration in nanoseconds out of one in milliseconds.
fn milliseconds(field: &Field<'_>) -> Result<Option<u64>, Malformed> {
    Ok(given(u64::from(field.varint32()?) * 1_000_000))
}

/// A time in nanoseconds; as over HTTP, a number that is too small for them is in seconds.
fn time(field: &Field<'_>) -> Result<Option<u64>, Malformed> {
    Ok(given(field.varint()?).and_then(moment::of_number))
}
