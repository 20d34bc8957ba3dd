//! What lies beside our own folders: another program in the same bucket.

use crate::counters::add;
use crate::error::StoreError;
use crate::store::Store;
use futures_util::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;

/// Names that are looked for at most: one is enough to know.
const MOST: usize = 4;
/// Requests at most.
const LOOKS: usize = 16;

impl Store {
    /// Some names directly below the store's URL that are none of `ours`: folders, and in S3 and Google
    /// Cloud Storage objects as well. It takes a few requests, however much lies there.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn strangers(&self, ours: &[&str]) -> Result<Vec<String>, StoreError> {
        // The client lists all of a container of Azure to find what comes behind a name.
        if !self.is_cloud || self.url().starts_with("az:") {
            let names = self.list_folders("").await?.into_iter();
            return Ok(names.filter(|name| !ours.contains(&name.as_str())).take(MOST).collect());
        }
        let (mut found, mut behind) = (Vec::new(), String::new());
        for _ in 0..LOOKS {
            let Some(path) = self.first_behind(&behind).await? else { break };
            let (name, next) = top(&path);
            if !ours.contains(&name) {
                found.push(name.to_owned());
            }
            if found.len() == MOST {
                break;
            }
            behind = next;
        }
        Ok(found)
    }

    async fn first_behind(&self, name: &str) -> Result<Option<String>, StoreError> {
        add(&self.counters.lists, 1);
        let mut listed = match name {
            "" => self.patient.list(None),
            name => self.patient.list_with_offset(None, &Path::from(name)),
        };
        let first = listed.try_next().await;
        Ok(self.counted("list", name, first)?.map(|meta| meta.location.to_string()))
    }
}

/// The first part of a path, and the last name before what comes behind all that begins with it.
fn top(path: &str) -> (&str, String) {
    match path.split_once('/') {
        // The character behind the slash.
        Some((folder, _)) => (folder, format!("{folder}0")),
        None => (path, path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[tokio::test]
    async fn what_is_not_ours_is_found_whatever_lies_before_and_behind() {
        let ours = ["blocks", "cluster.json", "journal"];
        let own = ["blocks/a/1", "blocks/b/2", "cluster.json", "journal/live/1", "journal/log/2"];
        let table: [(&[&str], &[&str], &[&str]); 5] = [
            (&[], &[], &[]),
            (&["a.txt", "z/1", "z/2"], &["a.txt", "z"], &["z"]),
            (
                &["blocks.old/1", "blocks-1", "journal1/2"],
                &["blocks-1", "blocks.old", "journal1"],
                &["blocks.old", "journal1"],
            ),
            (&["cluster.json.bak", "clusters/1"], &["cluster.json.bak", "clusters"], &["clusters"]),
            (&["a/1", "b/1", "c/1", "d/1", "e/1"], &["a", "b", "c", "d"], &["a", "b", "c", "d"]),
        ];
        for (others, of_cloud, of_folder) in table {
            let mut store = Store::open("memory:", &Default::default()).await.unwrap();
            for path in own.iter().chain(others) {
                store.put(path, Bytes::from_static(b"x")).await.unwrap();
            }
            assert_eq!(store.strangers(&ours).await.unwrap(), of_folder, "{others:?}");
            store.is_cloud = true;
            assert_eq!(store.strangers(&ours).await.unwrap(), of_cloud, "{others:?}");
        }
    }
}
