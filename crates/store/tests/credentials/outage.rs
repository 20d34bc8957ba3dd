//! What becomes of writes while no credentials are given.

use crate::cloud::{Cloud, Mood, Seen};
use crate::writer::{failures, start};
use std::future::ready;
use tributary_testkit::process::Process;
use tributary_testkit::wait::{SOON, wait_for};

/// Waits until what the cloud has seen is so.
async fn until(cloud: &Cloud, writer: &Process, what: &str, is: impl Fn(Seen) -> bool) -> Seen {
    let look = || {
        let seen = cloud.seen();
        ready(if is(seen) { Ok(seen) } else { Err(format!("{seen:?} {:?}", failures(writer))) })
    };
    wait_for(what, SOON, look).await.unwrap()
}

/// Outages of both kinds, each longer than what a client of the cloud's own survives, which asks within
/// the first request of the last five minutes: the second exchange is refused three times, the third
/// gets no answer at all at first. Then one that is longer than a credential lives.
async fn outages(cloud: &Cloud, url: &str, variables: &[(&str, &str)]) {
    let writer = start(url, variables);
    until(cloud, &writer, "first writes", |seen| seen.given == 1 && seen.written > 20).await;
    for (mood, times) in [(Mood::Refuses, 3), (Mood::Hangs, 1)] {
        cloud.is_now(mood);
        let before = cloud.seen();
        until(cloud, &writer, "exchanges to fail", |seen| {
            seen.withheld >= before.withheld + times && seen.written > before.written
        })
        .await;
        cloud.is_now(Mood::Gives);
        until(cloud, &writer, "a newer one", |seen| seen.given > before.given).await;
    }
    let seen = cloud.seen();
    until(cloud, &writer, "writes with the newer one", |now| now.written > seen.written + 20).await;
    assert_eq!(failures(&writer), Vec::<String>::new(), "{url} {:?}", cloud.seen());
    assert_eq!(cloud.seen().denied, 0);

    cloud.is_now(Mood::Refuses);
    let told = wait_for("failures", SOON, || {
        let told = failures(&writer).into_iter().find(|line| line.contains("has ended"));
        ready(told.ok_or_else(|| format!("{:?} {:?}", cloud.seen(), failures(&writer))))
    });
    let told = told.await.unwrap();
    assert!(told.contains("503"), "{told}");
    cloud.is_now(Mood::Gives);
    let seen = cloud.seen();
    until(cloud, &writer, "writes again", |now| now.written > seen.written + 20).await;
    assert_eq!(cloud.seen().denied, 0, "nothing was sent with a credential that had ended");
}

/// At the same time: they mostly wait.
#[tokio::test]
async fn no_write_fails_while_a_credential_lives_in_any_cloud() {
    tokio::join!(irsa(), eks_pod_identity(), gke(), azure_workload_identity());
}

async fn irsa() {
    let cloud = Cloud::start().await;
    let (endpoint, sts) =
        (format!("http://{}", cloud.plain), format!("https://localhost:{}", cloud.secure.port()));
    let variables = [
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/writer"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &cloud.token_file().display().to_string()),
        ("AWS_ENDPOINT_URL_STS", &sts),
        ("SSL_CERT_FILE", &cloud.authority_file().display().to_string()),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-central-1"),
    ];
    outages(&cloud, "s3://bucket", &variables).await;
}

async fn eks_pod_identity() {
    let cloud = Cloud::start().await;
    let endpoint = format!("http://{}", cloud.plain);
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*format!("{endpoint}/v1/credentials")),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &cloud.token_file().display().to_string()),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-central-1"),
    ];
    outages(&cloud, "s3://bucket", &variables).await;
}

async fn gke() {
    let cloud = Cloud::start().await;
    let variables = [
        ("GCE_METADATA_HOST", &*cloud.plain.to_string()),
        ("GCE_METADATA_IP", &cloud.plain.to_string()),
        ("GOOGLE_BASE_URL", &format!("http://{}", cloud.plain)),
        ("GOOGLE_ALLOW_HTTP", "true"),
    ];
    outages(&cloud, "gs://bucket", &variables).await;
}

async fn azure_workload_identity() {
    let cloud = Cloud::start().await;
    let variables = [
        ("AZURE_CLIENT_ID", "writer"),
        ("AZURE_TENANT_ID", "directory"),
        ("AZURE_FEDERATED_TOKEN_FILE", &*cloud.token_file().display().to_string()),
        ("AZURE_AUTHORITY_HOST", &format!("https://localhost:{}", cloud.secure.port())),
        ("SSL_CERT_FILE", &cloud.authority_file().display().to_string()),
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
        ("AZURE_STORAGE_ENDPOINT", &format!("http://{}", cloud.plain)),
        ("AZURE_ALLOW_HTTP", "true"),
    ];
    outages(&cloud, "az://bucket", &variables).await;
}

/// What a pod's start says when it has no credential, or half of what one is made of.
#[tokio::test]
async fn a_start_without_a_credential_names_what_is_missing() {
    let cloud = Cloud::start().await;
    let endpoint = format!("http://{}", cloud.plain);
    let s3 = [("AWS_ENDPOINT_URL", endpoint.as_str()), ("AWS_ALLOW_HTTP", "true")];
    let azure = [("AZURE_STORAGE_ACCOUNT_NAME", "account"), ("AZURE_CLIENT_ID", "writer")];
    type Variables<'a> = Vec<(&'a str, &'a str)>;
    let table: [(&str, Variables<'_>, &str); 4] = [
        (
            "s3://bucket",
            [&s3[..], &[("AWS_METADATA_ENDPOINT", &endpoint)]].concat(),
            "none of AWS_ACCESS_KEY_ID",
        ),
        (
            "s3://bucket",
            [&s3[..], &[("AWS_METADATA_ENDPOINT", &endpoint), ("AWS_ROLE_ARN", "a")]].concat(),
            "AWS_ROLE_ARN is set and AWS_WEB_IDENTITY_TOKEN_FILE is not",
        ),
        (
            "gs://bucket",
            vec![("GCE_METADATA_HOST", "127.0.0.1:1"), ("GCE_METADATA_IP", "127.0.0.1:1")],
            "GOOGLE_SERVICE_ACCOUNT is not set",
        ),
        (
            "az://bucket",
            [&azure[..], &[("AZURE_MSI_ENDPOINT", "http://127.0.0.1:1/token")]].concat(),
            "azure.workload.identity/use",
        ),
    ];
    for (url, variables, expected) in table {
        let writer = start(url, &variables);
        wait_for("the first failure", SOON, || {
            let told = failures(&writer).into_iter().next();
            ready(told.ok_or_else(|| format!("{:?}", writer.output())))
        })
        .await
        .map(|told| assert!(told.contains(expected), "{told}"))
        .unwrap();
    }
}
