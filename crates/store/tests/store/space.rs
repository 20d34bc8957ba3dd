//! The room on the disk below a folder.

use std::io;
use tributary_store::{DiskSpace, Store, StoreOptions};
use tributary_testkit::disk::{Disk, alone};

/// What a store at `url` says.
fn space(url: &str, options: &StoreOptions) -> Result<Option<DiskSpace>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(url, options).await.unwrap();
        store.disk_space().await.map_err(|error| error.chain())
    })
}

#[test]
fn a_folder_tells_of_the_disk_that_is_mounted_where_it_is() {
    const MIB: u64 = 1 << 20;
    let story = || {
        let (small, large) = (Disk::mount(4 * MIB)?, Disk::mount(64 * MIB)?);
        for (disk, total) in [(&small, 4 * MIB), (&large, 64 * MIB)] {
            let path = disk.path().join("deep/below");
            for url in [path.display().to_string(), format!("file://{}", path.display())] {
                let told = space(&url, &StoreOptions::default()).unwrap().unwrap();
                assert_eq!(told.total, total, "{url}");
                assert_eq!(told.free, total - disk.used()?, "{url}");
            }
        }
        let at = small.path().display().to_string();
        let free = || space(&at, &StoreOptions::default()).unwrap().unwrap().free;
        std::fs::write(small.path().join("filler"), vec![7; 3 << 20])?;
        assert!(free() < MIB, "{}", free());
        small.fill()?;
        assert_eq!(free(), 0);
        Ok(())
    };
    alone("space::a_folder_tells_of_the_disk_that_is_mounted_where_it_is", story).unwrap();
}

#[test]
fn only_a_folder_has_a_disk_and_what_the_system_does_not_tell_is_an_error() {
    let fails = StoreOptions {
        space: |_| Err(io::Error::other("Input/output error")),
        ..StoreOptions::default()
    };
    assert_eq!(space("memory:", &fails), Ok(None));
    let folder = tempfile::tempdir().unwrap();
    let error = space(folder.path().to_str().unwrap(), &fails).unwrap_err();
    assert!(error.contains("Input/output error"), "{error}");
    // Also where nothing is flushed.
    let told = DiskSpace { free: 1, total: 2 };
    let fake = StoreOptions {
        fsync: false,
        space: |_| Ok(DiskSpace { free: 1, total: 2 }),
        ..StoreOptions::default()
    };
    assert_eq!(space(folder.path().to_str().unwrap(), &fake), Ok(Some(told)));
}
