//! The trial at start.

use crate::fake::FakeS3;
use tributary_store::{ProbeError, Store, StoreOptions};

async fn probe(fake: &FakeS3) -> Result<(), ProbeError> {
    Store::open("s3://bucket/some/prefix", &fake.options()).await.unwrap().probe().await
}

#[tokio::test]
async fn a_store_that_keeps_its_promises_passes() {
    let fake = FakeS3::start().await;
    probe(&fake).await.unwrap();
}

#[tokio::test]
async fn a_store_that_ignores_create_only_is_refused() {
    let fake = FakeS3::start().await;
    fake.ignore_conditions();
    let error = probe(&fake).await.unwrap_err();
    assert!(matches!(error, ProbeError::IgnoresCreateOnly { .. }), "{error:?}");
    let text = error.to_string();
    for part in ["s3://bucket/some/prefix", "If-None-Match", "conditional writes", "cannot be used"]
    {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_store_whose_listings_lag_is_refused() {
    let fake = FakeS3::start().await;
    fake.forget_to_list();
    let error = probe(&fake).await.unwrap_err();
    assert!(matches!(error, ProbeError::Inconsistent { .. }), "{error:?}");
    assert!(error.to_string().contains("not listed"), "{error}");
}

#[tokio::test]
async fn a_store_that_denies_says_what_to_check() {
    let fake = FakeS3::start().await;
    fake.refuse_writes(403);
    let error = probe(&fake).await.unwrap_err();
    assert!(matches!(&error, ProbeError::Failed { .. }) && !error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("credentials"), "{error}");
}

#[tokio::test]
async fn a_store_that_is_not_there_may_come() {
    let fake = FakeS3::start().await;
    let mut options = fake.options();
    let deserted = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    options.settings.push(("AWS_ENDPOINT_URL".into(), format!("http://{deserted}")));
    options.create_deadline = std::time::Duration::from_millis(200);
    let error = Store::open("s3://bucket", &options).await.unwrap().probe().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().contains(&deserted.to_string()), "{error}");
}

#[tokio::test]
async fn wrong_settings_are_found_before_any_request() {
    let plain = vec![("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:1".to_owned())];
    let unknown = vec![("AWS_REGIN".to_owned(), "eu".to_owned())];
    let folder = tempfile::NamedTempFile::new().unwrap();
    let file = folder.path().to_str().unwrap();
    let table = [
        ("s3://bucket", plain, "AWS_ALLOW_HTTP=true"),
        ("s3://bucket", unknown, "AWS_REGIN"),
        ("az://container", vec![], "AZURE_STORAGE_ACCOUNT_NAME"),
        (file, vec![], "may create and write"),
    ];
    for (url, settings, expected) in table {
        let options = StoreOptions { settings, ..StoreOptions::default() };
        let error = Store::open(url, &options).await.err().expect(url).to_string();
        assert!(error.contains(expected) && error.contains(url), "{url}: {error}");
    }
}
