//! Whose turn it is to write a crate's files, and whose files have followed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::db::crates::CrateId;

/// One lock a crate, while somebody holds or waits for it.
#[derive(Debug, Default)]
pub struct Locks(Mutex<HashMap<CrateId, Arc<tokio::sync::Mutex<()>>>>);

impl Locks {
    pub(super) fn of(&self, id: &CrateId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if locks.len() >= 1024 {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(locks.entry(id.clone()).or_default())
    }
}

/// Crates whose files have followed, and whose marks are to be taken off.
#[derive(Debug, Default)]
pub struct Settled {
    marks: Mutex<Vec<(CrateId, i64)>>,
    added: Notify,
}

impl Settled {
    pub(super) fn add(&self, id: CrateId, mark: i64) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).push((id, mark));
        self.added.notify_one();
    }

    pub(super) fn take(&self) -> Vec<(CrateId, i64)> {
        std::mem::take(&mut *self.marks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until there is one.
    pub async fn some(&self) {
        self.added.notified().await;
    }
}
