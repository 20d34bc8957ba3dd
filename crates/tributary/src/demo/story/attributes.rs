//! Attributes as today's instrumentation names them: OpenTelemetry's semantic conventions 1.37 for
//! HTTP, databases and messaging.

/// An attribute's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Str(String),
    Int(i64),
    Bool(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Str(text)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Value::Int(n)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Value::Bool(bool)
    }
}

pub(crate) type Attributes = Vec<(&'static str, Value)>;

fn status(failed: bool) -> Value {
    if failed { 500.into() } else { 200.into() }
}

pub(super) fn http_server(
    method: &'static str,
    path: &str,
    route: &'static str,
    failed: bool,
) -> Attributes {
    vec![
        ("http.request.method", method.into()),
        ("url.scheme", "http".into()),
        ("url.path", path.into()),
        ("http.route", route.into()),
        ("http.response.status_code", status(failed)),
        ("network.protocol.version", "1.1".into()),
    ]
}

pub(super) fn http_client(
    method: &'static str,
    host: &'static str,
    port: i64,
    path: &str,
    failed: bool,
) -> Attributes {
    vec![
        ("http.request.method", method.into()),
        ("server.address", host.into()),
        ("server.port", port.into()),
        ("url.full", format!("http://{host}:{port}{path}").into()),
        ("http.response.status_code", status(failed)),
    ]
}

pub(super) fn database(
    system: &'static str,
    namespace: &'static str,
    operation: &'static str,
    text: &'static str,
    host: &'static str,
    port: i64,
) -> Attributes {
    vec![
        ("db.system.name", system.into()),
        ("db.namespace", namespace.into()),
        ("db.operation.name", operation.into()),
        ("db.query.text", text.into()),
        ("server.address", host.into()),
        ("server.port", port.into()),
    ]
}

pub(super) fn messaging(operation: &'static str, order: &str) -> Attributes {
    vec![
        ("messaging.system", "kafka".into()),
        ("messaging.destination.name", "orders".into()),
        ("messaging.operation.name", operation.into()),
        ("messaging.message.id", order.into()),
    ]
}
