//! The HTTP client below a cloud's client: with `object_store`'s settings for it, but it follows no
//! redirect.
//!
//! Followed, a 301 turns a PUT into a GET without a body, whose 200 would pass for a write; and a
//! request that is signed for one host is signed for no other. Where a redirect points to is told
//! instead ([`crate::answer`]).

use crate::random::random;
use object_store::client::HttpClient;
use object_store::{ClientConfigKey as Key, ClientOptions};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::tls::Certificate;
use reqwest::{ClientBuilder, NoProxy, Proxy, redirect};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// A client with these settings.
///
/// # Errors
/// When one of them cannot be read.
pub(super) fn client(options: &ClientOptions) -> object_store::Result<HttpClient> {
    built(options)
        .map(HttpClient::new)
        .map_err(|source| object_store::Error::Generic { store: "HTTP client", source })
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

fn built(options: &ClientOptions) -> Result<reqwest::Client, Fault> {
    let text = |key| options.get_config_value(&key);
    let time = |key| text(key).map(|text| humantime::parse_duration(&text)).transpose();
    let flag = |key| text(key).is_some_and(|text| super::variables::is_true(&text));
    let mut builder = ClientBuilder::new()
        .redirect(redirect::Policy::none())
        // A body that was unpacked on its way would have another length than the object.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .user_agent(text(Key::UserAgent).unwrap_or_else(own_name))
        .https_only(!flag(Key::AllowHttp))
        .danger_accept_invalid_certs(flag(Key::AllowInvalidCertificates))
        .http2_keep_alive_while_idle(flag(Key::Http2KeepAliveWhileIdle))
        .http2_keep_alive_interval(time(Key::Http2KeepAliveInterval)?)
        .http2_max_frame_size(number::<u32>(text(Key::Http2MaxFrameSize))?)
        .pool_idle_timeout(time(Key::PoolIdleTimeout)?.unwrap_or(POOL_IDLE));
    if flag(Key::NoSystemCertificates) {
        builder = builder.tls_certs_only([]);
    }
    if flag(Key::Http1Only) {
        builder = builder.http1_only();
    }
    if flag(Key::Http2Only) {
        builder = builder.http2_prior_knowledge();
    }
    if flag(Key::RandomizeAddresses) {
        builder = builder.dns_resolver(Arc::new(Shuffled));
    }
    for (key, set) in TIMES {
        if let Some(time) = time(key)? {
            builder = set(builder, time);
        }
    }
    if let Some(most) = number(text(Key::PoolMaxIdlePerHost))? {
        builder = builder.pool_max_idle_per_host(most);
    }
    if let Some(url) = text(Key::ProxyUrl) {
        if let Some(pem) = text(Key::ProxyCaCertificate) {
            builder = builder.tls_certs_merge([Certificate::from_pem(pem.as_bytes())?]);
        }
        let but = text(Key::ProxyExcludes).and_then(|names| NoProxy::from_string(&names));
        builder = builder.proxy(Proxy::all(url)?.no_proxy(but));
    }
    Ok(builder.build()?)
}

/// What `reqwest` does by itself.
const POOL_IDLE: Duration = Duration::from_secs(90);

type Set = fn(ClientBuilder, Duration) -> ClientBuilder;

const TIMES: [(Key, Set); 4] = [
    (Key::Timeout, ClientBuilder::timeout),
    (Key::ConnectTimeout, ClientBuilder::connect_timeout),
    (Key::ReadTimeout, ClientBuilder::read_timeout),
    (Key::Http2KeepAliveTimeout, ClientBuilder::http2_keep_alive_timeout),
];

fn own_name() -> String {
    concat!("tributary/", env!("CARGO_PKG_VERSION")).to_owned()
}

fn number<N: FromStr>(text: Option<String>) -> Result<Option<N>, N::Err> {
    text.map(|text| text.parse()).transpose()
}

/// The addresses of a name in an order that changes, so that a store's servers share the load.
#[derive(Debug)]
struct Shuffled;

impl Resolve for Shuffled {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let mut found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let chance = random::<16>()?;
            for (at, byte) in chance.iter().enumerate().take(found.len()) {
                let other = at + usize::from(*byte) % (found.len() - at);
                found.swap(at, other);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_or_named() {
        crate::open::cloud::install_tls();
        let with = |settings: &[(Key, &str)]| {
            let empty = ClientOptions::new();
            settings.iter().fold(empty, |all, (key, value)| all.with_config(*key, *value))
        };
        let fine: [&[(Key, &str)]; 4] = [
            &[],
            &[(Key::Timeout, "30s"), (Key::ConnectTimeout, "1 second"), (Key::ReadTimeout, "1m")],
            &[(Key::ProxyUrl, "http://proxy:1"), (Key::ProxyExcludes, "a,b")],
            &[(Key::Http1Only, "no"), (Key::Http2Only, "YES"), (Key::Http2MaxFrameSize, "16384")],
        ];
        for settings in fine {
            built(&with(settings)).unwrap();
        }
        let wrong: [&[(Key, &str)]; 3] = [
            &[(Key::Timeout, "soon")],
            &[(Key::PoolMaxIdlePerHost, "many")],
            &[(Key::ProxyUrl, "http://")],
        ];
        for settings in wrong {
            assert!(built(&with(settings)).is_err(), "{settings:?}");
        }
    }

    #[tokio::test]
    async fn no_address_is_left_out() {
        let found = Shuffled.resolve("localhost".parse().unwrap()).await.unwrap();
        let found: Vec<_> = found.collect();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
    }
}
