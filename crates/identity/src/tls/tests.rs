use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use std::fs;
use std::path::Path;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut own = CertificateParams::new(Vec::<String>::new()).unwrap();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for `name` and its key.
fn write(authority: &Authority, name: &str, cert: &Path, key: &Path) {
    let own = KeyPair::generate().unwrap();
    let mut made = CertificateParams::new(vec![name.to_owned()]).unwrap();
    made.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    fs::write(cert, made.signed_by(&own, authority).unwrap().pem()).unwrap();
    fs::write(key, own.serialize_pem()).unwrap();
}

/// Whether a handshake ends well, and whose certificate the server saw.
async fn handshake(server: &ServerTls, client: &ClientTls, name: &str) -> Result<bool, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = TlsAcceptor::from(server.config()).accept(stream).await;
        let stream = stream.map_err(|error| error.to_string())?;
        Ok(Stream::Tls(Box::new(stream.into())).certificate().is_some())
    };
    let connecting = async {
        let stream = TcpStream::connect(to).await.unwrap();
        let name = server_name(name).unwrap();
        TlsConnector::from(client.config()).connect(name, stream).await
    };
    let (accepted, connected) = tokio::join!(accepting, connecting);
    connected.map_err(|error| error.to_string())?;
    accepted
}

#[test]
fn names_of_servers() {
    let table = [
        (
            "tributary-wire.tracing.svc.cluster.local.",
            Some("tributary-wire.tracing.svc.cluster.local"),
        ),
        ("ingester", Some("ingester")),
        ("10.0.0.1", Some("10.0.0.1")),
        ("fd00::1", Some("fd00::1")),
        ("[fd00::1]", Some("fd00::1")),
        ("", None),
        ("a b", None),
    ];
    for (host, expected) in table {
        let name = server_name(host);
        assert_eq!(name.map(|name| name.to_str().into_owned()).as_deref(), expected, "{host}");
    }
}

#[tokio::test]
async fn files_are_gone_by_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (old, new) = (authority(), authority());
    fs::write(at("ca"), old.pem()).unwrap();
    write(&old, "ingester", &at("cert"), &at("key"));
    let files = ServerFiles {
        cert: at("cert"),
        key: at("key"),
        client_ca: Some(at("ca")),
        client_must: true,
        protocols: &[b"http/1.1"],
    };
    let server = ServerTls::load(files.clone()).unwrap();
    let own = Some((at("cert"), at("key")));
    let client = ClientTls::load(ClientFiles { ca: Some(at("ca")), own }).unwrap();
    let without = ClientTls::load(ClientFiles { ca: Some(at("ca")), own: None }).unwrap();
    assert_eq!(handshake(&server, &client, "ingester.").await, Ok(true));
    handshake(&server, &client, "other").await.unwrap_err();
    handshake(&server, &without, "ingester").await.unwrap_err();
    let lenient = ServerTls::load(ServerFiles { client_must: false, ..files }).unwrap();
    assert_eq!(handshake(&lenient, &without, "ingester").await, Ok(false));
    assert!(!server.refresh().unwrap());

    // A key that belongs to another certificate, as one that is written just now.
    let key = fs::read(at("key")).unwrap();
    write(&new, "ingester", &at("cert2"), &at("key"));
    assert!(matches!(server.refresh(), Err(TlsError::Unusable(_))));
    fs::write(at("key"), "").unwrap();
    assert!(!server.refresh().unwrap(), "it may be being written");
    for _ in 0..2 {
        assert!(matches!(server.refresh(), Err(TlsError::Empty { .. })), "until it can be used");
    }
    assert_eq!(handshake(&server, &client, "ingester").await, Ok(true), "the last good stays");
    fs::write(at("key"), key).unwrap();
    assert!(server.refresh().unwrap());

    fs::write(at("ca"), new.pem()).unwrap();
    write(&new, "ingester", &at("cert"), &at("key"));
    assert!(server.refresh().unwrap());
    handshake(&server, &client, "ingester").await.unwrap_err();
    assert!(client.refresh().unwrap());
    assert_eq!(handshake(&server, &client, "ingester").await, Ok(true));
    assert!(server.expires() > 1_700_000_000);
}
