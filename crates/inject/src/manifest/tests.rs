use super::*;
use tributary_testkit::Random;

const TEXT: &str = "\
# The shop, as its team keeps it.
apiVersion: v1
kind: Namespace
metadata:
  name: quiet
  labels: {tributary.dev/inject: disabled}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop   # the shop
  namespace: shop
spec:
  template:
    metadata:
      labels: {app: shop}
      annotations:
        team: shop # ours
    spec:
      # Its containers.
      containers:
      - name: shop
        image: shop:1
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          initContainers:
            # first
            - name: linkerd-init
            - name: wait
          containers: [{name: n}]

---
kind: ConfigMap
metadata: {name: c}
data:
  x: |
    kind: Pod
---
apiVersion: v1
kind: List
items:
  - kind: Pod
    metadata: {name: p}
    spec:
      hostNetwork: true
      containers: []
  - kind: Pod
    metadata: {name: q, namespace: quiet}
    spec: {containers: [{name: q}]}
  - kind: Pod
    metadata:
      generateName: r-
    spec: {containers: [{name: r}]}
";

fn injected(text: &str) -> Manifest {
    change(text, Task::Inject(&Context::default())).unwrap()
}

fn told(manifest: &Manifest) -> Vec<String> {
    manifest.objects.iter().map(|object| format!("{}: {}", object.name, object.told)).collect()
}

#[test]
fn every_object_is_told_of() {
    let expected = [
        "Deployment shop/shop: injected",
        "CronJob shop/nightly: injected",
        "Pod p: skipped: host network",
        "Pod quiet/q: skipped: tributary.dev/inject of its namespace is disabled",
        "Pod r-*: injected",
    ];
    assert_eq!(told(&injected(TEXT)), expected);
}

#[test]
fn nothing_but_the_new_lines_is_new() {
    let manifest = injected(TEXT);
    let new: Vec<&str> = manifest.text.lines().collect();
    let mut rest = new.iter();
    for line in
        TEXT.lines().filter(|line| !line.contains("{name: r}") && !line.contains("generateName"))
    {
        assert!(rest.any(|new| *new == line), "{line} is gone:\n{}", manifest.text);
    }
    assert!(manifest.text.contains("shop # ours\n        tributary.dev/status: injected 0."));
    assert!(
        manifest
            .text
            .contains("    spec:\n      initContainers:\n      - name: tributary-sidecar\n")
    );
    assert!(
        manifest.text.contains("- name: linkerd-init\n            - name: tributary-sidecar\n")
    );
    assert!(manifest.text.contains("k8s.cronjob.name=nightly"));
}

#[test]
fn twice_is_once() {
    let once = injected(TEXT);
    let twice = injected(&once.text);
    assert_eq!(twice.text, once.text);
    assert!(told(&twice)[0].contains("already"));
}

#[test]
fn what_was_put_in_is_taken_out_again() {
    let removed = change(&injected(TEXT).text, Task::Remove).unwrap();
    assert_eq!(removed.text, TEXT);
    assert_eq!(told(&removed)[0], "Deployment shop/shop: removed");
    assert_eq!(told(&removed)[3], "Pod quiet/q: has no sidecar");
}

#[test]
fn json_stays_json() {
    let text = "{\n  \"kind\": \"Pod\",\n  \"metadata\": {\"name\": \"é\"},\n  \"spec\": {\"containers\": [{}]}\n}\n";
    let manifest = injected(text);
    let value: Value = serde_json::from_str(&manifest.text).unwrap();
    assert_eq!(value["spec"]["initContainers"][0]["name"], "tributary-sidecar");
    assert_eq!(change(&manifest.text, Task::Remove).unwrap().text, text);
}

#[test]
fn what_cannot_be_changed_in_place_is_left_as_it_is() {
    let text = "a: &a\n  containers: []\nkind: Pod\nspec: *a\n";
    let manifest = injected(text);
    assert_eq!(manifest.text, text);
    assert!(manifest.objects[0].told.is_failure(), "{:?}", told(&manifest));
    let Err(InjectError::Text { line: 2, .. }) = change("a: 1\na: 2\n", Task::Remove) else {
        panic!()
    };
}

#[test]
fn an_upgrade_is_told() {
    let once = injected(TEXT);
    let newer = Context { image: "tributary-sidecar:9".to_owned(), ..Context::default() };
    let twice = change(&once.text, Task::Inject(&newer)).unwrap();
    assert_eq!(twice.text, once.text);
    assert!(told(&twice)[0].contains("it has the image"), "{:?}", told(&twice));
}

#[test]
fn kustomize_gets_a_patch_for_each() {
    let text = component(&injected(TEXT).objects);
    let read = documents(&text).unwrap();
    let value = read[0].root.as_ref().unwrap().value();
    let patches = value["patches"].as_array().unwrap();
    // Not the one whose name is not known yet.
    assert_eq!(patches.len(), 2);
    let target = serde_json::json!({"group": "apps", "version": "v1", "kind": "Deployment", "name": "shop", "namespace": "shop"});
    assert_eq!(patches[0]["target"], target);
    let patch = documents(patches[0]["patch"].as_str().unwrap()).unwrap();
    let patch = patch[0].root.as_ref().unwrap().value();
    assert_eq!(patch[0]["path"], "/spec/template/metadata/annotations/tributary.dev~1status");
    assert_eq!(patch[1]["value"][0]["name"], "tributary-sidecar");

    let list = "kind: List\nitems:\n- kind: Pod\n  metadata: {name: p}\n  spec: {containers: []}\n";
    let text = component(&injected(list).objects);
    assert!(text.contains("path: /spec/initContainers"), "as the object has it: {text}");
}

/// Bytes are lost, doubled and exchanged: whatever comes of it is read or refused, never a panic, and
/// what is said to be done is done.
#[test]
fn damaged_texts_are_read_or_refused() {
    let context = Context::default();
    let mut random = Random::new(7);
    let odd = [
        "\n", " ", "-", ":", "{", "[", "]", "}", "\"", "'", "#", "&a ", "*a", "|", "\t", "é",
        "<<: ",
    ];
    for base in [TEXT, &injected(TEXT).text] {
        for _ in 0..400 {
            let mut text: Vec<char> = base.chars().collect();
            for _ in 0..=random.below(3) {
                let at = random.below(text.len());
                match random.below(3) {
                    0 => drop(text.remove(at)),
                    1 => drop(text.splice(at..at, random.pick(&odd).unwrap().chars())),
                    _ => text.truncate(at.max(1)),
                }
            }
            let text: String = text.into_iter().collect();
            for task in [Task::Inject(&context), Task::Remove] {
                let Ok(changed) = change(&text, task) else { continue };
                let again = change(&changed.text, task).unwrap();
                assert_eq!(again.text, changed.text, "twice is not once: {text}");
            }
        }
    }
}
