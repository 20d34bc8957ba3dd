//! What stands between a cloud's client and the network: pages of listings are read on their way, and
//! so are answers that are no success, so that an operator is told what the server said, in one line.

use super::{network, page};
use crate::answer::{Answer, Hints, NotTrusted};
use crate::foreign::Foreign;
use bytes::Bytes;
use futures_util::StreamExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use tributary_telemetry::ErrorChain;

/// Of an answer that is no success no more is read.
const LONGEST_ANSWER: usize = 16 << 10;

/// Makes connections for a client.
#[derive(Debug)]
pub(super) struct Connector(pub(super) Foreign);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let network = network::client(options)?;
        Ok(HttpClient::new(Connection { network, foreign: self.0.clone() }))
    }
}

#[derive(Debug)]
struct Connection {
    network: HttpClient,
    foreign: Foreign,
}

#[async_trait::async_trait]
impl HttpService for Connection {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (method, query) = (request.method().as_str(), request.uri().query());
        let is_listing = is_listing(method, query);
        let has_kinds = !is_listing && !is_beginning(method, query);
        let response = self.network.execute(request).await.map_err(untrusted)?;
        if !response.status().is_success() {
            return refused(response, has_kinds).await;
        }
        if !is_listing {
            return Ok(response);
        }
        let (mut head, body) = response.into_parts();
        // The client takes a page in one piece as well.
        let page = body.bytes().await?;
        let split = std::str::from_utf8(&page).map(page::split);
        let Some((ours, foreign)) = split.ok().filter(|(_, foreign)| !foreign.is_empty()) else {
            return Ok(HttpResponse::from_parts(head, page.into()));
        };
        for name in foreign {
            self.foreign.leave_out(&name, "the client takes it for no path");
        }
        head.headers.remove("content-length");
        Ok(HttpResponse::from_parts(head, ours.into()))
    }
}

/// The same answer with its body in one line; an error when the request will not do later either. The
/// client would try some of these again and again, and keep what others say to itself. `has_kinds`: it
/// tells those of rights and of what is missing itself.
async fn refused(response: HttpResponse, has_kinds: bool) -> Result<HttpResponse, HttpError> {
    let (mut head, body) = response.into_parts();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let hints = Hints {
        location: header("location"),
        region: header("x-amz-bucket-region"),
        code: header("x-ms-error-code").or_else(|| header("x-minio-error-code")),
    };
    let answer = Answer::read(head.status.as_u16(), &hints, &beginning(body.bytes_stream()).await);
    let is_final = if has_kinds { answer.is_final() } else { answer.is_final_without_kinds() };
    if is_final {
        return Err(HttpError::new(HttpErrorKind::Unknown, answer));
    }
    head.headers.remove("content-length");
    Ok(HttpResponse::from_parts(head, Bytes::from(answer.said()).into()))
}

/// As much of a body as says why. That it breaks off is no reason to forget the status.
async fn beginning(
    mut body: impl futures_util::Stream<Item = Result<Bytes, HttpError>> + Unpin,
) -> String {
    let mut read = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        let room = LONGEST_ANSWER - read.len();
        read.extend(piece.iter().take(room));
        if read.len() == LONGEST_ANSWER {
            break;
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// The same error, if it is none that only an operator can mend.
fn untrusted(error: HttpError) -> HttpError {
    let chain = ErrorChain(&error).to_string();
    match is_untrusted(&chain) {
        true => HttpError::new(HttpErrorKind::Unknown, NotTrusted(chain)),
        false => error,
    }
}

/// What the library for TLS says of certificates, and of a server that speaks none.
fn is_untrusted(chain: &str) -> bool {
    ["invalid peer certificate", "InvalidContentType"].iter().any(|said| chain.contains(said))
}

/// Whether a request begins an upload in parts, of Amazon and Google.
fn is_beginning(method: &str, query: Option<&str>) -> bool {
    method == "POST"
        && query.unwrap_or_default().split('&').any(|pair| pair == "uploads" || pair == "uploads=")
}

/// Whether a request asks for a page of a listing, of Amazon and Google or of Azure.
fn is_listing(method: &str, query: Option<&str>) -> bool {
    let mut pairs = query.unwrap_or_default().split('&');
    method == "GET" && pairs.any(|pair| pair == "list-type=2" || pair == "comp=list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_and_plain_servers_are_told_from_what_passes() {
        let table = [
            ("client error (Connect): invalid peer certificate: UnknownIssuer", true),
            ("received corrupt message of type InvalidContentType", true),
            ("tcp connect error: Connection refused (os error 111)", false),
            ("dns error: failed to lookup address information", false),
        ];
        for (chain, expected) in table {
            assert_eq!(is_untrusted(chain), expected, "{chain}");
        }
        for (query, expected) in [("uploads", true), ("uploads=", true), ("uploadId=1", false)] {
            assert_eq!(is_beginning("POST", Some(query)), expected, "{query}");
        }
    }

    #[test]
    fn listings_are_told_by_what_they_ask() {
        let table = [
            ("GET", Some("list-type=2&prefix=a%2F"), true),
            ("GET", Some("delimiter=%2F&list-type=2"), true),
            ("GET", Some("restype=container&comp=list&prefix=a"), true),
            ("GET", Some("uploadId=1&list-type=20"), false),
            ("GET", Some("prefix=list-type=2"), false),
            ("GET", None, false),
            ("POST", Some("list-type=2"), false),
        ];
        for (method, query, expected) in table {
            assert_eq!(is_listing(method, query), expected, "{method} {query:?}");
        }
    }
}
