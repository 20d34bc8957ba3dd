//! The older search by tags, as a pipeline.

use std::sync::Arc;
use tributary_traceql::ast::{
    Attribute, BinaryOp, CompareOp, FieldExpr, Intrinsic, Pattern, Pipeline, Scope, SpansetExpr,
    SpansetOp, Stage, Static, Status,
};

/// What is looked for: each tag on some span or resource of the trace, and how long the trace took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagSearch {
    /// Keys and values.
    pub tags: Vec<(String, String)>,
    /// The trace took at least this, ns.
    pub min_duration: Option<u64>,
    /// The trace took at most this, ns.
    pub max_duration: Option<u64>,
}

/// Keys whose value need only contain the text: those that Tempo has a column for in each block.
/// Others must be equal to it.
const CONTAINED: [&str; 25] = [
    "service.name",
    "cluster",
    "namespace",
    "pod",
    "container",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "http.method",
    "http.url",
    "http.request.method",
    "url.path",
    "url.route",
    "server.address",
    "http.route",
    "service.namespace",
    "service.version",
    "deployment.environment.name",
    "k8s.deployment.name",
    "k8s.node.name",
    "host.name",
    "db.system.name",
    "rpc.service",
    "rpc.method",
];

fn intrinsic(intrinsic: Intrinsic, written: &'static str) -> Attribute {
    Attribute::Intrinsic { intrinsic, written }
}

fn named(scope: Scope, key: &str) -> Attribute {
    Attribute::Named { scope: Some(scope), key: Arc::from(key) }
}

fn compare(attribute: Attribute, op: CompareOp, constant: Static) -> FieldExpr {
    FieldExpr::Binary {
        op: BinaryOp::Compare(op),
        left: Box::new(FieldExpr::Attribute(attribute)),
        right: Box::new(FieldExpr::Static(constant)),
    }
}

fn either(left: FieldExpr, right: FieldExpr) -> FieldExpr {
    FieldExpr::Binary { op: BinaryOp::Or, left: Box::new(left), right: Box::new(right) }
}

fn contains(attribute: Attribute, text: &str) -> FieldExpr {
    FieldExpr::Match {
        operand: Box::new(FieldExpr::Attribute(attribute)),
        patterns: Pattern::containing(text).into_iter().collect(),
        negated: false,
    }
}

fn tag(key: &str, value: &str) -> FieldExpr {
    let text = || Static::Str(Arc::from(value));
    match key {
        "name" => contains(intrinsic(Intrinsic::Name, "name"), value),
        "root.name" => contains(intrinsic(Intrinsic::RootName, "rootName"), value),
        "root.service.name" => {
            contains(intrinsic(Intrinsic::RootService, "rootServiceName"), value)
        }
        "service.name" => contains(named(Scope::Resource, key), value),
        "status.code" => {
            let status = match value {
                "unset" => Status::Unset,
                "ok" => Status::Ok,
                "error" => Status::Error,
                _ => return FieldExpr::Static(Static::Bool(false)),
            };
            let attribute = intrinsic(Intrinsic::Status, "status");
            compare(attribute, CompareOp::Equal, Static::Status(status))
        }
        "http.status_code" => match value.parse() {
            Ok(n) => compare(named(Scope::Span, key), CompareOp::Equal, Static::Int(n)),
            Err(_) => compare(named(Scope::Span, key), CompareOp::Equal, text()),
        },
        _ if CONTAINED.contains(&key) => either(
            contains(named(Scope::Resource, key), value),
            contains(named(Scope::Span, key), value),
        ),
        _ => either(
            compare(named(Scope::Resource, key), CompareOp::Equal, text()),
            compare(named(Scope::Span, key), CompareOp::Equal, text()),
        ),
    }
}

/// The pipeline that finds what is looked for.
pub fn pipeline(search: &TagSearch) -> Pipeline {
    let duration = |op, ns: u64| {
        let ns = i64::try_from(ns).unwrap_or(i64::MAX);
        let attribute = intrinsic(Intrinsic::TraceDuration, "traceDuration");
        compare(attribute, op, Static::Duration(ns))
    };
    let least = search.min_duration.map(|ns| duration(CompareOp::GreaterEqual, ns));
    let most = search.max_duration.map(|ns| duration(CompareOp::LessEqual, ns));
    let tags = search.tags.iter().map(|(key, value)| tag(key, value));
    let all = least.into_iter().chain(most).chain(tags).map(SpansetExpr::Filter);
    let joined = all.reduce(|left, right| SpansetExpr::Binary {
        op: SpansetOp::And,
        left: Box::new(left),
        right: Box::new(right),
    });
    let everything = SpansetExpr::Filter(FieldExpr::Static(Static::Bool(true)));
    Pipeline { stages: vec![Stage::Spanset(joined.unwrap_or(everything))] }
}
