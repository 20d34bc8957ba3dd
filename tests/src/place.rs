//! Where ingesters store: a folder of the test's own, on a disk of its own if need be, a bucket of an
//! S3 server, or a container of Azure's.

use anyhow::Result;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tributary_testkit::azurite::Azurite;
use tributary_testkit::disk::{self, Disk};
use tributary_testkit::moto::Moto;

/// A store that is gone when this is dropped.
#[derive(Debug)]
pub enum Place {
    /// A local folder.
    Folder(TempDir),
    /// A folder on a disk that can be full.
    Disk(Disk),
    /// A bucket behind a server.
    Bucket(Moto),
    /// A container behind a server.
    Container(Azurite),
}

impl Place {
    /// An empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder() -> Result<Place> {
        Ok(Place::Folder(tempfile::tempdir()?))
    }

    /// An empty folder on a disk of so many bytes. Only within [`alone`].
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn disk(bytes: u64) -> Result<Place> {
        Ok(Place::Disk(Disk::mount(bytes)?))
    }

    /// An empty bucket of a server of its own.
    ///
    /// # Errors
    /// When the server does not start.
    pub async fn bucket() -> Result<Place> {
        let moto = Moto::start().await?;
        moto.create_bucket("tributary").await?;
        Ok(Place::Bucket(moto))
    }

    /// An empty container of a server of its own.
    ///
    /// # Errors
    /// When the server does not start.
    pub async fn container() -> Result<Place> {
        Ok(Place::Container(Azurite::start().await?))
    }

    /// Value of `--store`.
    pub fn url(&self) -> String {
        match self {
            Place::Folder(dir) => format!("file://{}", dir.path().display()),
            Place::Disk(disk) => format!("file://{}", disk.path().display()),
            Place::Bucket(_) => "s3://tributary/some/prefix".to_owned(),
            Place::Container(azurite) => format!("{}/some/prefix", azurite.url()),
        }
    }

    /// Variables that a program needs beside it.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        match self {
            Place::Folder(_) | Place::Disk(_) => Vec::new(),
            Place::Bucket(moto) => moto.env(),
            Place::Container(azurite) => azurite.env(),
        }
    }

    /// The folder, when it is one.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Place::Folder(dir) => Some(dir.path().to_owned()),
            Place::Disk(disk) => Some(disk.path()),
            Place::Bucket(_) | Place::Container(_) => None,
        }
    }

    /// Leaves a folder behind, for what must be looked at by hand. Gives its address.
    pub fn keep(self) -> String {
        let url = self.url();
        if let Place::Folder(dir) = self {
            drop(dir.keep());
        }
        url
    }

    /// The `data.parquet` of every block of every tenant in a local folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn parquet_files(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let blocks = self.path().map(|root| root.join("blocks"));
        for tenant in folders(blocks.filter(|path| path.exists()).as_deref())? {
            for block in folders(Some(&tenant))? {
                found.push(block.join("data.parquet"));
            }
        }
        found.retain(|path| path.is_file());
        Ok(found)
    }
}

/// Runs `story`, the body of the test that libtest knows as `name`, where it may have
/// [`Place::disk`].
///
/// # Errors
/// What the story says; or that there can be no disk, and what it needs.
pub fn alone<S>(name: &str, story: S) -> Result<()>
where
    S: Future<Output = Result<()>>,
{
    disk::alone(name, || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(story)
    })
}

fn folders(parent: Option<&Path>) -> Result<Vec<PathBuf>> {
    let Some(parent) = parent else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(parent)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}
