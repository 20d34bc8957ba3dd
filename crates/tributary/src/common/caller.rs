//! Who asks a server, and how the server proves who it is: flags that commands share.

use super::address::Address;
use clap::builder::{OsStringValueParser, TypedValueParser};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::path::PathBuf;
use tributary_identity::tls::{ClientFiles, ClientTls};

/// Who asks.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Caller {
    /// Whose traces, where the server has tenants: X-Scope-OrgID.
    #[arg(long, env = "TRIBUTARY_TENANT", value_name = "NAME", value_parser = header)]
    tenant: Option<HeaderValue>,
    /// Sent as `Authorization: Bearer`.
    #[arg(long, env = "TRIBUTARY_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = bearer)]
    token: Option<HeaderValue>,
    /// File with such a token, a ServiceAccount's for example: read for each request, and sent inside TLS
    /// alone. It counts before --token.
    #[arg(long, env = "TRIBUTARY_TOKEN_FILE", value_name = "FILE", value_parser = path())]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) that the server's must be signed by, where the URL is `https://`; the
    /// system's if not given.
    #[arg(long, env = "TRIBUTARY_TLS_CA", value_name = "FILE", value_parser = path())]
    tls_ca: Option<PathBuf>,
}

impl Caller {
    /// Whose traces, if that was said.
    pub(crate) fn tenant(&self) -> Option<HeaderValue> {
        self.tenant.clone().filter(|tenant| !tenant.is_empty())
    }

    /// Who asks, if that was said.
    pub(crate) fn token(&self) -> Option<HeaderValue> {
        self.token.clone().filter(|token| !token.is_empty())
    }

    /// Where the token is that the server at `url` is shown, if that was said.
    ///
    /// # Errors
    /// When it is asked in the clear.
    pub(crate) fn token_file(&self, url: &Address) -> Result<Option<PathBuf>, String> {
        let file = self.token_file.clone().filter(|path| !path.as_os_str().is_empty());
        match file {
            Some(_) if !url.is_secure() => {
                Err(format!("--token-file: sent inside TLS alone, and {} has none", url.as_str()))
            }
            file => Ok(file),
        }
    }

    /// Tenant and token, as headers.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static(tributary_span::tenant::HEADER);
        headers.extend(self.tenant().map(|tenant| (name, tenant)));
        headers.extend(self.token().map(|token| (header::AUTHORIZATION, token)));
        headers
    }

    /// What TLS is checked by, where there is any.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub(crate) fn tls(&self, is_secure: bool) -> Result<Option<ClientTls>, String> {
        if !is_secure {
            return Ok(None);
        }
        let ca = self.tls_ca.clone().filter(|path| !path.as_os_str().is_empty());
        let tls = ClientTls::load(ClientFiles { ca, own: None });
        tls.map(Some).map_err(|error| format!("--tls-ca: {:#}", anyhow::Error::from(error)))
    }
}

/// A path; an empty one is none.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Secrets and manifests bring blanks and newlines along. A variable that is empty is none.
fn header(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text.trim()).map_err(|_| "cannot be sent in a header".to_owned())
}

fn bearer(text: &str) -> Result<HeaderValue, String> {
    let mut value = match text.trim() {
        "" => HeaderValue::from_static(""),
        token => header(&format!("Bearer {token}"))?,
    };
    value.set_sensitive(true);
    Ok(value)
}
