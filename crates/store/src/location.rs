//! A store's URL, taken apart.

use crate::error::StoreError;
use std::path::PathBuf;

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Folder(PathBuf),
    Memory,
    Cloud { cloud: Cloud, bucket: String, prefix: String },
}

/// Whose interface the store speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloud {
    S3,
    Google,
    Azure,
}

const KNOWN: &str = "file:///absolute/folder, a folder's path, s3://bucket/prefix, \
                     gs://bucket/prefix or az://container/prefix";

impl Location {
    pub(crate) fn parse(url: &str) -> Result<Location, StoreError> {
        let bad = |why: &str| Err(StoreError::Config(format!("store \"{url}\": {why}")));
        if url.is_empty() {
            return bad(&format!("is empty; give {KNOWN}"));
        }
        if url == "memory:" || url == "memory://" {
            return Ok(Location::Memory);
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return match url.split_once(':') {
                // A path may hold a colon, but not in its first part, where it is a typing error.
                Some((scheme, _)) if !scheme.contains(['/', '.']) => {
                    bad(&format!("has no // after its scheme; give {KNOWN}"))
                }
                _ => Ok(Location::Folder(PathBuf::from(url))),
            };
        };
        let cloud = match scheme {
            "file" if rest.starts_with('/') => return Ok(Location::Folder(PathBuf::from(rest))),
            "file" => {
                return bad("a file URL needs an absolute path, as in file:///var/lib/tributary; \
                            a relative one is given without file://");
            }
            "s3" => Cloud::S3,
            "gs" => Cloud::Google,
            "az" => Cloud::Azure,
            "http" | "https" => {
                return bad("is an endpoint, not a bucket; give s3://bucket/prefix and put the \
                            endpoint into AWS_ENDPOINT_URL");
            }
            _ => return bad(&format!("has a scheme that is not known; give {KNOWN}")),
        };
        if rest.contains(['?', '#', '@', ' ', '%']) {
            return bad("has more than bucket and prefix; options and credentials go into the \
                        environment (AWS_…, GOOGLE_…, AZURE_…)");
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return bad(&format!("names no bucket; give {scheme}://bucket/prefix"));
        }
        let prefix = prefix.trim_end_matches('/');
        if prefix.split('/').any(|part| part == "." || part == "..")
            || (!prefix.is_empty() && prefix.split('/').any(str::is_empty))
        {
            return bad("has an empty part, \".\" or \"..\" in its prefix");
        }
        Ok(Location::Cloud { cloud, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// Whose interface the store at `url` speaks; none, where that is a folder or no URL of a store.
    pub(crate) fn cloud(url: &str) -> Option<Cloud> {
        match Location::parse(url) {
            Ok(Location::Cloud { cloud, .. }) => Some(cloud),
            Ok(Location::Folder(_) | Location::Memory) | Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(cloud: Cloud, bucket: &str, prefix: &str) -> Location {
        Location::Cloud { cloud, bucket: bucket.into(), prefix: prefix.into() }
    }

    #[test]
    fn urls_are_taken_apart() {
        let table = [
            ("./tributary-data", Location::Folder("./tributary-data".into())),
            ("/var/lib/tributary", Location::Folder("/var/lib/tributary".into())),
            ("./a:b", Location::Folder("./a:b".into())),
            ("file:///var/lib/tributary", Location::Folder("/var/lib/tributary".into())),
            ("memory:", Location::Memory),
            ("s3://traces", cloud(Cloud::S3, "traces", "")),
            ("s3://traces/", cloud(Cloud::S3, "traces", "")),
            ("gs://traces/eu/prod/", cloud(Cloud::Google, "traces", "eu/prod")),
            ("az://traces/eu", cloud(Cloud::Azure, "traces", "eu")),
        ];
        for (url, expected) in table {
            assert_eq!(Location::parse(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn wrong_urls_say_what_to_do() {
        let table = [
            ("", "give file:///"),
            ("s3:traces", "no // after"),
            ("file://data", "absolute path"),
            ("http://127.0.0.1:9000/traces", "AWS_ENDPOINT_URL"),
            ("ftp://traces", "not known"),
            ("s3:///prefix", "names no bucket"),
            ("s3://key:secret@traces/x", "environment"),
            ("s3://traces/x?region=eu", "environment"),
            ("s3://traces/a//b", "empty part"),
            ("s3://traces/../b", "\"..\""),
        ];
        for (url, expected) in table {
            let message = Location::parse(url).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains(url), "{url}: {message}");
        }
    }
}
