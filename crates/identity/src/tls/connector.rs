//! Connections of HTTP clients: in the clear for `http://`, inside TLS for `https://`.

use super::{ClientTls, Stream, server_name};
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, TlsStream};
use tower::Service;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// Connects.
#[derive(Debug, Clone)]
pub struct Connector {
    tcp: HttpConnector,
    tls: Option<ClientTls>,
    name: Option<ServerName<'static>>,
}

/// Why there is no connection.
type ConnectError = Box<dyn Error + Send + Sync>;

impl Connector {
    /// With `tls` for `https://`, where certificates must have `name`: without it the URL's host.
    pub fn new(tls: Option<ClientTls>, name: Option<ServerName<'static>>) -> Connector {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        Connector { tcp, tls, name }
    }

    /// Gives a server so long to take a connection.
    pub fn set_connect_timeout(&mut self, patience: Duration) {
        self.tcp.set_connect_timeout(Some(patience));
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Service::poll_ready(&mut self.tcp, context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let secure = uri.scheme_str() == Some("https");
        let name = self.name.clone().or_else(|| server_name(uri.host().unwrap_or_default()));
        let tls = self.tls.clone();
        let connecting = self.tcp.call(uri);
        Box::pin(async move {
            let stream = connecting.await?.into_inner();
            if !secure {
                return Ok(TokioIo::new(Stream::Plain(stream)));
            }
            let tls = tls.ok_or("there is no TLS here: no certificates of authorities are set")?;
            let name = name.ok_or("its host can be in no certificate")?;
            let handshake = TlsConnector::from(tls.config()).connect(name, stream);
            let stream = timeout(HANDSHAKE, handshake).await??;
            Ok(TokioIo::new(Stream::Tls(Box::new(TlsStream::Client(stream)))))
        })
    }
}
