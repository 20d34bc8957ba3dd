//! Clients that send what they are told, right or wrong.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tributary_testkit::wait::SOON;

pub(crate) const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// `grpc-status`, from wherever it came.
    pub(crate) fn grpc_status(&self) -> &str {
        let status = self.trailers.get("grpc-status").or(self.headers.get("grpc-status"));
        status.and_then(|v| v.to_str().ok()).unwrap_or("none")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends a request over a fresh HTTP/2 connection.
pub(crate) async fn h2(
    to: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer> {
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(format!("http://{to}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let exchange = async {
        let answer = sender.send_request(request.body(Full::new(body.into()))?).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        anyhow::Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
            trailers,
        })
    };
    let answer = tokio::time::timeout(SOON, exchange).await.context("no answer in time")??;
    driver.abort();
    Ok(answer)
}

/// A gRPC call with this body, head and all.
pub(crate) async fn grpc(
    to: SocketAddr,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer> {
    let mut all = vec![("content-type", "application/grpc"), ("te", "trailers")];
    all.extend_from_slice(headers);
    h2(to, Method::POST, EXPORT, &all, body).await
}

/// A connection for bytes written by hand.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) async fn connect(to: SocketAddr) -> Result<Raw> {
        Ok(Raw(TcpStream::connect(to).await?))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        tokio::time::timeout(SOON, self.0.write_all(bytes.as_ref())).await.context("stuck")??;
        Ok(())
    }

    /// Reads one HTTP/1.1 answer with a Content-Length: head and body as text.
    pub(crate) async fn answer(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        loop {
            if let Some(len) = answer_len(&bytes)
                && bytes.len() >= len
            {
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
            let read = self.0.read_buf(&mut bytes);
            let n = tokio::time::timeout(SOON, read).await.context("no answer in time")??;
            anyhow::ensure!(n > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        }
    }

    /// Reads until the other side closes: all that came.
    pub(crate) async fn until_closed(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        match tokio::time::timeout(SOON, read).await.context("not closed in time")? {
            // A reset is a way to close.
            Ok(_) | Err(_) => Ok(bytes),
        }
    }

    /// The two directions, to write and read at the same time.
    pub(crate) fn into_inner(self) -> TcpStream {
        self.0
    }
}

impl From<TcpStream> for Raw {
    fn from(stream: TcpStream) -> Self {
        Raw(stream)
    }
}

/// Length of the answer at the front of `bytes`, once its head is there.
fn answer_len(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let (head, _) = text.split_once("\r\n\r\n")?;
    let len = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some(head.len() + 4 + len.unwrap_or(0))
}

/// The bytes of an HTTP/1.1 `POST /v1/traces`.
pub(crate) fn post(content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
