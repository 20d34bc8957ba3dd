//! An S3 server in memory that can be told to misbehave: what a client does with a fault in HTTP
//! cannot be seen by a fake behind the client.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_NONE_MATCH, LAST_MODIFIED, RANGE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tributary_store::StoreOptions;

mod delete;

pub(crate) use delete::{Bulk, Ways};

/// What happens to the next create-only PUT.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Answers this status and stores nothing.
    Refuse(u16),
    /// Stores, then answers this status.
    StoreThenAnswer(u16),
    /// Stores, then breaks the connection.
    StoreThenBreak,
    /// Stores nothing and never answers.
    Hang,
    /// Never answers, and stores only when something has been read: a write that lands late.
    StoreAfterNextRead,
    /// Another writer's bytes get there first; answers 409.
    Rival(&'static str),
}

/// What happens on the wire to the next request, whatever it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection breaks when the head is read: the body was never taken.
    CutBeforeBody,
    /// The connection breaks when the body is read; nothing was done.
    CutAfterBody,
    /// Done, but the connection breaks instead of an answer.
    CutAfterEffect,
    /// Answers this status and does nothing.
    Status(u16),
    /// Done, but answers this status.
    StatusAfterEffect(u16),
    /// Answers half of the body, as if it were to be all of it, and breaks the connection.
    CutAnswer,
    /// Answers a few bytes at a time.
    SlowAnswer,
}

/// What is answered to everything.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Always {
    pub(crate) status: u16,
    /// The `<Code>` and what stands behind it in the body.
    pub(crate) error: (&'static str, &'static str),
    pub(crate) location: Option<&'static str>,
    pub(crate) region: Option<&'static str>,
    /// Of create-only writes alone.
    pub(crate) creates_only: bool,
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

type Answer = Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    faults: VecDeque<Fault>,
    troubles: VecDeque<Trouble>,
    storm: Option<Storm>,
    ghost: Option<(String, Bytes)>,
    /// Of paths that end so; of all with an empty text.
    ignores_conditions: Option<&'static str>,
    forgets_to_list: bool,
    forever: Option<u16>,
    answers: Option<Always>,
    asked: usize,
    deleting: Ways,
}

#[derive(Clone)]
pub(crate) struct FakeS3 {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

impl FakeS3 {
    pub(crate) async fn start() -> FakeS3 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = FakeS3 { state: Arc::default(), address: listener.local_addr().unwrap() };
        let serving = fake.clone();
        // The server ends with the runtime of the test that started it.
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = serving.clone();
                let service = service_fn(move |request| fake.clone().answer(request));
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        fake
    }

    pub(crate) fn options(&self) -> StoreOptions {
        let endpoint = format!("http://{}", self.address);
        let settings = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        let settings = settings.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
        StoreOptions { settings, hedge_after: None, ..StoreOptions::default() }
    }

    pub(crate) fn ignore_conditions(&self) {
        self.ignore_conditions_of("");
    }

    /// Of paths that end so.
    pub(crate) fn ignore_conditions_of(&self, end: &'static str) {
        self.state.lock().unwrap().ignores_conditions = Some(end);
    }

    pub(crate) fn forget_to_list(&self) {
        self.state.lock().unwrap().forgets_to_list = true;
    }

    pub(crate) fn refuse_writes(&self, status: u16) {
        self.state.lock().unwrap().forever = Some(status);
    }

    pub(crate) fn always(&self, always: Always) {
        self.state.lock().unwrap().answers = Some(always);
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    pub(crate) fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    pub(crate) fn object(&self, path: &str) -> Option<Bytes> {
        self.state.lock().unwrap().objects.get(path).cloned()
    }

    pub(crate) fn set(&self, path: &str, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        self.state.lock().unwrap().objects.insert(path.to_owned(), bytes);
    }

    /// Troubles for the next requests, in turn.
    pub(crate) fn trouble(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.state.lock().unwrap().troubles.extend(troubles);
    }

    /// From now on every other create-only write has a fault that follows from `seed`.
    pub(crate) fn storm(&self, seed: u64) {
        self.state.lock().unwrap().storm = Some(Storm(seed));
    }

    /// The end of it.
    pub(crate) fn calm(&self) {
        self.state.lock().unwrap().storm = None;
    }

    /// Troubles that no request has had yet.
    pub(crate) fn troubles_left(&self) -> usize {
        self.state.lock().unwrap().troubles.len()
    }

    async fn answer(self, request: Request<Incoming>) -> Answer {
        let (trouble, always) = {
            let mut state = self.state.lock().unwrap();
            state.asked += 1;
            (state.troubles.pop_front(), state.answers)
        };
        let is_create = request.headers().contains_key(IF_NONE_MATCH);
        if let Some(always) = always.filter(|always| is_create || !always.creates_only) {
            request.into_body().collect().await?;
            return Ok(always.response());
        }
        match trouble {
            Some(Trouble::CutBeforeBody) => return Err("cut before the body".into()),
            Some(Trouble::CutAfterBody) => {
                request.into_body().collect().await?;
                return Err("cut after the body".into());
            }
            Some(Trouble::Status(status)) => {
                request.into_body().collect().await?;
                return Ok(plain(status, "trouble"));
            }
            _ => {}
        }
        let response = self.served(request).await?;
        match trouble {
            Some(Trouble::CutAfterEffect) => Err("cut after the effect".into()),
            Some(Trouble::StatusAfterEffect(status)) => Ok(plain(status, "trouble")),
            Some(Trouble::CutAnswer) => Ok(in_pieces(response, true).await),
            Some(Trouble::SlowAnswer) => Ok(in_pieces(response, false).await),
            _ => Ok(response),
        }
    }

    async fn served(self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let path = head.uri.path().trim_start_matches('/').to_owned();
        let query = head.uri.query().unwrap_or_default();
        match head.method {
            Method::PUT if head.headers.contains_key(IF_NONE_MATCH) => {
                self.create(path, body).await
            }
            Method::PUT => {
                let mut state = self.state.lock().unwrap();
                if let Some(status) = state.forever {
                    return Ok(plain(status, "no writes"));
                }
                state.objects.insert(path, body);
                Ok(plain(200, ""))
            }
            Method::POST => Ok(self.delete_many(&path, &body)),
            Method::DELETE => Ok(self.delete_one(&path)),
            Method::GET if query.contains("list-type=2") => Ok(self.list(&path, query)),
            Method::GET | Method::HEAD => {
                let range = head.headers.get(RANGE).and_then(|range| range.to_str().ok());
                Ok(self.read(&path, range))
            }
            _ => Ok(plain(405, "")),
        }
    }

    async fn create(&self, path: String, body: Bytes) -> Answer {
        let fault = {
            let mut state = self.state.lock().unwrap();
            if let Some(status) = state.forever {
                return Ok(plain(status, "no writes"));
            }
            let ignores = state.ignores_conditions.is_some_and(|end| path.ends_with(end));
            let exists = state.objects.contains_key(&path) && !ignores;
            let stormy = state.storm.as_mut().and_then(Storm::next);
            let fault = state.faults.pop_front().or(stormy);
            match &fault {
                _ if exists => return Ok(plain(412, "PreconditionFailed")),
                Some(Fault::Refuse(_) | Fault::Hang) => {}
                Some(Fault::Rival(theirs)) => {
                    state.objects.insert(path, Bytes::from_static(theirs.as_bytes()));
                }
                Some(Fault::StoreAfterNextRead) => state.ghost = Some((path, body)),
                Some(Fault::StoreThenAnswer(_) | Fault::StoreThenBreak) | None => {
                    state.objects.insert(path, body);
                }
            }
            fault
        };
        match fault {
            None => Ok(plain(200, "")),
            Some(Fault::Refuse(status) | Fault::StoreThenAnswer(status)) => {
                Ok(plain(status, "fault"))
            }
            Some(Fault::Rival(_)) => Ok(plain(409, "ConditionalRequestConflict")),
            Some(Fault::StoreThenBreak) => Err("the connection breaks, as it was asked to".into()),
            Some(Fault::Hang | Fault::StoreAfterNextRead) => std::future::pending().await,
        }
    }

    fn read(&self, path: &str, range: Option<&str>) -> Response<Body> {
        let mut state = self.state.lock().unwrap();
        let found = state.objects.get(path).cloned();
        if let Some((path, body)) = state.ghost.take() {
            state.objects.entry(path).or_insert(body);
        }
        let Some(object) = found else { return plain(404, "NoSuchKey") };
        let total = object.len();
        let response = Response::builder()
            .header(
                ETAG,
                format!(
                    "\"{:08x}\"",
                    object.iter().fold(0u32, |h, b| h.rotate_left(5) ^ u32::from(*b))
                ),
            )
            .header(LAST_MODIFIED, "Mon, 23 Nov 2026 14:00:00 GMT");
        match range.and_then(|r| r.strip_prefix("bytes=")?.split_once('-')) {
            // Said outright, because it is left out by itself for HEAD of an empty object.
            None => response.header(CONTENT_LENGTH, total).body(whole(object)).unwrap(),
            Some((from, to)) => {
                let from = from.parse::<usize>().unwrap();
                let to = to.parse::<usize>().unwrap().min(total - 1);
                response
                    .status(StatusCode::PARTIAL_CONTENT)
                    .header(CONTENT_RANGE, format!("bytes {from}-{to}/{total}"))
                    .body(whole(object.slice(from..=to)))
                    .unwrap()
            }
        }
    }

    fn list(&self, bucket: &str, query: &str) -> Response<Body> {
        let state = self.state.lock().unwrap();
        let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
        let prefix = format!("{bucket}/{}", prefix.unwrap_or_default().replace("%2F", "/"));
        let found = state.objects.iter().filter(|(path, _)| path.starts_with(&prefix));
        let mut xml = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
        for (path, object) in found.take(if state.forgets_to_list { 0 } else { usize::MAX }) {
            let key = path.strip_prefix(bucket).unwrap().strip_prefix('/').unwrap();
            xml.push_str(&format!(
                "<Contents><Key>{key}</Key><LastModified>2026-11-23T14:00:00.000Z</LastModified>\
                 <ETag>\"0\"</ETag><Size>{}</Size></Contents>",
                object.len()
            ));
        }
        xml.push_str("</ListBucketResult>");
        plain(200, &xml)
    }
}

impl Always {
    fn response(self) -> Response<Body> {
        let (code, rest) = self.error;
        let xml = format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code>{rest}</Error>");
        let mut response = plain(self.status, &xml);
        for (name, value) in [("location", self.location), ("x-amz-bucket-region", self.region)] {
            if let Some(value) = value {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        response
    }
}

fn plain(status: u16, text: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(ETAG, "\"0\"")
        .body(whole(Bytes::copy_from_slice(text.as_bytes())))
        .unwrap()
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// The same answer with its body in seven pieces; when `cut`, an error follows the third.
async fn in_pieces(response: Response<Body>, cut: bool) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    let size = body.len().div_ceil(7).max(1);
    let pieces =
        (0..body.len()).step_by(size).map(move |at| body.slice(at..(at + size).min(body.len())));
    let pieces = pieces.take(if cut { 3 } else { 7 }).map(|piece| Ok(Frame::data(piece)));
    let end = cut.then(|| Err(std::io::Error::other("cut within the answer")));
    let pieces = futures_util::stream::iter(pieces.chain(end)).then(|piece| async {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        piece
    });
    Response::from_parts(head, BodyExt::boxed_unsync(StreamBody::new(pieces)))
}

/// Faults that follow from a seed.
struct Storm(u64);

impl Storm {
    fn next(&mut self) -> Option<Fault> {
        // xorshift64, Marsaglia 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(match self.0 >> 32 & 15 {
            0 => Fault::Refuse(409),
            1 => Fault::Refuse(500),
            2 => Fault::Refuse(503),
            3 => Fault::StoreThenAnswer(500),
            4 => Fault::StoreThenAnswer(409),
            5 => Fault::StoreThenBreak,
            6 => Fault::Hang,
            7 => Fault::StoreAfterNextRead,
            _ => return None,
        })
    }
}
