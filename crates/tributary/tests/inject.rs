//! `tributary inject` as a person runs it: files and pipes in, manifests, reports and exit codes out.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const DEPLOYMENT: &str = "\
kind: Deployment # mine
metadata: {name: shop}
spec:
  template:
    spec:
      containers:
        - name: shop
";
const ON_THE_HOST: &str =
    "kind: Pod\nmetadata: {name: host}\nspec: {hostNetwork: true, containers: []}\n";

fn tool(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    command.arg("inject").args(args).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A tool that reads no input has closed it.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_pipe_puts_it_in_and_takes_it_out() {
    let once = tool(&["-f", "-"], DEPLOYMENT);
    assert_eq!(
        (once.status.code(), text(&once.stderr)),
        (Some(0), "stdin: Deployment shop: injected\n")
    );
    let injected = text(&once.stdout);
    assert!(injected.starts_with("kind: Deployment # mine\n"), "{injected}");
    let twice = tool(&["-f", "-"], injected);
    assert_eq!(twice.stdout, once.stdout);
    let removed = tool(&["-f", "-", "--remove"], injected);
    assert_eq!(text(&removed.stdout), DEPLOYMENT);
}

#[test]
fn folders_are_read_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.yml"), ON_THE_HOST).unwrap();
    std::fs::write(folder.path().join("a.yaml"), DEPLOYMENT).unwrap();
    std::fs::write(folder.path().join("c.txt"), "neither: [").unwrap();
    let done = tool(&["-f", path(folder.path())], "");
    assert_eq!(done.status.code(), Some(1), "one of them could not be done");
    let lines: Vec<&str> = text(&done.stderr).lines().collect();
    assert!(lines[0].ends_with("a.yaml: Deployment shop: injected"), "{lines:?}");
    assert!(lines[1].ends_with("b.yml: Pod host: skipped: host network"), "{lines:?}");
    assert!(text(&done.stdout).ends_with(&format!("---\n{ON_THE_HOST}")));
}

#[test]
fn what_is_wrong_is_told_before_anything_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("platform.yaml");
    std::fs::write(&file, "image: r/sidecar:1\nsettings: {bufer: 1MiB}\nidentity: token\n")
        .unwrap();
    let wrong = tool(&["policy", "--context", path(&file), "--set", "batch-age=soon"], "");
    assert_eq!((wrong.status.code(), text(&wrong.stdout)), (Some(64), ""));
    for mistake in ["TRIBUTARY_BUFER", "TRIBUTARY_BATCH_AGE", "identity"] {
        assert!(text(&wrong.stderr).contains(mistake), "{}", text(&wrong.stderr));
    }
    std::fs::write(&file, "image: r/sidecar:1\nidentity: token\n").unwrap();
    // A token is for upstreams with TLS alone.
    assert_eq!(tool(&["policy", "--context", path(&file)], "").status.code(), Some(64));
    let printed = tool(&["policy", "--context", path(&file), "--upstream", "https://a"], "");
    assert_eq!(printed.status.code(), Some(0), "{}", text(&printed.stderr));
    assert!(text(&printed.stdout).contains("image: \"r/sidecar:1\""));
    for args in [&[][..], &["-f"], &["policy", "--context", "/no/such/file"], &["-f", "-"]] {
        let failed = tool(args, "a: [\n");
        assert!(matches!(failed.status.code(), Some(1 | 64)), "{args:?}");
        assert!(failed.stdout.is_empty());
    }
}

#[test]
fn pods_that_lack_it_are_listed() {
    let pods = r#"{"kind": "List", "items": [
        {"kind": "Namespace", "metadata": {"name": "shop", "labels": {"tributary.dev/inject": "enabled"}}},
        {"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "spec": {"containers": []}}
    ]}"#;
    let listed = tool(&["check"], pods);
    assert_eq!(listed.status.code(), Some(1));
    assert_eq!(text(&listed.stdout), "Pod shop/a: it was made when injection was off or away\n");
    assert_eq!(text(&listed.stderr), "1 of 1 pods should have a sidecar and have none\n");
    let none = tool(&["check", "-f", "-"], &pods.replace("enabled", "disabled"));
    assert_eq!((none.status.code(), text(&none.stdout)), (Some(0), ""));
    assert_eq!(tool(&["check"], "a: [").status.code(), Some(2));
}
