//! What is done beside the requests: finishing what a failure interrupted, and clearing away what nobody waits for.
//!
//! A full disk, a database that was locked: whoever published meanwhile got an error, and a crate may be left whose files
//! are behind its rows. Once the fault is over, this brings it up to date, without a restart and without anybody asking.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::db::crates;
use crate::files::{self, FilesError};
use crate::registry::Registry;

/// How often unfinished crates are looked for: one query of a table that is empty.
const EVERY: Duration = Duration::from_secs(2);
/// How long marks are gathered to be taken off together.
const TOGETHER: Duration = Duration::from_millis(50);
/// The longest wait after failures; each one doubles it, since each one is a line in the log.
const LONGEST: Duration = Duration::from_secs(60);
/// How often staged files are looked through.
const SWEEP: Duration = Duration::from_secs(6 * 3600);
/// How old a staged file must be: older than any publish that may still be under way.
const LEFT_OVER: Duration = Duration::from_secs(24 * 3600);

/// Runs until the registry stops.
pub async fn run(registry: Arc<Registry>, mut stopped: watch::Receiver<bool>) {
    let mut wait = EVERY;
    let mut swept = None::<Instant>;
    loop {
        if swept.is_none_or(|at| at.elapsed() > SWEEP) {
            // The cause of a failure is in the log; there will be another time.
            let _ = sweep(&registry, SystemTime::now() - LEFT_OVER).await;
            swept = Some(Instant::now());
        }
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = if files::recover(&registry).await.is_ok() { EVERY } else { (wait * 2).min(LONGEST) };
    }
}

/// Takes off the marks of crates whose files have followed, until the registry stops.
pub async fn settle(registry: Arc<Registry>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            () = registry.settled.some() => tokio::time::sleep(TOGETHER).await,
        }
        // The cause of a failure is in the log, and the crates are found by the next look for unfinished ones.
        let _ = files::settle(&registry).await;
    }
}

/// Removes .crates that were staged before `limit` and that no release waits for: their publish was refused at the last
/// moment, or a crash ended it. Their number.
///
/// # Errors
/// The store or the database fails.
pub async fn sweep(registry: &Registry, limit: SystemTime) -> Result<usize, FilesError> {
    let mut removed = 0;
    let awaited = crates::awaited(registry.db.read().await?.connection()).await?;
    for (digest, written) in registry.storage.staged().await? {
        if written < limit && !awaited.contains(&digest.to_string()) {
            registry.storage.remove(crate::storage::Key::Staged(&digest)).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
