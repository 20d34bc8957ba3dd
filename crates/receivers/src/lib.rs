//! Every protocol that an application speaks, received and handed on as OTLP bytes.
//!
//! In flow connections and datagrams of instrumented applications; out flow
//! `ExportTraceServiceRequest`s as protobuf, to a [`Sink`]: the sidecar's buffer or the ingester.
//! What came as OTLP protobuf passes as it is, everything else is translated without a tree of
//! messages in between.
//!
//! This crate is linked into the sidecar, so it stays small: hyper alone, gRPC's five bytes of
//! framing by hand, no router of another crate. It must never depend on the sidecar, the ingester
//! or the wire.
//!
//! The road of a request: `connections` → `route` (which protocol) → `body` (bytes, admitted and
//! inflated under a limit) → `otlp`, `jaeger` or `zipkin` (translation, written with `translate`)
//! → [`Sink::offer`] → an answer in the protocol's own terms. Datagrams come in by [`udp`]. Every
//! reason to turn a request away is a `Fault`, and each protocol says in one table how it tells its
//! client so; the log has it from `complaints`, as many clients throw answers away. Which receivers are open, and where, is said by the settings of [`config`]; `listen`
//! binds their sockets.
//!
//! A receiver of Zipkin's spans, and a sink that keeps what it is handed, in columns:
//!
//! ```
//! use bytes::Bytes;
//! use std::sync::{Arc, Mutex};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::{TcpListener, TcpStream};
//! use tokio_util::sync::CancellationToken;
//! use tributary_receivers::{OfferError, Protocol, Refused, Settings, Sink, serve};
//! use tributary_span::columns::Builder;
//! use tributary_span::otlp::Outcome;
//! use tributary_span::otlp::decode::{Limits, append_all};
//! use tributary_span::tenant::Header;
//!
//! #[derive(Default)]
//! struct Memory(Mutex<Builder>);
//!
//! impl Sink for Memory {
//!     /// A sink with bounds gives bytes back when this is dropped.
//!     type Permit = ();
//!
//!     fn admit(&self, _bytes: usize) -> Result<(), Refused> {
//!         Ok(())
//!     }
//!
//!     /// All spans are of one tenant.
//!     async fn tenants(&self) -> Header {
//!         Header::Ignored
//!     }
//!
//!     async fn offer(&self, _: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
//!         let mut spans = self.0.lock().expect("no panic while it is held");
//!         Ok(append_all(&mut spans, &request, &Limits::default())?)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let (sink, stop) = (Arc::new(Memory::default()), CancellationToken::new());
//! let (settings, counters) = (Settings::default(), Arc::default());
//! let serving = serve(
//!     Protocol::Zipkin,
//!     listener.into(),
//!     settings,
//!     Arc::clone(&sink),
//!     counters,
//!     stop.clone(),
//! );
//! let serving = tokio::spawn(serving);
//!
//! let spans = r#"[{"traceId":"7","id":"1","name":"get /cart"}]"#;
//! let mut client = TcpStream::connect(address).await?;
//! let head = format!("POST /api/v2/spans HTTP/1.1\r\nhost: x\r\ncontent-length: {}", spans.len());
//! client.write_all(format!("{head}\r\n\r\n{spans}").as_bytes()).await?;
//! let mut answer = [0; 12];
//! client.read_exact(&mut answer).await?;
//! assert_eq!(&answer, b"HTTP/1.1 202");
//!
//! let columns = sink.0.lock().expect("no panic while it is held").take();
//! assert_eq!(columns.texts.str(columns.spans.name[0]), "get /cart");
//!
//! drop(client);
//! stop.cancel();
//! serving.await?;
//! # Ok(())
//! # }
//! ```
//!
//! Without a socket: [`format::Format::translate`].

mod answer;
mod body;
mod complaints;
pub mod config;
mod connections;
mod counters;
mod fault;
pub mod format;
mod grpc;
mod header;
mod http;
mod jaeger;
mod listen;
mod otlp;
mod receiver;
mod reply;
mod route;
mod server;
mod sink;
mod thrift;
mod translate;
mod zipkin;

pub use connections::Settings;
pub use counters::{Counters, render_metrics};
pub use jaeger::sampling::Strategy;
pub use jaeger::udp;
pub use listen::{BindError, Listener};
pub use receiver::{Bound, Receiver};
pub use route::{Protocol, serve};
pub use sink::{OfferError, Refused, Sink};
