//! A local folder as a client: files under their objects' names.
//!
//! Reading and deleting is the library's. Listing is not ([`walk`]), nor is writing, because an
//! acknowledgement hangs on it. The
//! library flushes as well, but what it says of a flush that failed after the file had its name cannot
//! be told from a name that could not be given, a caller that stopped waiting never learns of it, and
//! an entry that another writer has just made for a folder above is taken for one on the disk.

use crate::foreign::Foreign;
use crate::options::StoreOptions;
use crate::space::{AskSpace, DiskSpace};
use bytes::Bytes;
use disk::Disk;
use futures_util::stream::{self, BoxStream, StreamExt};
use futures_util::{FutureExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use walk::Walk;
use write::Staged;

mod disk;
mod walk;
mod write;

/// The client. Clones share what is known of the disk.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    files: LocalFileSystem,
    root: PathBuf,
    foreign: Foreign,
    /// None when nothing is to be flushed: then all of it is the library's.
    disk: Option<Arc<Disk>>,
    space: AskSpace,
}

impl Folder {
    /// Opens a folder, and makes it if need be.
    ///
    /// # Errors
    /// What the system or the library says.
    pub(crate) fn open(
        folder: &std::path::Path,
        options: &StoreOptions,
        foreign: Foreign,
    ) -> std::result::Result<Folder, Box<dyn std::error::Error>> {
        let missing = folder.ancestors().take_while(|folder| !folder.exists()).count();
        std::fs::create_dir_all(folder)?;
        let root = folder.canonicalize()?;
        let files = LocalFileSystem::new_with_prefix(&root)?.with_automatic_cleanup(true);
        let disk = options.fsync.then(|| Arc::new(Disk::new(root.clone(), options.sync)));
        if let Some(disk) = &disk {
            for above in root.ancestors().skip(1).take(missing) {
                disk.sync_folder(above)?;
            }
        }
        Ok(Folder { files, root, foreign, disk, space: options.space })
    }

    /// Returns when the object that was seen under this name is on the disk, whichever process wrote
    /// it and however far it has come with that.
    pub(crate) async fn settle(&self, location: &Path) -> Result<()> {
        let Some(disk) = self.disk.clone() else { return Ok(()) };
        let path = self.files.path_to_filesystem(location)?;
        blocking(move || write::settle(&disk, &path)).await
    }

    /// The room on the disk that it lies on. Waits for the disk.
    pub(crate) fn space(&self) -> std::io::Result<DiskSpace> {
        (self.space)(&self.root)
    }

    /// A folder in the file system, and its path here.
    fn place(&self, prefix: Option<&Path>) -> (PathBuf, Path) {
        let folder = prefix.cloned().unwrap_or_default();
        let at = folder.parts().fold(self.root.clone(), |at, part| at.join(part.as_ref()));
        (at, folder)
    }

    async fn write(
        &self,
        location: &Path,
        payload: PutPayload,
        mode: PutMode,
    ) -> Result<PutResult> {
        let options = PutOptions { mode: mode.clone(), ..PutOptions::default() };
        let (Some(disk), PutMode::Create | PutMode::Overwrite) = (self.disk.clone(), &mode) else {
            return self.files.put_opts(location, payload, options).await;
        };
        let path: PathBuf = self.files.path_to_filesystem(location)?;
        let create = mode == PutMode::Create;
        blocking(move || write::write(&disk, &path, &payload, create)).await?;
        Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })
    }
}

/// What waits for a disk. It goes on when its caller has stopped waiting: a failure is noted then as
/// well.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

impl std::fmt::Display for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(f)
    }
}

#[async_trait::async_trait]
impl ObjectStore for Folder {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.write(location, payload, options.mode).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let Some(disk) = self.disk.clone() else {
            return self.files.put_multipart_opts(location, options).await;
        };
        let path = self.files.path_to_filesystem(location)?;
        let of = disk.clone();
        let staged = blocking(move || Staged::new(&of, &path)).await?;
        Ok(Box::new(Parts { disk, staged: Arc::new(Mutex::new(Some(staged))), end: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    /// On a disk that is not trusted nothing is deleted either: what is to be superfluous may be all
    /// that is left.
    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.disk.as_ref().map_or(Ok(()), |disk| disk.trusted()) {
            Ok(()) => self.files.delete_stream(locations),
            Err(untrusted) => locations.map(move |_| Err(Error::from(untrusted.clone()))).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (walk, (at, folder)) = (Walk::new(self.foreign.clone()), self.place(prefix));
        let found = blocking(move || walk.deep(at, folder));
        stream::once(found)
            .map_ok(|all| stream::iter(all.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (walk, (at, folder)) = (Walk::new(self.foreign.clone()), self.place(prefix));
        blocking(move || walk.flat(at, folder)).await
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(Error::NotImplemented { operation: "copy".into(), implementer: self.to_string() })
    }
}

/// A large object that comes in parts. Each is flushed when it was written, so that there is little left
/// to flush when all are, and a disk that others wait for has it little by little.
#[derive(Debug)]
struct Parts {
    disk: Arc<Disk>,
    /// None when it has got its name, or never will.
    staged: Arc<Mutex<Option<Staged>>>,
    /// Bytes of the parts so far.
    end: u64,
}

impl Parts {
    fn staged(&self) -> MutexGuard<'_, Option<Staged>> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let at = self.end;
        self.end += part.content_length() as u64;
        let (disk, staged) = (self.disk.clone(), self.staged.clone());
        let write = move || {
            let mut staged = staged.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(staged) = staged.as_mut() else { return Ok(()) };
            staged.write(at, &part)?;
            staged.sync(&disk)
        };
        blocking(write).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (disk, staged) = (self.disk.clone(), self.staged().take());
        let staged = staged.ok_or(Error::NotImplemented {
            operation: "complete an upload twice".into(),
            implementer: "folder".into(),
        })?;
        blocking(move || staged.rename(&disk)).await?;
        Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })
    }

    async fn abort(&mut self) -> Result<()> {
        drop(self.staged().take());
        Ok(())
    }
}
