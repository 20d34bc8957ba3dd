//! The metrics that there are.

/// A metric.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) what: What,
    /// Without the `_total` of counters.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Calls,
    Latency,
    Size,
    Target,
    Requests,
    Failed,
    Server,
    Client,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

const fn family(what: What, name: &'static str, kind: Kind, help: &'static str) -> Family {
    Family { what, name, kind, help }
}

/// The metrics, in order.
pub(super) const FAMILIES: &[Family] = &[
    family(What::Calls, "traces_spanmetrics_calls", Kind::Counter, "Spans."),
    family(
        What::Latency,
        "traces_spanmetrics_latency",
        Kind::Histogram,
        "Durations of spans, seconds.",
    ),
    family(
        What::Size,
        "traces_spanmetrics_size",
        Kind::Counter,
        "Bytes of spans as protobuf of OTLP.",
    ),
    family(What::Target, "traces_target_info", Kind::Gauge, "Resources that sent spans."),
    family(
        What::Requests,
        "traces_service_graph_request",
        Kind::Counter,
        "Calls between two services.",
    ),
    family(
        What::Failed,
        "traces_service_graph_request_failed",
        Kind::Counter,
        "Calls between two services that failed.",
    ),
    family(
        What::Server,
        "traces_service_graph_request_server_seconds",
        Kind::Histogram,
        "How long calls took on the side of the server, seconds.",
    ),
    family(
        What::Client,
        "traces_service_graph_request_client_seconds",
        Kind::Histogram,
        "How long calls took on the side of the client, seconds.",
    ),
];
