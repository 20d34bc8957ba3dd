//! The program, and how it is spoken to.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tributary_testkit::http::Answer;
use tributary_testkit::process::Process;
use tributary_testkit::wait::SOON;

/// What its certificate is made out to.
pub(crate) const NAME: &str = "tributary-injector.tracing.svc";

/// An authority: the caBundle of a webhook configuration.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut own = CertificateParams::new(Vec::<String>::new()).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(own, key).unwrap())
    }

    /// A certificate and its key.
    pub(crate) fn signs(&self, name: &str) -> [String; 2] {
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new(vec![name.to_owned()]).unwrap();
        [made.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem()]
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// It runs, with certificate and settings from files.
pub(crate) struct Injector {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) authority: Authority,
}

impl Injector {
    pub(crate) async fn start(platform: &str) -> Injector {
        Injector::start_with(platform, &["--linger=0s"]).await
    }

    pub(crate) async fn start_with(platform: &str, more: &[&str]) -> Injector {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let at = |name: &str| folder.path().join(name);
        let [cert, key] = authority.signs(NAME);
        std::fs::write(at("tls.crt"), cert).unwrap();
        std::fs::write(at("tls.key"), key).unwrap();
        std::fs::write(at("platform.yaml"), platform).unwrap();
        let path = |name: &str| at(name).display().to_string();
        let mut args = vec![
            "--listen=127.0.0.1:0".to_owned(),
            "--admin-listen=127.0.0.1:0".to_owned(),
            "--files-poll=20ms".to_owned(),
            format!("--tls-cert={}", path("tls.crt")),
            format!("--tls-key={}", path("tls.key")),
            format!("--context={}", path("platform.yaml")),
        ];
        args.extend(more.iter().map(|&arg| arg.to_owned()));
        let program = env!("CARGO_BIN_EXE_tributary-injector");
        let mut process = Process::spawn(program, args, &[]).unwrap();
        let address = process.listening("admission", SOON).await.unwrap();
        let admin = process.listening("admin", SOON).await.unwrap();
        Injector { process, address, admin, folder, authority }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A page of its port for probes.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        tributary_testkit::http::get(self.admin, path).await.unwrap()
    }

    /// A number of its metrics.
    pub(crate) async fn counted(&self, sample: &str) -> f64 {
        let page = self.page("/metrics").await.text();
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("{sample} ")));
        line.unwrap_or_else(|| panic!("no {sample}: {page}")).parse().unwrap()
    }

    /// A connection inside TLS that offers these protocols, checked against its authority.
    pub(crate) async fn connect(
        &self,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        connect(self.address, self.authority.roots(), protocols).await
    }

    /// Asks with one body, on a connection of its own.
    pub(crate) async fn ask(&self, protocol: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let stream = self.connect(&[protocol]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        let request = Request::post(format!("https://{NAME}{path}"))
            .header("host", NAME)
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .unwrap();
        let response = if protocol == "h2" {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        read(response).await
    }

    /// Asks for a pod, as a review in JSON, and gives `response`.
    pub(crate) async fn review(&self, protocol: &str, path: &str, review: &Value) -> Value {
        let answer = self.ask(protocol, path, review.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json");
        answer.json().unwrap()["response"].clone()
    }
}

pub(crate) async fn connect(
    to: SocketAddr,
    roots: RootCertStore,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(to).await?;
    let name = ServerName::try_from(NAME).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn read(response: Response<hyper::body::Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, body }
}
