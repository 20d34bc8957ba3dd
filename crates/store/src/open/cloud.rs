//! Clients of clouds.
//!
//! Two clients are made for a bucket. The one for the road to an acknowledgement connects fast or
//! not at all and never repeats by itself, because a repeat that it hides makes a create-only
//! write's outcome unclear ([`crate::create`] repeats). The other one, for blocks, listings and
//! deletions, keeps the patient defaults. The first one also asks for many deletions at once, of which
//! S3's interface has a request of its own that not every server has, or has as it should be: one
//! attempt, and what it leaves the other client deletes name by name.

mod connector;
mod network;
mod page;
mod variables;

use crate::credentials::{self, Listening, renewed};
use crate::foreign::Foreign;
use crate::location::Cloud;
use crate::options::StoreOptions;
use connector::Connector;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{ClientConfigKey, ObjectStore, RetryConfig};
use std::sync::{Arc, Once};

/// Both clients of a bucket.
pub(super) struct Pair {
    pub(super) quick: Arc<dyn ObjectStore>,
    pub(super) patient: Arc<dyn ObjectStore>,
}

/// The clients for a bucket. They share what hands out credentials.
///
/// # Errors
/// What is wrong with the options, and what to do about it.
pub(super) fn clients(
    cloud: Cloud,
    bucket: &str,
    options: &StoreOptions,
    foreign: &Foreign,
) -> Result<Pair, String> {
    install_tls();
    match cloud {
        Cloud::S3 => s3(bucket, options, foreign),
        Cloud::Google => google(bucket, options, foreign),
        Cloud::Azure => azure(bucket, options, foreign),
    }
}

/// One TLS provider for the whole process, so that no client has to guess.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider was installed before ours; it is used");
        }
    });
}

fn retry(quick: bool) -> RetryConfig {
    if quick {
        RetryConfig { max_retries: 0, ..RetryConfig::default() }
    } else {
        RetryConfig::default()
    }
}

/// Waiting for a connection is waste on the quick road; both roads keep connections for reuse, as
/// a TLS handshake in front of a write is what makes the slowest of them slow.
fn client_settings(quick: bool) -> [(ClientConfigKey, &'static str); 3] {
    [
        (ClientConfigKey::ConnectTimeout, if quick { "1 second" } else { "5 seconds" }),
        (ClientConfigKey::PoolIdleTimeout, "90 seconds"),
        (ClientConfigKey::PoolMaxIdlePerHost, "32"),
    ]
}

/// Whether a plain endpoint was given without the consent that the client wants for it.
fn check_endpoint(
    endpoint: Option<String>,
    allow_http: Option<String>,
    variable: &str,
) -> Result<(), String> {
    let plain = endpoint.as_ref().is_some_and(|e| e.starts_with("http://"));
    let allowed = allow_http.is_some_and(|text| variables::is_true(&text));
    match endpoint {
        Some(endpoint) if plain && !allowed => Err(format!(
            "the endpoint {endpoint} is not encrypted; set {variable}=true to allow that, or give \
             an https:// endpoint"
        )),
        Some(endpoint) if !plain && !endpoint.starts_with("https://") => {
            Err(format!("the endpoint \"{endpoint}\" must begin with https:// or http://"))
        }
        Some(endpoint) => match reqwest::Url::parse(&endpoint) {
            Ok(_) => Ok(()),
            Err(why) => Err(format!("the endpoint \"{endpoint}\" is no address: {why}")),
        },
        None => Ok(()),
    }
}

/// A builder with what the environment says (variables that begin with one of `$prefixes`), then what
/// the options do.
macro_rules! apply_settings {
    ($builder:ty, $key:ty, $prefixes:expr, $options:expr, $quick:expr) => {{
        let mut builder = <$builder>::new().with_retry(retry($quick));
        let is_known = |key: &str| key.parse::<$key>().is_ok();
        for (key, value) in variables::settings(std::env::vars_os(), $prefixes, is_known)? {
            if let Ok(key) = key.parse::<$key>() {
                builder = builder.with_config(key, value);
            }
        }
        for (key, value) in client_settings($quick) {
            builder = builder.with_config(<$key>::Client(key), value);
        }
        for (name, value) in &$options.settings {
            let key: $key = name.to_ascii_lowercase().parse().map_err(|_| {
                format!("the setting \"{name}\" is not known for this kind of store")
            })?;
            if let Some(value) = variables::clean(name, value)? {
                builder = builder.with_config(key, value);
            }
        }
        builder
    }};
}

fn s3(bucket: &str, options: &StoreOptions, foreign: &Foreign) -> Result<Pair, String> {
    let builder = |quick: bool| -> Result<AmazonS3Builder, String> {
        let set = apply_settings!(AmazonS3Builder, AmazonS3ConfigKey, &["AWS_"], options, quick)
            .with_http_connector(Connector(foreign.clone()))
            .with_bucket_name(bucket);
        Ok(if quick { set } else { set.with_disable_bulk_delete(true) })
    };
    let first = builder(false)?;
    let is_set = |name: &str| {
        let key = name.to_ascii_lowercase().parse();
        // The client does not know these, and no other one here does.
        let is_said = || std::env::var_os(name).is_some_and(|value| !value.is_empty());
        key.is_ok_and(|key| first.get_config_value(&key).is_some())
            || (credentials::NOT_READ.contains(&name) && is_said())
    };
    let hint = credentials::amazon(is_set);
    let allow = first.get_config_value(&AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
    for key in [AmazonS3ConfigKey::Endpoint, AmazonS3ConfigKey::S3Endpoint] {
        check_endpoint(first.get_config_value(&key), allow.clone(), "AWS_ALLOW_HTTP")?;
    }
    let build = move |listening: Listening| {
        let asking = first.clone().with_retry(retry(true)).with_http_connector(listening);
        asking.build().map(|client| Arc::clone(client.credentials())).map_err(|e| e.to_string())
    };
    let shared = renewed(Box::new(build), Some(hint), foreign.counters())?;
    let client = |quick| -> Result<Arc<dyn ObjectStore>, String> {
        let builder = builder(quick)?.with_credentials(Arc::clone(&shared));
        Ok(Arc::new(builder.build().map_err(|e| e.to_string())?))
    };
    Ok(Pair { quick: client(true)?, patient: client(false)? })
}

fn google(bucket: &str, options: &StoreOptions, foreign: &Foreign) -> Result<Pair, String> {
    let builder = |quick: bool| -> Result<GoogleCloudStorageBuilder, String> {
        type Builder = GoogleCloudStorageBuilder;
        let prefixes = &["GOOGLE_", "SERVICE_ACCOUNT"];
        Ok(apply_settings!(Builder, GoogleConfigKey, prefixes, options, quick)
            .with_http_connector(Connector(foreign.clone()))
            .with_bucket_name(bucket))
    };
    let wrong = |e: object_store::Error| {
        format!("{e}; GOOGLE_SERVICE_ACCOUNT names the file with the account's key")
    };
    let first = builder(false)?;
    let build = move |listening: Listening| {
        let asking = first.clone().with_retry(retry(true)).with_http_connector(listening);
        asking.build().map(|client| Arc::clone(client.credentials())).map_err(wrong)
    };
    let hint = credentials::google();
    let shared = renewed(Box::new(build), Some(hint), foreign.counters())?;
    let client = |quick| -> Result<Arc<dyn ObjectStore>, String> {
        let builder = builder(quick)?.with_credentials(Arc::clone(&shared));
        Ok(Arc::new(builder.build().map_err(wrong)?))
    };
    Ok(Pair { quick: client(true)?, patient: client(false)? })
}

fn azure(bucket: &str, options: &StoreOptions, foreign: &Foreign) -> Result<Pair, String> {
    let builder = |quick: bool| -> Result<MicrosoftAzureBuilder, String> {
        let prefixes = &["AZURE_", "IDENTITY_ENDPOINT"];
        Ok(apply_settings!(MicrosoftAzureBuilder, AzureConfigKey, prefixes, options, quick)
            .with_http_connector(Connector(foreign.clone()))
            .with_container_name(bucket))
    };
    let wrong = |e: object_store::Error| {
        format!(
            "{e}; AZURE_STORAGE_ACCOUNT_NAME and one of AZURE_STORAGE_ACCOUNT_KEY, \
             AZURE_STORAGE_SAS_TOKEN or a workload identity are needed"
        )
    };
    let first = builder(false)?;
    let is_set = |name: &str| {
        let key = name.to_ascii_lowercase().parse();
        key.is_ok_and(|key| first.get_config_value(&key).is_some())
    };
    let hint = credentials::azure(is_set);
    let allow = first.get_config_value(&AzureConfigKey::Client(ClientConfigKey::AllowHttp));
    check_endpoint(first.get_config_value(&AzureConfigKey::Endpoint), allow, "AZURE_ALLOW_HTTP")?;
    let build = move |listening: Listening| {
        let asking = first.clone().with_retry(retry(true)).with_http_connector(listening);
        asking.build().map(|client| Arc::clone(client.credentials())).map_err(wrong)
    };
    let shared = renewed(Box::new(build), Some(hint), foreign.counters())?;
    let client = |quick| -> Result<Arc<dyn ObjectStore>, String> {
        let builder = builder(quick)?.with_credentials(Arc::clone(&shared));
        Ok(Arc::new(builder.build().map_err(wrong)?))
    };
    Ok(Pair { quick: client(true)?, patient: client(false)? })
}
