//! How servers delete, and what they say of a name that is not there.

use super::{Body, FakeS3, plain};
use hyper::Response;
use std::collections::BTreeSet;

/// What is answered to a request that deletes many names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Bulk {
    /// It is done, and missing names are called deleted.
    #[default]
    Done,
    /// It is done, with an error for each missing name.
    NoSuchKey,
    /// It is done, with an error for a name that was not asked for.
    AnotherName,
    /// This status, and nothing is done.
    Status(u16),
}

/// The ways of one server.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    pub(crate) bulk: Bulk,
    /// What is answered to a request that deletes one name, which is missing; 204 when zero.
    pub(crate) missing: u16,
    /// Names that it does not let go.
    pub(crate) kept: BTreeSet<String>,
}

impl FakeS3 {
    pub(crate) fn delete_by(&self, ways: Ways) {
        self.state.lock().unwrap().deleting = ways;
    }

    pub(super) fn delete_one(&self, path: &str) -> Response<Body> {
        let mut state = self.state.lock().unwrap();
        if state.deleting.kept.contains(path) {
            return plain(403, "AccessDenied");
        }
        match (state.objects.remove(path), state.deleting.missing) {
            (Some(_), _) | (None, 0) => plain(204, ""),
            (None, status) => plain(status, "missing"),
        }
    }

    pub(super) fn delete_many(&self, bucket: &str, body: &[u8]) -> Response<Body> {
        let mut state = self.state.lock().unwrap();
        if let Bulk::Status(status) = state.deleting.bulk {
            return plain(status, "<Error><Code>NotImplemented</Code></Error>");
        }
        let error = |key: &str, code: &str| {
            format!("<Error><Key>{key}</Key><Code>{code}</Code><Message>no</Message></Error>")
        };
        let text = std::str::from_utf8(body).unwrap();
        let mut xml = "<DeleteResult>".to_owned();
        for key in text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
            let path = format!("{}/{key}", bucket.trim_end_matches('/'));
            if state.deleting.kept.contains(&path) {
                xml.push_str(&error(key, "AccessDenied"));
                continue;
            }
            match (state.objects.remove(&path), state.deleting.bulk) {
                (None, Bulk::NoSuchKey) => xml.push_str(&error(key, "NoSuchKey")),
                (None, Bulk::AnotherName) => xml.push_str(&error("another", "NoSuchKey")),
                _ => xml.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>")),
            }
        }
        xml.push_str("</DeleteResult>");
        plain(200, &xml)
    }
}
