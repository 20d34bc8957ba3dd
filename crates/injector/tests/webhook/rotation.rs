//! Files that change, and the end.

use crate::api_server::ApiServer;
use crate::injector::{Authority, Injector, NAME};
use serde_json::json;
use std::os::unix::fs::symlink;
use tributary_testkit::wait::{SOON, wait_for};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The serial number of the certificate that is shown now.
async fn serial(injector: &Injector) -> String {
    let stream = injector.connect(&["h2"]).await.unwrap();
    let (_, session) = stream.get_ref();
    let der = session.peer_certificates().unwrap()[0].as_ref();
    X509Certificate::from_der(der).unwrap().1.raw_serial_as_string()
}

#[tokio::test]
async fn a_newer_certificate_is_shown_and_one_that_cannot_be_used_is_not() {
    let injector = Injector::start("").await;
    let first = serial(&injector).await;
    // As kubelet does: all files of another folder, by one link.
    let [cert, key] = injector.authority.signs(NAME);
    std::fs::create_dir(injector.file("next")).unwrap();
    std::fs::write(injector.file("next").join("tls.crt"), cert).unwrap();
    std::fs::write(injector.file("next").join("tls.key"), key).unwrap();
    for name in ["tls.crt", "tls.key"] {
        symlink(injector.file("next").join(name), injector.file("link")).unwrap();
        std::fs::rename(injector.file("link"), injector.file(name)).unwrap();
    }
    let second = wait_for("the newer certificate", SOON, || async {
        let now = serial(&injector).await;
        if now == first { Err(now) } else { Ok(now) }
    })
    .await
    .unwrap();

    let [other, _] = Authority::new().signs(NAME);
    std::fs::write(injector.file("next").join("tls.crt"), other).unwrap();
    wait_for("the file to be told of", SOON, || async {
        let unusable = injector.counted("tributary_injector_files_unusable").await;
        if unusable == 1.0 { Ok(()) } else { Err(format!("{unusable}")) }
    })
    .await
    .unwrap();
    assert_eq!(serial(&injector).await, second, "what was good before counts");
    assert!(injector.counted("tributary_injector_certificate_expires_seconds").await > 1e9);
}

#[tokio::test]
async fn the_platform_teams_settings_are_read_again() {
    let injector = Injector::start("image: a:1\n").await;
    let server = ApiServer::new(&injector);
    let pod = json!({"metadata": {"name": "a"}, "spec": {"containers": []}});
    let image = || async {
        let made = server.make(&pod).await;
        made.pod["spec"]["initContainers"][0]["image"].as_str().unwrap().to_owned()
    };
    assert_eq!(image().await, "a:1");
    std::fs::write(injector.file("platform.yaml"), "image: b:2\n").unwrap();
    wait_for("the new image", SOON, || async {
        let now = image().await;
        if now == "b:2" { Ok(()) } else { Err(now) }
    })
    .await
    .unwrap();
    std::fs::write(injector.file("platform.yaml"), "image: c:3\nbufer: 1\n").unwrap();
    wait_for("the mistake to be told of", SOON, || async {
        let unusable = injector.counted("tributary_injector_files_unusable").await;
        if unusable == 1.0 { Ok(()) } else { Err(format!("{unusable}")) }
    })
    .await
    .unwrap();
    assert_eq!(image().await, "b:2");
}

#[tokio::test]
async fn it_answers_for_a_while_after_sigterm_and_ends_with_0() {
    let mut injector = Injector::start_with("", &["--linger=1s"]).await;
    assert_eq!(injector.page("/ready").await.status, 200);
    assert_eq!(injector.page("/live").await.status, 200);
    injector.process.terminate().unwrap();
    wait_for("not to be ready", SOON, || async {
        let status = injector.page("/ready").await.status;
        if status == 503 { Ok(()) } else { Err(status.to_string()) }
    })
    .await
    .unwrap();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u"},
    });
    assert_eq!(injector.review("h2", "/inject/pod", &review).await["allowed"], true);
    let ended = injector.process.wait(SOON).await.unwrap();
    assert_eq!(ended.code(), Some(0));
}
