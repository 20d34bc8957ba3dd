//! Reviews in, reviews out.

use super::*;

fn body(pod: Value) -> Vec<u8> {
    request(json!({
        "uid": "u-1", "operation": "CREATE", "namespace": "shop", "object": pod,
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "dryRun": true,
    }))
}

fn request(request: Value) -> Vec<u8> {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request,
    });
    review.to_string().into_bytes()
}

fn pod() -> Value {
    json!({
        "metadata": {"generateName": "shop-"},
        "spec": {"containers": [{"name": "shop", "image": "shop:1"}]},
    })
}

fn answered(body: &[u8], entry: Entry) -> (Value, Counted) {
    match review(body, entry, &Context::default()) {
        Answer::Review(bytes, result) => {
            let review: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
            assert_eq!(review["kind"], "AdmissionReview");
            assert_eq!(review["response"]["allowed"], true, "{review}");
            (review["response"].clone(), result)
        }
        Answer::NoReview(why) => panic!("{why}"),
    }
}

fn patched(pod: &Value, response: &Value) -> Value {
    let mut after = pod.clone();
    if let Some(patch) = response.get("patch") {
        assert_eq!(response["patchType"], "JSONPatch");
        let patch = BASE64_STANDARD.decode(patch.as_str().unwrap()).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        json_patch::patch(&mut after, &patch).unwrap();
    }
    after
}

#[test]
fn a_pod_is_injected_once() {
    let (response, result) = answered(&body(pod()), Entry::Namespace);
    assert_eq!((response["uid"].as_str(), result), (Some("u-1"), Counted::Injected));
    assert_eq!(response["auditAnnotations"]["outcome"], "injected");
    let after = patched(&pod(), &response);
    assert_eq!(after["spec"]["initContainers"][0]["name"], "tributary-sidecar");
    let (again, result) = answered(&body(after.clone()), Entry::Namespace);
    assert_eq!((again.get("patch"), result), (None, Counted::Unchanged));
    // An old webhook that came later knew no `restartPolicy` of init containers.
    let mut stripped = after.clone();
    stripped["spec"]["initContainers"][0].as_object_mut().unwrap().remove("restartPolicy");
    let (repair, result) = answered(&body(stripped.clone()), Entry::Namespace);
    assert_eq!(result, Counted::Injected);
    assert_eq!(patched(&stripped, &repair), after);
}

#[test]
fn which_entry_was_asked_says_what_the_namespace_says() {
    let says = |how: &str| {
        let mut pod = pod();
        pod["metadata"]["annotations"] = json!({"tributary.dev/inject": how});
        pod
    };
    let table = [
        (pod(), Entry::Namespace, Counted::Injected),
        (pod(), Entry::Pod, Counted::NotWanted),
        (says("enabled"), Entry::Pod, Counted::Injected),
        (says("disabled"), Entry::Namespace, Counted::NotWanted),
        (says("yes"), Entry::Pod, Counted::Skipped),
        (says("yes"), Entry::Namespace, Counted::Skipped),
    ];
    for (pod, entry, expected) in table {
        assert_eq!(answered(&body(pod.clone()), entry).1, expected, "{pod} {entry:?}");
    }
}

#[test]
fn what_cannot_be_done_is_told_on_the_pod_and_never_denied() {
    let with = |path: &str, value: Value| {
        let mut pod = pod();
        *pod.pointer_mut(path).unwrap() = value;
        pod
    };
    let table = [
        (
            with("/spec", json!({"hostNetwork": true, "containers": []})),
            "host network",
            Counted::Skipped,
        ),
        (
            with("/metadata", json!({"annotations": {"tributary.dev/buffer": "a lot"}})),
            "BUFFER",
            Counted::Refused,
        ),
        (with("/spec", json!("none")), "no `spec`", Counted::Refused),
        (json!("no pod at all"), "no `spec`", Counted::Refused),
        (json!(null), "no `spec`", Counted::Refused),
    ];
    for (pod, why, expected) in table {
        let (response, result) = answered(&body(pod.clone()), Entry::Namespace);
        assert_eq!(result, expected, "{pod}");
        let warning = response["warnings"][0].as_str().unwrap();
        assert!(warning.contains(why) && warning.len() <= LONGEST_WARNING, "{warning}");
        if pod.is_object() {
            let after = patched(&pod, &response);
            let status = after["metadata"]["annotations"]["tributary.dev/status"].as_str();
            assert!(status.unwrap_or_default().starts_with("skipped: "), "{after}");
            // Reinvoked: nothing more to say on the pod.
            assert!(answered(&body(after), Entry::Namespace).0.get("patch").is_none());
        } else {
            assert!(response.get("patch").is_none(), "{response}");
        }
    }
}

#[test]
fn what_makes_no_pod_is_left_alone() {
    let of = |operation: &str, resource: &str, sub: &str| {
        request(json!({
            "uid": "u", "operation": operation, "subResource": sub, "object": pod(),
            "resource": {"group": "", "version": "v1", "resource": resource},
        }))
    };
    for body in [
        of("UPDATE", "pods", ""),
        of("DELETE", "pods", ""),
        of("CREATE", "pods", "binding"),
        of("CREATE", "services", ""),
        request(json!({"uid": "u"})),
    ] {
        let (response, result) = answered(&body, Entry::Namespace);
        assert_eq!((response.get("patch"), result), (None, Counted::Ignored));
    }
}

#[test]
fn what_is_no_review_is_told_as_such() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let old = json!({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"});
    let table: [(&[u8], &str); 8] = [
        (b"", "no AdmissionReview"),
        (b"{", "no AdmissionReview"),
        (b"\xff\xfe", "no AdmissionReview"),
        (deep.as_bytes(), "no AdmissionReview"),
        (&old.to_string().into_bytes(), "admissionReviewVersions"),
        (&request(json!(null)), "uid"),
        (&request(json!({"uid": ""})), "uid"),
        (&request(json!({"uid": 7})), "no AdmissionReview"),
    ];
    for (body, why) in table {
        match review(body, Entry::Pod, &Context::default()) {
            Answer::NoReview(told) => assert!(told.contains(why), "{told}"),
            Answer::Review(..) => panic!("{:?}", String::from_utf8_lossy(body)),
        }
    }
}

#[test]
fn a_patch_that_does_not_fit_is_never_sent() {
    let operation = |value: Value| serde_json::from_value::<Operation>(value).unwrap();
    let nowhere = operation(json!({"op": "add", "path": "/spec/volumes/7", "value": {}}));
    assert!(fits(&pod(), &[nowhere]).is_err());
    let image = json!({"op": "replace", "path": "/spec/containers/0/image", "value": "other"});
    assert!(fits(&pod(), &[operation(image)]).is_err());
    let verdict = Verdict::fault(&pod(), "tried");
    assert_eq!(verdict.result, Counted::Fault);
    let Answer::Review(bytes, _) = verdict.answer("u") else { panic!() };
    let review: Value = serde_json::from_slice(&bytes).unwrap();
    let after = patched(&pod(), &review["response"]);
    let status = &after["metadata"]["annotations"]["tributary.dev/status"];
    assert_eq!(status, &format!("skipped: {FAULT}"));
}

#[test]
fn warnings_are_one_short_line() {
    let long = warning(&format!("a\nb\u{7}{}", "é".repeat(200)));
    assert!(
        long.starts_with("a b ") && long.len() <= LONGEST_WARNING && long.len() > 110,
        "{long}"
    );
}
