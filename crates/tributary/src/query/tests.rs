//! Questions to a server that answers what it is told to.

use super::*;
use clap::Parser;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tributary_span::columns::{Builder, SpanFields};
use tributary_span::otlp::encode;
use tributary_span::protobuf::put;
use tributary_span::{SpanId, TraceId};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

/// A server that gives one answer to every request; its address, and the requests' heads.
async fn server(status: &str, body: &[u8]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let (told, length) = (heads.clone(), body.len());
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    let answer = [head.as_bytes(), body].concat();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            told.lock().unwrap().push(String::from_utf8(request).unwrap());
            stream.write_all(&answer).await.unwrap();
        }
    });
    (address, heads)
}

async fn ask(url: &str, line: &[&str]) -> Result<Told, Failure> {
    let server = ["query", "--url", url];
    let line = server.iter().chain(line);
    let options = Line::try_parse_from(line).unwrap().options;
    let question = Question::new(&options, now()).map_err(Failure::Usage)?;
    let server = Server::new(options.url.clone(), options.caller.headers(), None, None).unwrap();
    Ok(answer(&server, &question, &options, &Terminal::of_program()).await?)
}

/// What a server that answers `body` makes the tool say.
async fn told(body: &str, line: &[&str]) -> Told {
    let (url, _) = server("200 OK", body.as_bytes()).await;
    ask(&url, line).await.unwrap()
}

const TRACES: &str = r#"{"traces":[
    {"traceID":"a","rootServiceName":"web","startTimeUnixNano":"1000000000"},
    {"traceID":"b","rootServiceName":"web","startTimeUnixNano":"2000000000"}],"metrics":{}}"#;

#[tokio::test]
async fn every_answer_has_its_form() {
    let traces = told(TRACES, &["{ }"]).await;
    let ids: Vec<_> =
        traces.text.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let padded = |id| format!("{id:0>32}");
    assert_eq!(ids[1..], [padded("b"), padded("a")], "newest first");
    assert!(traces.notes.is_empty());
    let full = told(TRACES, &["{ }", "--limit", "2"]).await;
    assert!(full.notes[0].contains("--limit"), "{full:?}");

    let json = told(TRACES, &["{ }", "--json"]).await;
    assert_eq!(json.text, format!("{TRACES}\n"));

    let nothing = told(r#"{"metrics":{}}"#, &["{ }"]).await;
    assert_eq!((nothing.text.as_str(), nothing.code), ("", 0));
    assert!(nothing.notes[0].contains("nothing matches"), "{nothing:?}");

    let range = r#"{"series":[{"labels":[],"samples":[{"timestampMs":"1000","value":2}]}],
        "status":"PARTIAL","message":"an ingester is away"}"#;
    let numbers = told(range, &["{ } | rate()"]).await;
    assert!(numbers.text.contains("all  █  min 2 "), "{numbers:?}");
    assert_eq!(numbers.code, PARTIAL);
    assert_eq!(numbers.notes, ["parts are missing: an ingester is away"]);

    let json = told(range, &["{ } | rate()", "--json"]).await;
    assert_eq!((json.code, json.text), (PARTIAL, format!("{range}\n")));

    let instant = r#"{"series":[{"labels":[],"value":2}]}"#;
    assert_eq!(told(instant, &["{ } | rate()", "--instant"]).await.text, "all  2\n");
    let tags = r#"{"scopes":[{"name":"span","tags":["a"]}]}"#;
    assert_eq!(told(tags, &["--tags"]).await.text, "span\n  span.a\n");
    let values = r#"{"tagValues":[{"type":"string","value":"x"}]}"#;
    assert_eq!(told(values, &["--values", "name"]).await.text, "string  x\n");
}

#[tokio::test]
async fn a_trace_is_drawn() {
    let mut builder = Builder::new();
    let (trace, id) = (TraceId([1; 16]), SpanId([2; 8]));
    let resource = builder.end_resource(0, Default::default(), Default::default());
    let scope = builder.end_scope(Default::default(), Default::default(), 0, Default::default());
    builder.end_span(SpanFields { trace, id, resource, scope, ..SpanFields::default() });
    let columns = builder.take();
    let mut body = Vec::new();
    put::message(&mut body, 1, |out| encode::resource_spans(out, &columns, &[0]));
    let line = ["--trace", "01010101010101010101010101010101"];
    let (url, heads) = server("200 OK", &body).await;
    let whole = ask(&url, &line).await.unwrap();
    assert!(whole.text.starts_with("trace 01010101010101010101010101010101: 1 span"), "{whole:?}");
    assert_eq!(whole.code, 0);
    assert!(heads.lock().unwrap()[0].contains("accept: application/protobuf"));

    put::uint(&mut body, 3, 1);
    put::bytes(&mut body, 4, b"an ingester is away");
    let (url, _) = server("200 OK", &body).await;
    let partial = ask(&url, &line).await.unwrap();
    assert_eq!((partial.code, partial.notes.len()), (PARTIAL, 1), "{partial:?}");

    let (url, _) = server("200 OK", b"").await;
    let none = ask(&url, &line).await.unwrap();
    assert_eq!((none.code, none.text.as_str()), (NONE, ""), "{none:?}");
}

#[tokio::test]
async fn who_asks_is_said_in_headers() {
    let (url, heads) = server("200 OK", b"{}").await;
    let line = ["--tags", "--tenant", "team-a", "--token", "s3cret"];
    ask(&format!("{url}/tempo/"), &line).await.unwrap();
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET /tempo/api/v2/search/tags?start="), "{head}");
    assert!(head.contains("x-scope-orgid: team-a\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer s3cret\r\n"), "{head}");
}

#[tokio::test]
async fn failures_say_what_where_and_what_to_do() {
    let (away, _) = server("503 Service Unavailable", b"ingester b does not answer").await;
    let (echo, _) = server("200 OK", b"echo").await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let table = [
        (away, "503 Service Unavailable: ingester b does not answer\n  "),
        (echo, "/api/search cannot be read: expected value"),
        (closed, "Connection refused (os error 111)\n  does an ingester listen there? --url"),
    ];
    for (url, expected) in table {
        let error = ask(&url, &["{ }"]).await.unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(&url), "{error}");
    }
}
