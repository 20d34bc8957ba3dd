//! The streaming service, asked over HTTP/2 on the port where HTTP/1.1 is spoken, too.

use super::*;
use crate::query::Raw;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tributary_span::protobuf::{Fields, put};
use tributary_testkit::http::{get, post, send};

/// The second of [`sample::plain`]'s spans.
const AT: u64 = 1_795_344_000;

/// An ingester that has taken so many spans, one a trace, and its address.
async fn with_spans(folder: &Path, spans: u64, options: &[&str]) -> (Serving, SocketAddr) {
    let store = folder.display().to_string();
    let at = "127.0.0.1:0";
    let listen = ["--wire-listen", at, "--http-listen", at, "--otlp-http-listen", at];
    let args = ["--store", &store, "--receivers", "otlp-http", "--block-age", NEVER];
    let args = args.iter().chain(&listen).chain(options).map(Into::into);
    let Asked::Run(config) = Config::gather(args, however_full(), |_| unreachable!()).unwrap()
    else {
        unreachable!()
    };
    let app = App::bind(*config).unwrap();
    let http = app.http_address();
    let receiver = app.receivers[0].addresses()[0];
    let serving = Box::pin(app.start()).await.unwrap();
    for seed in 1..=spans {
        let body = sample::plain(seed).encode_to_vec();
        // The second counts where tenants are told apart.
        let headers =
            [("content-type", "application/x-protobuf"), ("x-scope-orgid", "single-tenant")];
        let taken = send(receiver, Method::POST, "/v1/traces", &headers, body).await.unwrap();
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
    }
    (serving, http)
}

async fn channel(to: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{to}")).unwrap().connect().await.unwrap()
}

/// All messages of a method's answer.
async fn ask(
    channel: &Channel,
    method: &str,
    message: impl FnOnce(&mut Vec<u8>),
    tenant: Option<&str>,
) -> Result<Vec<Bytes>, Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut body = Vec::new();
    message(&mut body);
    let mut request = Request::new(Bytes::from(body));
    if let Some(tenant) = tenant {
        request.metadata_mut().insert("x-scope-orgid", tenant.parse().unwrap());
    }
    let path = format!("/tempopb.StreamingQuerier/{method}");
    let path = PathAndQuery::try_from(path).unwrap();
    let mut answer = grpc.server_streaming(request, path, Raw).await?.into_inner();
    let mut messages = Vec::new();
    while let Some(message) = answer.message().await? {
        messages.push(message);
    }
    Ok(messages)
}

/// The texts or messages of a field.
fn all_of(message: &[u8], number: u32) -> Vec<&[u8]> {
    let mut fields = Fields::new(message);
    let all = std::iter::from_fn(|| fields.next_field().unwrap());
    all.filter(|field| field.number == number).map(|field| field.bytes().unwrap()).collect()
}

fn search(query: &str, limit: u64) -> impl FnOnce(&mut Vec<u8>) {
    move |out| {
        put::uint(out, 4, limit);
        put::uint(out, 5, AT - 60);
        put::uint(out, 6, AT + 60);
        put::bytes(out, 8, query.as_bytes());
    }
}

fn metrics(query: &str) -> impl FnOnce(&mut Vec<u8>) {
    move |out| {
        put::bytes(out, 1, query.as_bytes());
        put::uint(out, 2, (AT - 60) * 1_000_000_000);
        put::uint(out, 3, (AT + 60) * 1_000_000_000);
        put::uint(out, 4, 60 * 1_000_000_000);
    }
}

fn names(out: &mut Vec<u8>) {
    put::uint(out, 3, AT - 60);
    put::uint(out, 4, AT + 60);
}

fn values(tag: &str) -> impl FnOnce(&mut Vec<u8>) {
    move |out| {
        put::bytes(out, 1, tag.as_bytes());
        put::uint(out, 4, AT - 60);
        put::uint(out, 5, AT + 60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_answers() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, http) = Box::pin(with_spans(folder.path(), 3, &[])).await;
    let channel = channel(http).await;

    // As Grafana tries a data source.
    let messages = ask(&channel, "Search", search("{}", 1), None).await.unwrap();
    let [first, found] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((all_of(first, 1).len(), all_of(first, 2).len()), (0, 1), "sizes come at once");
    assert_eq!((all_of(found, 1).len(), all_of(found, 2).len()), (1, 1));
    let messages = ask(&channel, "Search", search("{ name = `plain` }", 20), None).await.unwrap();
    let traces = all_of(messages.last().unwrap(), 1);
    let roots: Vec<_> = traces.iter().map(|trace| all_of(trace, 3).concat()).collect();
    assert_eq!(roots, [b"plain"; 3]);

    let range = ask(&channel, "MetricsQueryRange", metrics("{} | rate()"), None).await.unwrap();
    assert_eq!((range.len(), all_of(&range[0], 1).len()), (1, 1));
    assert!(!all_of(all_of(&range[0], 1)[0], 2).is_empty(), "samples");
    let instant = ask(&channel, "MetricsQueryInstant", metrics("{} | count_over_time()"), None);
    let instant = instant.await.unwrap();
    let series = all_of(&instant[0], 1)[0];
    let mut fields = Fields::new(series);
    let fields = std::iter::from_fn(|| fields.next_field().unwrap());
    let value = fields.filter(|field| field.number == 2).last().unwrap().fixed64().unwrap();
    assert_eq!(f64::from_bits(value), 3.0);

    let tags = ask(&channel, "SearchTags", names, None).await.unwrap();
    assert_eq!(all_of(&tags[0], 1), [b"service.name"]);
    let tags = ask(&channel, "SearchTagsV2", names, None).await.unwrap();
    let scopes: Vec<_> = all_of(&tags[0], 1).iter().map(|scope| all_of(scope, 1)[0]).collect();
    assert_eq!(scopes, [&b"resource"[..], b"intrinsic"]);
    let found = ask(&channel, "SearchTagValues", values("service.name"), None).await.unwrap();
    assert_eq!(all_of(&found[0], 1), [b"plain"]);
    let typed = ask(&channel, "SearchTagValuesV2", values("resource.service.name"), None).await;
    let typed = typed.unwrap();
    assert_eq!(all_of(all_of(&typed[0], 1)[0], 2), [b"plain"]);
    let kinds = ask(&channel, "SearchTagValuesV2", values("kind"), None).await.unwrap();
    assert_eq!(all_of(&kinds[0], 1).len(), 6);
    drop(serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_has_grpc_s_own_code() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, http) = Box::pin(with_spans(folder.path(), 0, &[])).await;
    let channel = channel(http).await;
    let bad = ask(&channel, "Search", search("{ .a = ", 1), None).await.unwrap_err();
    assert_eq!(bad.code(), Code::InvalidArgument, "{bad:?}");
    assert!(bad.message().contains("parse error"), "{bad:?}");
    let none = ask(&channel, "SearchTraces", search("{}", 1), None).await.unwrap_err();
    assert_eq!(none.code(), Code::Unimplemented);

    let path = "/tempopb.StreamingQuerier/Search";
    let other = post(http, path, "application/json", "{}").await.unwrap();
    assert_eq!(other.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let other = post(http, path, "application/grpc", "").await.unwrap();
    assert_eq!(other.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP/1.1 has no trailers");
    assert_eq!(get(http, path).await.unwrap().status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get(http, "/api/echo").await.unwrap().text(), "echo");
    drop(serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_named_in_the_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, http) = Box::pin(with_spans(folder.path(), 1, &["--multitenancy", "true"])).await;
    let channel = channel(http).await;
    for (tenant, expected) in [(None, Code::Unauthenticated), (Some("a/b"), Code::InvalidArgument)]
    {
        let refused = ask(&channel, "Search", search("{}", 1), tenant).await.unwrap_err();
        assert_eq!(refused.code(), expected, "{tenant:?}: {refused:?}");
    }
    for (tenant, expected) in [("other", 0), ("single-tenant", 1), ("other|single-tenant", 1)] {
        let messages = ask(&channel, "Search", search("{}", 9), Some(tenant)).await.unwrap();
        assert_eq!(all_of(messages.last().unwrap(), 1).len(), expected, "{tenant}");
    }
    drop(serving);
}
