//! The trial at start.

use crate::fake::{Always, FakeS3};
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

/// A server that looks first and writes then may pass one race, and not several.
#[tokio::test]
async fn each_race_of_several_counts() {
    for race in ["race-0", "race-2", "race-3"] {
        let fake = FakeS3::start().await;
        fake.ignore_conditions_of(race);
        let error = probe(&fake).await.unwrap_err();
        assert!(error.to_string().contains("8 of 8 creates at once won"), "{race}: {error}");
    }
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

/// What waiting does not mend ends the trial with its first answers, which are told in one line with
/// what to set.
#[tokio::test]
async fn what_a_server_refuses_for_good_ends_the_trial_at_once() {
    let error = |status, code, rest| Always { status, error: (code, rest), ..Always::default() };
    let moved = Always {
        location: Some("http://b.s3.eu-central-1.example/k"),
        region: Some("eu-central-1"),
        ..error(307, "TemporaryRedirect", "")
    };
    let creates = |always| Always { creates_only: true, ..always };
    let region = "<Message>the region 'a' is wrong;\nexpecting 'b'</Message><Region>b</Region>";
    let condition = "<Message>If-None-Match is not supported</Message>";
    let table: [(Always, &[&str]); 18] = [
        (
            error(301, "PermanentRedirect", "<Endpoint>e.example</Endpoint>"),
            &["e.example", "AWS_ENDPOINT_URL"],
        ),
        (Always { status: 301, ..moved }, &["eu-central-1", "AWS_REGION"]),
        (moved, &["b.s3.eu-central-1.example", "AWS_REGION"]),
        (error(400, "AuthorizationHeaderMalformed", region), &["expecting 'b'", "AWS_REGION"]),
        (error(400, "ExpiredToken", ""), &["ExpiredToken", "AWS_SESSION_TOKEN", "denies"]),
        (error(400, "", ""), &["400"]),
        (creates(error(400, "InvalidArgument", condition)), &["conditional writes"]),
        (error(401, "Unauthorized", ""), &["Unauthorized"]),
        (error(403, "InvalidAccessKeyId", ""), &["InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"]),
        (error(403, "RequestTimeTooSkewed", ""), &["clock"]),
        (error(404, "NoSuchBucket", ""), &["NoSuchBucket", "--store"]),
        (error(405, "MethodNotAllowed", ""), &["MethodNotAllowed", "AWS_ENDPOINT_URL"]),
        (error(411, "MissingContentLength", ""), &["MissingContentLength", "proxies"]),
        (error(412, "PreconditionFailed", ""), &["PreconditionFailed", "conditional writes"]),
        (error(501, "NotImplemented", ""), &["NotImplemented", "conditional writes"]),
        (creates(error(501, "NotImplemented", "")), &["NotImplemented", "conditional writes"]),
        (error(413, "EntityTooLarge", ""), &["EntityTooLarge"]),
        (creates(error(403, "AccessDenied", "")), &["AccessDenied", "PutObject"]),
    ];
    for (always, expected) in table {
        let fake = FakeS3::start().await;
        fake.always(always);
        let error = probe(&fake).await.unwrap_err();
        let text = error.to_string();
        assert!(!error.is_transient() && !text.contains(['\n', '\r']), "{always:?}: {text}");
        for part in expected {
            assert!(text.contains(part), "{always:?}: {part} is not in: {text}");
        }
        // The write, a look at it, and what cleans up after both.
        assert!(fake.asked() <= 8, "{always:?}: {}", fake.asked());
    }
}

/// A write that was refused for now is told with what was said to it, and not to the look at it.
#[tokio::test]
async fn what_the_write_was_answered_is_told() {
    let fake = FakeS3::start().await;
    let slow = ("SlowDown", "<Message>please</Message>");
    fake.always(Always { status: 503, error: slow, ..Always::default() });
    let deadline = std::time::Duration::from_secs(2);
    let options = StoreOptions { create_deadline: deadline, ..fake.options() };
    let store = Store::open("s3://bucket", &options).await.unwrap();
    let error = store.create("a", "uid".into(), 0..3).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    for part in ["create a", "PUT", "503", "SlowDown: please"] {
        assert!(error.chain().contains(part), "{part} is not in: {}", error.chain());
    }
}

#[tokio::test]
async fn a_bulk_deletion_that_is_refused_does_not_fail_the_trial() {
    for status in [400, 403, 405, 501] {
        let fake = FakeS3::start().await;
        fake.delete_by(crate::fake::Ways {
            bulk: crate::fake::Bulk::Status(status),
            ..Default::default()
        });
        probe(&fake).await.unwrap();
    }
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
    let key = ("AWS_ACCESS_KEY_ID".to_owned(), "key".to_owned());
    let secret = ("AWS_SECRET_ACCESS_KEY".to_owned(), "hid\nden".to_owned());
    let table = [
        ("s3://bucket", vec![key.clone()], "ecret"),
        ("s3://bucket", vec![key, secret], "AWS_SECRET_ACCESS_KEY has a line break"),
        ("s3://bucket", plain, "AWS_ALLOW_HTTP=true"),
        ("s3://bucket", unknown, "AWS_REGIN"),
        ("az://container", vec![], "AZURE_STORAGE_ACCOUNT_NAME"),
        (file, vec![], "may create and write"),
    ];
    for (url, settings, expected) in table {
        let options = StoreOptions { settings, ..StoreOptions::default() };
        let error = Store::open(url, &options).await.err().expect(url).to_string();
        assert!(error.contains(expected) && error.contains(url), "{url}: {error}");
        assert!(!error.contains("hid"), "a secret is shown: {error}");
    }
}

/// What secrets and manifests bring along around values.
#[tokio::test]
async fn white_space_around_settings_is_taken_off() {
    let fake = FakeS3::start().await;
    let mut options = fake.options();
    for (_, value) in &mut options.settings {
        *value = format!(" {value}\r\n");
    }
    options.settings.push(("AWS_SESSION_TOKEN".into(), " \n".into()));
    options.settings.push(("AWS_ALLOW_HTTP".into(), " True\n".into()));
    Store::open("s3://bucket", &options).await.unwrap().probe().await.unwrap();
}
