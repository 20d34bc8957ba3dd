//! A stream to one ingester: opened, greeted and welcomed.

mod secure;

use crate::config::{Tls, Upstream};
use secure::Secure;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{self, Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tributary_wire::VERSION;
use tributary_wire::v1::ingest_client::IngestClient;
use tributary_wire::v1::{Frame, Hello, Members, Reply, reply};

/// From the first packet to the welcome.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// The connection alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// HTTP/2 pings while a stream is open, so that a peer that vanished is noticed, and nothing on
/// the way forgets the connection.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Replies are small; a list of members is the largest.
const REPLY_BYTES: usize = 1 << 20;

/// Opens streams.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    secure: Option<Secure>,
    incarnation: [u8; 16],
    name: Arc<str>,
    /// Whether the last answer was that this sidecar is not let in. Shared by all lanes.
    refused: Arc<AtomicBool>,
}

/// An open stream. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct IngestStream {
    /// Where it goes, `host:port`.
    pub(crate) address: String,
    /// What the ingester calls itself.
    pub(crate) ingester: String,
    /// The credit of its welcome.
    pub(crate) credit: u64,
    /// Who the ingesters are, as it said in its welcome.
    pub(crate) members: Vec<String>,
    /// What it said that tenants mean, a `Tenants` of the wire.
    pub(crate) tenants: i32,
    /// Frames to send. One waits at most, so that a frame counts as sent when it nearly is.
    pub(crate) frames: mpsc::Sender<Frame>,
    /// What the ingester answers.
    pub(crate) replies: Replies,
}

/// The way back of a stream.
#[derive(Debug)]
pub(crate) struct Replies(Streaming<Reply>);

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The address cannot be used at all.
    #[error("cannot be connected to")]
    Address(#[source] transport::Error),
    /// No connection, or no TLS.
    #[error("no connection")]
    Connect(#[source] transport::Error),
    /// A file of certificates cannot be read.
    #[cfg(feature = "tls")]
    #[error("no connection: {}", file.display())]
    Certificates {
        /// Where they should be.
        file: PathBuf,
        /// Why they cannot be read.
        source: std::io::Error,
    },
    /// The own token cannot be read.
    #[error("no token: {}", file.display())]
    Token {
        /// Where it should be.
        file: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// TLS is asked for.
    #[cfg(not(feature = "tls"))]
    #[error("no connection: built without TLS")]
    WithoutTls,
    /// The ingester refused or broke the stream.
    #[error("{}: {}", .0.code(), .0.message())]
    Status(Status),
    /// It did not begin with a welcome that we understand.
    #[error("no welcome: {0}")]
    Welcome(&'static str),
    /// Nothing came in time.
    #[error("no answer in {} s", OPEN_TIMEOUT.as_secs())]
    Timeout,
}

/// Why an ingester, or what it is to be shown, does not let this sidecar in. The next one will not
/// either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It does not know who calls.
    Unauthenticated,
    /// It knows, and this one may not.
    PermissionDenied,
    /// There is no token to show.
    Token,
}

impl StreamError {
    /// Whether it is because of who calls.
    pub(crate) fn refused(&self) -> Option<Refused> {
        match self {
            StreamError::Token { .. } => Some(Refused::Token),
            StreamError::Status(status) => match status.code() {
                Code::Unauthenticated => Some(Refused::Unauthenticated),
                Code::PermissionDenied => Some(Refused::PermissionDenied),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Connector {
    /// For streams of this process. `token` names the file of what ingesters are shown inside TLS;
    /// without TLS it stays here.
    pub(crate) fn new(
        tls: Option<Tls>,
        token: Option<PathBuf>,
        upstream: &[Upstream],
        incarnation: [u8; 16],
        name: &str,
    ) -> Self {
        let secure = tls.map(|tls| Secure::new(tls, token, upstream));
        Connector { secure, incarnation, name: name.into(), refused: Arc::default() }
    }

    /// Notes that an ingester did not let this sidecar in; whether that is new.
    pub(crate) fn first_refusal(&self) -> bool {
        !self.refused.swap(true, Relaxed)
    }

    /// Notes that one did.
    pub(crate) fn let_in(&self) {
        self.refused.store(false, Relaxed);
    }

    /// Opens a stream to `address` for lane `lane` of `tenant`.
    ///
    /// # Errors
    /// When no welcome comes in time.
    pub(crate) async fn open(
        &self,
        address: &str,
        lane: u32,
        tenant: &str,
    ) -> Result<IngestStream, StreamError> {
        let hello = Hello {
            version: VERSION,
            incarnation: self.incarnation.to_vec().into(),
            lane,
            tenant: tenant.to_owned(),
            name: self.name.to_string(),
        };
        let opened = timeout(OPEN_TIMEOUT, self.greet(address, hello)).await;
        opened.unwrap_or(Err(StreamError::Timeout))
    }

    async fn greet(&self, address: &str, hello: Hello) -> Result<IngestStream, StreamError> {
        let channel = self.connect(address).await?;
        let (frames, outgoing) = mpsc::channel(1);
        let hello = Frame { hello: Some(hello), ..Frame::default() };
        frames.try_send(hello).map_err(|_| StreamError::Welcome("the stream closed at once"))?;
        let mut client = IngestClient::new(channel).max_decoding_message_size(REPLY_BYTES);
        let mut request = Request::new(ReceiverStream::new(outgoing));
        if let Some(secure) = &self.secure {
            secure.show(request.metadata_mut())?;
        }
        let answer = client.push(request).await.map_err(StreamError::Status)?;
        let mut replies = answer.into_inner();
        let first = replies.message().await.map_err(StreamError::Status)?;
        match first.and_then(|reply| reply.kind) {
            Some(reply::Kind::Welcome(welcome)) if (1..=VERSION).contains(&welcome.version) => {
                Ok(IngestStream {
                    address: address.to_owned(),
                    ingester: welcome.ingester,
                    credit: welcome.credit,
                    members: addresses(welcome.members),
                    tenants: welcome.tenants,
                    frames,
                    replies: Replies(replies),
                })
            }
            Some(reply::Kind::Welcome(_)) => Err(StreamError::Welcome("it speaks another version")),
            Some(_) => Err(StreamError::Welcome("it began with something else")),
            None => Err(StreamError::Welcome("the stream ended")),
        }
    }

    async fn connect(&self, address: &str) -> Result<Channel, StreamError> {
        let scheme = if self.secure.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
            .map_err(StreamError::Address)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        let endpoint = match &self.secure {
            Some(secure) => secure.endpoint(endpoint, address)?,
            None => endpoint,
        };
        endpoint.connect().await.map_err(StreamError::Connect)
    }
}

const USER_AGENT: &str = concat!("tributary-sidecar/", env!("CARGO_PKG_VERSION"));

impl Replies {
    /// The next reply; `None` when the ingester ended the stream. May be dropped and called again.
    ///
    /// # Errors
    /// When the stream broke.
    pub(crate) async fn next(&mut self) -> Result<Option<reply::Kind>, StreamError> {
        loop {
            match self.0.message().await.map_err(StreamError::Status)? {
                None => return Ok(None),
                Some(Reply { kind: Some(kind) }) => return Ok(Some(kind)),
                // One that a later version added (the wire's rule W2).
                Some(Reply { kind: None }) => {}
            }
        }
    }
}

/// The addresses of a list of members; none when there is no list.
pub(crate) fn addresses(members: Option<Members>) -> Vec<String> {
    members.into_iter().flat_map(|m| m.members).map(|member| member.address).collect()
}
