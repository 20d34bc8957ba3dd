use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tributary_telemetry::ErrorChain;

/// A point that no signature is made by.
const HALF: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn keys() -> String {
    let key = format!(r#"{{"kty":"EC","crv":"P-256","kid":"1","x":"{HALF}","y":"{HALF}"}}"#);
    format!(r#"{{"keys":[{key}]}}"#)
}

/// A server that answers each request with these bytes, and then is silent if `hangs`.
struct Server {
    folder: TempDir,
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(answer: Vec<u8>, hangs: bool) -> Server {
    let mut own = CertificateParams::new(Vec::<String>::new()).unwrap();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap();
    let (key, made) =
        (KeyPair::generate().unwrap(), CertificateParams::new(["localhost".to_owned()]));
    let cert = made.unwrap().signed_by(&key, &authority).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca"), authority.pem()).unwrap();
    std::fs::write(folder.path().join("token"), "of-the-pod\n").unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap().to_lowercase();
                assert!(request.starts_with("get /openid/v1/jwks http/1.1\r\n"), "{request}");
                if !request.contains("authorization: bearer of-the-pod\r\n") {
                    let refused = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(refused.as_bytes()).await.unwrap();
                    return;
                }
                // It may hang up before it has read all.
                drop(stream.write_all(&answer).await);
                drop(stream.flush().await);
                if hangs {
                    std::future::pending::<()>().await;
                }
                drop(stream.shutdown().await);
            });
        }
    });
    Server { folder, port, task }
}

impl Server {
    fn url(&self, host: &str, token: bool) -> KeyUrl {
        let file = |name: &str| Some(self.folder.path().join(name));
        KeyUrl {
            url: format!("https://{host}:{}/openid/v1/jwks", self.port).parse().unwrap(),
            ca: file("ca"),
            token: file("token").filter(|_| token),
        }
    }
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into()
}

async fn told(url: &KeyUrl) -> String {
    match url.fetch().await {
        Ok(keys) => panic!("{keys:?}"),
        Err(error) => ErrorChain(&error).to_string(),
    }
}

#[tokio::test]
async fn keys_are_asked_for_as_a_pod_may() {
    let server = serve(ok(&keys()), false).await;
    let found = server.url("localhost", true).fetch().await.unwrap();
    assert_eq!(found, KeySet::read(keys().as_bytes()).unwrap());
    assert!(told(&server.url("localhost", false)).await.contains("403 Forbidden"));
    let told_of_name = told(&server.url("127.0.0.1", true)).await;
    assert!(
        told_of_name.contains("no answer") && told_of_name.contains("127.0.0.1"),
        "{told_of_name}"
    );
    let stranger = serve(ok(&keys()), false).await;
    let mixed =
        KeyUrl { ca: Some(stranger.folder.path().join("ca")), ..server.url("localhost", true) };
    assert!(told(&mixed).await.contains("invalid peer certificate"));
    let gone = KeyUrl { token: Some(PathBuf::from("/nowhere")), ..server.url("localhost", true) };
    assert!(told(&gone).await.contains("cannot read /nowhere"));
    let url = server.url("localhost", true);
    server.task.abort();
    drop(server);
    assert!(told(&url).await.contains("cannot read"), "the authority's file is gone");
}

#[tokio::test]
async fn what_is_no_key_set_is_told() {
    let large = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(LARGEST));
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = "10000\r\n".to_owned() + &"x".repeat(0x10000) + "\r\n";
    let nested = "[".repeat(10_000);
    let table: [(Vec<u8>, &str); 9] = [
        (ok(&large), "cannot be read, of at most"),
        ((endless.to_owned() + &chunks.repeat(5)).into(), "cannot be read, of at most"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{".to_vec(), "cannot be read"),
        (ok("<html>"), "no key set"),
        (ok(&nested), "no key set"),
        (ok(r#"{"keys":[]}"#), "it has no key"),
        (ok(""), "no key set"),
        (
            b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere/\r\ncontent-length: 0\r\n\r\n"
                .to_vec(),
            "302 Found",
        ),
        (b"SSH-2.0-no\r\n".to_vec(), "no answer"),
    ];
    for (answer, expected) in table {
        let server = serve(answer, false).await;
        let told = told(&server.url("localhost", true)).await;
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[tokio::test]
async fn one_that_drips_has_so_much_time() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    for part in [0, 10, head.len()] {
        let answer = head.bytes().take(part).collect();
        let server = serve(answer, true).await;
        assert!(told(&server.url("localhost", true)).await.contains("within 3s"), "{part}");
    }
}
