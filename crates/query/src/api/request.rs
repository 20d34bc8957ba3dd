//! From a request's head to a [`Call`].

use super::{Accept, Answer, Call, Tenancy, TimeRange, TraceCall, Version, status, tenant};
use http::{Method, StatusCode, header, request};
use tributary_span::TraceId;

/// What the API is set to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether requests name tenants.
    pub tenancy: Tenancy,
    /// The program's version, for `buildinfo`.
    pub version: String,
}

/// Reads a request's head.
///
/// # Errors
/// The answer that refuses the request: an unknown route, a bad id, parameter or tenant.
pub fn read(request: &request::Parts, settings: &Settings) -> Result<Call, Answer> {
    let path = request.uri.path();
    let by_id = |version, id| trace_call(request, settings, version, id).map(Call::Trace);
    if let Some(id) = path.strip_prefix("/api/traces/") {
        return by_id(Version::V1, id);
    }
    if let Some(id) = path.strip_prefix("/api/v2/traces/").filter(|&id| id != "diff") {
        return by_id(Version::V2, id);
    }
    match path {
        "/api/echo" => Ok(Call::Ready(status::echo())),
        "/api/status/buildinfo" if !matches!(request.method, Method::GET | Method::HEAD) => {
            Err(Answer::error(StatusCode::METHOD_NOT_ALLOWED, "buildinfo answers GET only"))
        }
        "/api/status/buildinfo" => Ok(Call::Ready(status::build_info(&settings.version))),
        _ => Err(Answer::error(StatusCode::NOT_FOUND, format_args!("no such route: {path}"))),
    }
}

fn trace_call(
    request: &request::Parts,
    settings: &Settings,
    version: Version,
    id: &str,
) -> Result<TraceCall, Answer> {
    let bad = |message: String| Answer::error(StatusCode::BAD_REQUEST, message);
    let header = |name: &str| request.headers.get(name).map(|value| value.as_bytes());
    let tenants = tenant::tenants(settings.tenancy, header("x-scope-orgid"))?;
    let id = TraceId::from_hex(id).map_err(|why| bad(format!("bad trace id: {why}")))?;
    let query = request.uri.query().unwrap_or_default();
    if version == Version::V2 && parameter(query, "q").is_some() {
        return Err(bad("parameter q: filters on a trace are not offered".to_owned()));
    }
    let accept = header(header::ACCEPT.as_str()).unwrap_or_default();
    let time = time_range(query).map_err(bad)?;
    Ok(TraceCall { version, id, tenants, time, accept: Accept::from_header(accept) })
}

/// `start` and `end`. A missing, empty or zero one leaves that end open.
fn time_range(query: &str) -> Result<TimeRange, String> {
    let seconds = |name: &str| match parameter(query, name) {
        None | Some("") => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(0) => Ok(None),
            Ok(seconds) => Ok(Some(seconds)),
            Err(_) => Err(format!("parameter {name}: {text:?} is not a time in Unix seconds")),
        },
    };
    let (start, end) = (seconds("start")?, seconds("end")?);
    let time = TimeRange {
        start: start.unwrap_or(TimeRange::ALL.start),
        end: end.unwrap_or(TimeRange::ALL.end),
    };
    if time.start > time.end {
        return Err(format!("parameter start: {} is after end {}", time.start, time.end));
    }
    Ok(time)
}

/// The first value of a parameter, as it stands in the URL. Those read here are plain numbers,
/// which need no escapes.
fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| match pair.split_once('=') {
        Some((key, value)) => (key == name).then_some(value),
        None => (pair == name).then_some(""),
    })
}

#[cfg(test)]
mod tests;
