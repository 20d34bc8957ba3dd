//! What is sent of the page, and how.

use super::files::FILES;
use super::*;
use std::collections::BTreeSet;
use std::path::Path;

/// Bytes of all files, as they lie in the binary.
const MOST_EMBEDDED: usize = 300_000;
/// Bytes of all files, as a browser that has none of them gets them.
const MOST_SENT: usize = 80_000;

fn get(path: &str, asked: &[(&str, &str)]) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    for (name, value) in asked {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    answer(&Method::GET, path, &headers).unwrap()
}

fn said<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn names(folder: &Path, below: &str, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        match path.is_dir() {
            true => names(&path, &format!("{name}/"), into),
            // Types are for the check alone.
            false if name.ends_with(".d.ts") || name.ends_with("tsconfig.json") => {}
            false => drop(into.insert(name)),
        }
    }
}

#[test]
fn the_table_is_the_folder() {
    let mut there = BTreeSet::new();
    names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("page"), "", &mut there);
    let table: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(table, there);
    assert_eq!(table.len(), FILES.len(), "a file stands in the table twice");
}

#[test]
fn the_page_is_small() {
    let embedded: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
    let sent = packed::all().sent();
    println!("{embedded} bytes in the binary, {sent} sent");
    assert!(embedded <= MOST_EMBEDDED, "{embedded} bytes in the binary");
    assert!(sent <= MOST_SENT, "{sent} bytes sent");
}

#[test]
fn the_document_leads_to_every_file_by_relative_addresses() {
    let document = get("/", &[]);
    assert_eq!(document.status(), StatusCode::OK);
    assert_eq!(said(&document, "content-type"), "text/html; charset=utf-8");
    assert_eq!(said(&document, "cache-control"), "no-cache");
    let text = String::from_utf8(document.body().to_vec()).unwrap();
    assert!(!text.contains("{{") && !text.contains("<!--"), "{text}");
    let mut links = 0;
    for rest in text.split("href=\"").chain(text.split("src=\"")).skip(1) {
        let link = rest.split('"').next().unwrap();
        if !link.starts_with("assets/") {
            continue;
        }
        links += 1;
        let response = get(&format!("/{link}"), &[]);
        assert_eq!(response.status(), StatusCode::OK, "{link}");
        let kept = said(&response, "cache-control");
        assert_eq!(kept.contains("immutable"), !link.ends_with("boot.js"), "{link}: {kept}");
    }
    assert!(links > 5, "{links} links");
    for (name, bytes) in FILES {
        let text = String::from_utf8_lossy(bytes);
        for (number, line) in (1..).zip(text.lines()) {
            let is_absolute =
                ["=\"/", "('/", "(\"/", "url(/", "://"].iter().any(|a| line.contains(a));
            // Names of formats, and what a person is told to set.
            let fine = ["http://www.w3.org/", "http://localhost"].iter().any(|f| line.contains(f));
            assert!(
                fine || !is_absolute,
                "{name}:{number}: an address that is not relative: {line}"
            );
        }
    }
}

#[test]
fn every_answer_is_guarded() {
    let hash = &packed::all().hash;
    let main = format!("/assets/{hash}/js/main.js");
    for path in ["/", "/assets/boot.js", &main, "/trace/1f", "/assets/0/js/main.js", "/trace/x"] {
        let response = get(path, &[]);
        let policy = said(&response, "content-security-policy");
        assert!(policy.contains("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("  "), "{path}: {policy}");
        assert_eq!(said(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(said(&response, "referrer-policy"), "no-referrer", "{path}");
    }
    let refused = answer(&Method::POST, "/", &HeaderMap::new()).unwrap();
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn files_are_sent_once_and_small() {
    let plain = get("/", &[]);
    let tag = said(&plain, "etag").to_owned();
    let gzip = get("/", &[("accept-encoding", "gzip, deflate, br, zstd")]);
    assert_eq!(said(&gzip, "content-encoding"), "gzip");
    assert_eq!(said(&gzip, "etag"), tag);
    assert!(gzip.body().len() < plain.body().len());
    let again = get("/", &[("if-none-match", &format!("\"other\", {tag}"))]);
    assert_eq!((again.status(), again.body().len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(get("/", &[("if-none-match", "\"other\"")]).status(), StatusCode::OK);
}

#[test]
fn paths_lead_where_they_say() {
    let table = [
        (
            "/trace/4bf92f3577b34da6a3ce929d0e0e4736",
            303,
            "../?trace=4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        ("/trace/1F", 303, "../?trace=1F"),
        ("/trace/", 404, ""),
        ("/trace/x\"", 404, ""),
        ("/trace/00000000000000000000000000000000f", 404, ""),
        ("/assets/", 404, ""),
        ("/assets/0123/js/main.js", 404, ""),
        ("/assets/../Cargo.toml", 404, ""),
    ];
    for (path, status, location) in table {
        let response = get(path, &[]);
        assert_eq!((response.status().as_u16(), said(&response, "location")), (status, location));
    }
    for path in ["/api/echo", "/ready", "/metrics", "", "/index.html", "/assets"] {
        assert!(answer(&Method::GET, path, &HeaderMap::new()).is_none(), "{path}");
    }
}
