//! Heartbeats in the store.

use super::{AT_ONCE, Journal, JournalError};
use crate::heartbeat::{Heartbeat, Heartbeats, MAX_HEARTBEAT, Mark, Unreadable};
use crate::id::Uid;
use crate::layout::{self, Place};
use futures_util::{StreamExt, stream};
use tributary_store::{ObjectInfo, StoreError};

impl Journal {
    /// Writes our heartbeat.
    ///
    /// # Errors
    /// When the store did not confirm it.
    pub async fn beat(&self, heartbeat: &Heartbeat) -> Result<(), JournalError> {
        Ok(self.store.put(&layout::heartbeat(&heartbeat.process), heartbeat.encode()?).await?)
    }

    /// Takes our heartbeat away, at shutdown.
    ///
    /// # Errors
    /// When the store did not confirm it.
    pub async fn stop_beating(&self, process: &Uid) -> Result<(), JournalError> {
        Ok(self.store.delete(&layout::heartbeat(process)).await?)
    }

    /// All heartbeats. One that went away meanwhile is left out, and so is what has not the name of
    /// a heartbeat: no process writes it.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn heartbeats(&self) -> Result<Heartbeats, JournalError> {
        let found = self.store.list(layout::HEARTBEATS).await?;
        let named = found.into_iter().filter_map(|object| match layout::parse(&object.path) {
            Some(Place::Heartbeat(process)) => Some((process, object)),
            _ => None,
        });
        let reads = named.map(|(process, object)| self.read_heartbeat(process, object));
        let answers: Vec<_> = stream::iter(reads).buffer_unordered(AT_ONCE).collect().await;
        let mut all = Heartbeats::default();
        for answer in answers.into_iter().flatten() {
            match answer {
                Ok(heartbeat) => all.read.push(heartbeat),
                Err(unreadable) => all.unreadable.push(unreadable),
            }
        }
        all.read.sort_by_key(|heartbeat| heartbeat.process);
        all.unreadable.sort_by_key(|unreadable| unreadable.process);
        Ok(all)
    }

    /// One of them; `None` when it is gone.
    async fn read_heartbeat(
        &self,
        process: Uid,
        object: ObjectInfo,
    ) -> Option<Result<Heartbeat, Unreadable>> {
        let listed = (object.modified, object.size);
        let unreadable =
            |bytes, why| Some(Err(Unreadable { process, mark: Mark { listed, bytes }, why }));
        if object.size > MAX_HEARTBEAT as u64 {
            return unreadable(None, format!("{} bytes", object.size));
        }
        let bytes = match self.store.get(&object.path).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => return None,
            Err(error) => return unreadable(None, error.chain()),
        };
        match Heartbeat::decode(&bytes) {
            Ok(heartbeat) if heartbeat.process == process => Some(Ok(heartbeat)),
            Ok(_) => unreadable(Some(crc32fast::hash(&bytes)), "it names another process".into()),
            Err(error) => unreadable(Some(crc32fast::hash(&bytes)), error.to_string()),
        }
    }
}
