//! What stands between a cloud's client and the network: pages of listings are read on their way.

use super::page;
use crate::foreign::Foreign;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// Makes connections for a client.
#[derive(Debug)]
pub(super) struct Connector(pub(super) Foreign);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let network = ReqwestConnector::default().connect(options)?;
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
        let is_listing = is_listing(request.method().as_str(), request.uri().query());
        let response = self.network.execute(request).await?;
        if !is_listing || !response.status().is_success() {
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

/// Whether a request asks for a page of a listing, of Amazon and Google or of Azure.
fn is_listing(method: &str, query: Option<&str>) -> bool {
    let mut pairs = query.unwrap_or_default().split('&');
    method == "GET" && pairs.any(|pair| pair == "list-type=2" || pair == "comp=list")
}

#[cfg(test)]
mod tests {
    use super::*;

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
