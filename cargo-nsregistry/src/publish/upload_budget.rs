//! Memory for the bodies of requests that are on their way.
//!
//! An upload takes what has arrived of it, not what was announced, and gives it back when it has been dealt with. Nobody can
//! take all: an upload grows only while it holds no more than what is left of its client's half, and its client only while it
//! holds no more than what is left of the whole (a *dynamic threshold*, as switches share a buffer among their ports). So
//! something is left for whoever comes next. Where that is not enough, an upload waits; and when it has waited for
//! [`PATIENCE`], the one that has cost the others most, in bytes held times the time since it began, gives way to it. Small and
//! quick ones cost little, slow and large ones much, so many slow ones cannot keep a quick one out for long.
//!
//! A client is an address, and for a publish also the domain whose key signed: whoever has many of one kind has one share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::client_address::ClientAddress;
use crate::error::ApiError;

/// How long an upload waits until it may grow, before it is sent away: some that stand in its way have ended by then.
const WAIT: Duration = Duration::from_secs(30);
/// How long an upload waits for others to end by themselves: most take less from their beginning to their end.
const PATIENCE: Duration = Duration::from_secs(3);
/// When whoever was sent away may come again.
const AGAIN: Duration = Duration::from_secs(10);

/// Whose upload it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// By where it comes from.
    Address(ClientAddress),
    /// By the domain for which it is signed, its subdomains included: they cost nothing.
    Domain(String),
}

/// The memory that all uploads share.
#[derive(Debug)]
pub struct UploadBudget {
    all: usize,
    held: Mutex<Held>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    clients: HashMap<Client, usize>,
    /// Those that are still coming, by their number.
    coming: HashMap<u64, Coming>,
    next: u64,
}

#[derive(Debug)]
struct Coming {
    clients: Vec<Client>,
    taken: usize,
    since: Instant,
    gives_way: Arc<Notify>,
}

impl Coming {
    fn cost(&self) -> f64 {
        self.taken as f64 * self.since.elapsed().as_secs_f64()
    }
}

/// What one upload has taken; given back when it is dropped.
#[derive(Debug)]
pub struct Upload<'a> {
    budget: &'a UploadBudget,
    number: u64,
    clients: Vec<Client>,
    taken: usize,
    gives_way: Arc<Notify>,
}

impl UploadBudget {
    /// A budget of so many bytes. A single upload gets a quarter of it, when it is alone.
    pub fn new(all: usize) -> Self {
        Self { all, held: Mutex::default(), freed: Notify::new() }
    }

    /// An upload that holds nothing yet.
    pub fn upload(&self, clients: Vec<Client>) -> Upload<'_> {
        let gives_way = Arc::new(Notify::new());
        let coming = Coming {
            clients: clients.clone(),
            taken: 0,
            since: Instant::now(),
            gives_way: Arc::clone(&gives_way),
        };
        let mut held = self.held();
        let number = held.next;
        held.next += 1;
        held.coming.insert(number, coming);
        Upload { budget: self, number, clients, taken: 0, gives_way }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload<'_> {
    /// Takes so many bytes more, as soon as the others leave them.
    ///
    /// # Errors
    /// They do not in time.
    pub async fn take(&mut self, bytes: usize) -> Result<(), ApiError> {
        let until = Instant::now() + WAIT;
        loop {
            // Registered before it is looked, so that nothing that is freed in between is missed.
            let freed = self.budget.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.try_take(bytes) {
                return Ok(());
            }
            let patience = (Instant::now() + PATIENCE).min(until);
            if tokio::time::timeout_at(patience, freed).await.is_err() {
                if patience == until {
                    return Err(busy());
                }
                self.ask_another_to_give_way(bytes);
            }
        }
    }

    /// Waits until another upload has waited too long for what this one holds.
    pub async fn gives_way(&self) -> ApiError {
        self.gives_way.notified().await;
        busy()
    }

    /// It has come whole: it gives way to nobody any more, for what is done with it is done soon.
    pub fn has_come(&self) {
        self.budget.held().coming.remove(&self.number);
    }

    fn try_take(&mut self, bytes: usize) -> bool {
        let mut held = self.budget.held();
        let Some(grown) = self.grown(&held, bytes) else { return false };
        held.all += bytes;
        for client in &self.clients {
            *held.clients.entry(client.clone()).or_default() += bytes;
        }
        self.taken = grown;
        if let Some(coming) = held.coming.get_mut(&self.number) {
            coming.taken = grown;
        }
        true
    }

    /// What it would hold; `None` when it may not.
    fn grown(&self, held: &Held, bytes: usize) -> Option<usize> {
        let left = self.budget.all.saturating_sub(held.all);
        let fits = |client| {
            let client = held.clients.get(client).copied().unwrap_or_default();
            let left_to_client = (self.budget.all / 2).saturating_sub(client);
            self.taken + bytes <= left_to_client && client + bytes <= left
        };
        (bytes <= left && self.clients.iter().all(fits)).then_some(self.taken + bytes)
    }

    /// The costliest of the others: of the same client where there is one, which may be the one that leaves nothing.
    fn ask_another_to_give_way(&self, bytes: usize) {
        let held = self.budget.held();
        let own = held.coming.get(&self.number).map(Coming::cost).unwrap_or_default();
        let larger = |coming: &&Coming| coming.taken > self.taken + bytes && coming.cost() > own;
        let costliest = |shares: bool| {
            let others = held.coming.values().filter(larger);
            let related = others.filter(|coming| {
                !shares || coming.clients.iter().any(|client| self.clients.contains(client))
            });
            related.max_by(|a, b| a.cost().total_cmp(&b.cost()))
        };
        if let Some(coming) = costliest(true).or_else(|| costliest(false)) {
            coming.gives_way.notify_one();
        }
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        let mut held = self.budget.held();
        held.coming.remove(&self.number);
        held.all = held.all.saturating_sub(self.taken);
        for client in &self.clients {
            if let Some(bytes) = held.clients.get_mut(client) {
                *bytes = bytes.saturating_sub(self.taken);
                if *bytes == 0 {
                    held.clients.remove(client);
                }
            }
        }
        drop(held);
        self.budget.freed.notify_waiters();
    }
}

fn busy() -> ApiError {
    ApiError::busy(
        "the registry has as many uploads in hand as it can hold, of all clients or of yours; try again in a while",
        AGAIN,
    )
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const ALL: usize = 288;

    fn client(last: u8) -> Vec<Client> {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        vec![Client::Address(ClientAddress::new(address)), Client::Domain(format!("d{last}.example"))]
    }

    /// As much as it gets, a byte at a time.
    fn fill(upload: &mut Upload<'_>) -> usize {
        while upload.try_take(1) {}
        upload.taken
    }

    #[tokio::test]
    async fn whoever_is_alone_gets_the_largest_upload() {
        let budget = UploadBudget::new(ALL);
        assert_eq!(fill(&mut budget.upload(client(1))), ALL / 4);
        assert_eq!(budget.held().all, 0, "and gives it back");
        assert!(budget.held().clients.is_empty());
    }

    #[tokio::test]
    async fn of_several_clients_that_take_all_they_get_each_leaves_something_to_the_next() {
        let budget = UploadBudget::new(ALL);
        let mut uploads: Vec<Upload<'_>> = (0..5).map(|at| budget.upload(client(at))).collect();
        for upload in &mut uploads {
            assert!(fill(upload) > 0);
        }
        assert!(fill(&mut budget.upload(client(99))) > 0);
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_hold_all_the_costliest_gives_way_to_one_that_waits() {
        let budget = UploadBudget::new(ALL);
        let mut slow: Vec<Upload<'_>> = (0..50).map(|at| budget.upload(client(at))).collect();
        for upload in &mut slow {
            fill(upload);
        }
        let mut quick = budget.upload(client(99));
        assert!(!quick.try_take(ALL / 8));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begin = Instant::now();
        let costliest = slow.remove(0);
        let gives_way = async {
            let error = costliest.gives_way().await;
            drop(costliest);
            error
        };
        let (taken, error) = tokio::join!(quick.take(ALL / 8), gives_way);
        taken.unwrap();
        assert!(error.detail().contains("try again"));
        assert!(begin.elapsed() <= PATIENCE);
    }

    #[tokio::test]
    async fn of_one_client_many_uploads_share_a_half_and_leave_one_another_something() {
        let budget = UploadBudget::new(ALL);
        let mut uploads: Vec<Upload<'_>> = (0..50).map(|_| budget.upload(client(1))).collect();
        // All at once, a byte each in turn.
        while uploads.iter_mut().any(|upload| upload.try_take(1)) {}
        assert!(budget.held().all <= ALL / 2);
        assert!(fill(&mut budget.upload(client(2))) >= ALL / 8, "another client");
        let (address, domain) = (client(1).remove(0), client(2).remove(1));
        let mut neighbour = budget.upload(vec![address, domain]);
        assert!(fill(&mut neighbour) < ALL / 50, "whoever shares the address shares its half");
    }

    #[tokio::test(start_paused = true)]
    async fn who_may_not_grow_waits_for_others_and_is_told_when_it_takes_too_long() {
        let budget = UploadBudget::new(ALL);
        let mut first = budget.upload(client(1));
        fill(&mut first);
        // What has come whole gives way to nobody.
        first.has_come();
        let mut second = budget.upload(client(1));
        let freeing = async {
            tokio::time::sleep(WAIT / 2).await;
            drop(first);
        };
        let (taken, ()) = tokio::join!(second.take(ALL / 4), freeing);
        taken.unwrap();
        second.has_come();
        let mut third = budget.upload(client(1));
        assert!(third.take(ALL / 4 + 1).await.unwrap_err().detail().contains("try again"));
    }
}
