//! Where ingesters store: a folder of the test's own, or a bucket of an S3 server.

use anyhow::Result;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tributary_testkit::moto::Moto;

/// A store that is gone when this is dropped.
#[derive(Debug)]
pub enum Place {
    /// A local folder.
    Folder(TempDir),
    /// A bucket behind a server.
    Bucket(Moto),
}

impl Place {
    /// An empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder() -> Result<Place> {
        Ok(Place::Folder(tempfile::tempdir()?))
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

    /// Value of `--store`.
    pub fn url(&self) -> String {
        match self {
            Place::Folder(dir) => format!("file://{}", dir.path().display()),
            Place::Bucket(_) => "s3://tributary/some/prefix".to_owned(),
        }
    }

    /// Variables that a program needs beside it.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        match self {
            Place::Folder(_) => Vec::new(),
            Place::Bucket(moto) => moto.env(),
        }
    }

    /// The folder, when it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Place::Folder(dir) => Some(dir.path()),
            Place::Bucket(_) => None,
        }
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

fn folders(parent: Option<&Path>) -> Result<Vec<PathBuf>> {
    let Some(parent) = parent else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(parent)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}
