//! Memory for the bodies of requests that are on their way.
//!
//! An upload takes memory for what has arrived, not for what was announced, and returns it when the request has been handled.
//! No client can take all: an upload grows only while it holds no more than what is left of its client's half, and a client
//! only while it holds no more than what is left of the whole (a *dynamic threshold*, as switches share a buffer among their
//! ports). So there is always something left for the next client. If that is not enough, an upload waits. After `ASK_AFTER` the
//! most costly uploads give way to it, and take nothing more until it is complete.
//!
//! The cost of a client is the sum of bytes held times seconds over its uploads of the last minutes. Small and quick uploads cost
//! little, large and slow ones much, and a new upload does not reset the cost. So slow uploads cannot keep a quick one out
//! for long.
//!
//! A client is an address, and for a publish also the domain whose key signed it: many addresses of one domain have one share, and
//! many domains at one address, too. The cheaper of the two counts, since many people may share an address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::client_address::ClientAddress;

/// How long an upload waits in all for permission to grow, before it is refused.
const WAIT: Duration = Duration::from_secs(30);
/// How long an upload waits for others to end by themselves: most uploads take less in all.
const ASK_AFTER: Duration = Duration::from_secs(3);
/// How long the uploads that were asked to give way may take, before more are asked.
const GIVING_WAY: Duration = Duration::from_millis(200);
/// The half-life of a client's cost, in seconds.
const HALF_LIFE: f64 = 60.0;
/// Most clients that are remembered while they hold nothing.
const MOST_REMEMBERED: usize = 4096;

/// There is no room for an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the registry has as many uploads in hand as it can hold, of all clients or of yours; try again in a while"
)]
pub struct Busy;

impl Busy {
    /// When a refused client may try again.
    pub const RETRY_AFTER: Duration = Duration::from_secs(10);
}

/// Whose upload it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UploadClient {
    /// The address that it comes from.
    Address(ClientAddress),
    /// The domain that it is signed for, without subdomains: those cost nothing.
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
    clients: HashMap<UploadClient, Usage>,
    /// The uploads that are not complete, by number.
    coming: HashMap<u64, Coming>,
    next: u64,
}

/// What a client holds, and its cost at some moment, in bytes times seconds.
#[derive(Debug)]
struct Usage {
    bytes: usize,
    cost: f64,
    until: Instant,
}

impl Usage {
    fn nothing() -> Self {
        Self { bytes: 0, cost: 0.0, until: Instant::now() }
    }

    fn cost(&self) -> f64 {
        let seconds = self.until.elapsed().as_secs_f64();
        self.cost * (-seconds / HALF_LIFE).exp2() + seconds * self.bytes as f64
    }

    fn becomes(&mut self, bytes: usize) {
        *self = Self { bytes, cost: self.cost(), until: Instant::now() };
    }
}

impl Held {
    /// The cost of an upload: that of its cheapest client, then its own.
    fn cost(&self, coming: &Coming) -> (f64, f64) {
        let of = |client| self.clients.get(client).map(Usage::cost).unwrap_or_default();
        let clients = coming.clients.iter().map(of).fold(f64::INFINITY, f64::min);
        (clients, coming.taken as f64 * coming.since.elapsed().as_secs_f64())
    }
}

#[derive(Debug)]
struct Coming {
    clients: Vec<UploadClient>,
    taken: usize,
    since: Instant,
    gives_way: Arc<Notify>,
    /// Others were asked to give way to it. Until it is complete, more costly uploads take nothing.
    goes_first: bool,
}

/// The memory of one upload, returned when it is dropped.
#[derive(Debug)]
pub struct Upload<'a> {
    budget: &'a UploadBudget,
    number: u64,
    clients: Vec<UploadClient>,
    taken: usize,
    gives_way: Arc<Notify>,
    waited: Duration,
    has_asked: bool,
}

impl UploadBudget {
    /// Makes a budget of this many bytes. A single upload gets a quarter of it if it is alone.
    pub fn new(all: usize) -> Self {
        Self { all, held: Mutex::default(), freed: Notify::new() }
    }

    /// Begins an upload that holds nothing.
    pub fn upload(&self, clients: Vec<UploadClient>) -> Upload<'_> {
        let gives_way = Arc::new(Notify::new());
        let coming = Coming {
            clients: clients.clone(),
            taken: 0,
            since: Instant::now(),
            gives_way: Arc::clone(&gives_way),
            goes_first: false,
        };
        let mut held = self.held();
        if held.clients.len() >= MOST_REMEMBERED {
            held.clients.retain(|_, usage| usage.bytes > 0);
        }
        let number = held.next;
        held.next += 1;
        held.coming.insert(number, coming);
        Upload {
            budget: self,
            number,
            clients,
            taken: 0,
            gives_way,
            waited: Duration::ZERO,
            has_asked: false,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload<'_> {
    /// Takes more bytes as soon as the others leave them.
    ///
    /// # Errors
    /// They do not in time, or this upload has to give way itself.
    pub async fn take(&mut self, bytes: usize) -> Result<(), Busy> {
        let begin = Instant::now();
        let until = begin + WAIT.saturating_sub(self.waited);
        loop {
            // Registered before the look, so that nothing that is freed in between is missed.
            let freed = self.budget.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.try_take(bytes) {
                self.waited += begin.elapsed();
                return Ok(());
            }
            let until_asked = if self.has_asked { GIVING_WAY } else { ASK_AFTER };
            let until_asked = (Instant::now() + until_asked).min(until);
            let freed = tokio::select! {
                freed = tokio::time::timeout_at(until_asked, freed) => freed,
                error = self.gives_way() => return Err(error),
            };
            if freed.is_err() {
                if until_asked == until {
                    return Err(Busy);
                }
                self.has_asked = true;
                self.ask_others_to_give_way(bytes);
            }
        }
    }

    /// Waits until another upload has waited too long for what this one holds.
    pub async fn gives_way(&self) -> Busy {
        self.gives_way.notified().await;
        Busy
    }

    /// The upload is complete. It does not give way any more, since it will be handled soon.
    pub fn has_come(&self) {
        self.budget.held().coming.remove(&self.number);
        self.budget.freed.notify_waiters();
    }

    fn try_take(&mut self, bytes: usize) -> bool {
        let mut held = self.budget.held();
        let Some(grown) = self.grown(&held, bytes) else { return false };
        held.all += bytes;
        for client in &self.clients {
            let usage = held.clients.entry(client.clone()).or_insert_with(Usage::nothing);
            usage.becomes(usage.bytes + bytes);
        }
        self.taken = grown;
        if let Some(coming) = held.coming.get_mut(&self.number) {
            coming.taken = grown;
        }
        true
    }

    /// Returns what the upload would hold, or `None` if it may not grow.
    fn grown(&self, held: &Held, bytes: usize) -> Option<usize> {
        let own = held.coming.get(&self.number).map(|coming| held.cost(coming));
        let goes_before = |other: &Coming| other.goes_first && own.is_some_and(|own| held.cost(other) < own);
        if held.coming.values().any(goes_before) {
            return None;
        }
        let left = self.budget.all.saturating_sub(held.all);
        let fits = |client| {
            let client = held.clients.get(client).map_or(0, |usage| usage.bytes);
            let left_to_client = (self.budget.all / 2).saturating_sub(client);
            self.taken + bytes <= left_to_client && client + bytes <= left
        };
        (bytes <= left && self.clients.iter().all(fits)).then_some(self.taken + bytes)
    }

    /// Asks the most costly of the others, as many as hold what is wanted. Those of the same client come first, since it may be
    /// the client's own share that is used up.
    fn ask_others_to_give_way(&self, bytes: usize) {
        let mut held = self.budget.held();
        let Some(coming) = held.coming.get_mut(&self.number) else { return };
        coming.goes_first = true;
        let held = &*held;
        let Some(own) = held.coming.get(&self.number).map(|coming| held.cost(coming)) else { return };
        let mut others: Vec<_> = held.coming.values().map(|coming| (held.cost(coming), coming)).collect();
        others.retain(|(cost, coming)| *cost > own && coming.taken > 0);
        let shares = |coming: &Coming| coming.clients.iter().any(|client| self.clients.contains(client));
        others.sort_by(|(a, one), (b, other)| {
            shares(other).cmp(&shares(one)).then(b.0.total_cmp(&a.0)).then(b.1.total_cmp(&a.1))
        });
        let mut wanted = self.taken + bytes;
        for (_, coming) in others {
            coming.gives_way.notify_one();
            wanted = wanted.saturating_sub(coming.taken);
            if wanted == 0 {
                break;
            }
        }
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        let mut held = self.budget.held();
        held.coming.remove(&self.number);
        held.all = held.all.saturating_sub(self.taken);
        for client in &self.clients {
            if let Some(usage) = held.clients.get_mut(client) {
                usage.becomes(usage.bytes.saturating_sub(self.taken));
            }
        }
        drop(held);
        self.budget.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const ALL: usize = 288;

    fn client(last: u8) -> Vec<UploadClient> {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        vec![
            UploadClient::Address(ClientAddress::new(address)),
            UploadClient::Domain(format!("d{last}.example")),
        ]
    }

    /// Takes as much as it gets, a byte at a time.
    fn fill(upload: &mut Upload<'_>) -> usize {
        while upload.try_take(1) {}
        upload.taken
    }

    #[tokio::test]
    async fn whoever_is_alone_gets_the_largest_upload() {
        let budget = UploadBudget::new(ALL);
        assert_eq!(fill(&mut budget.upload(client(1))), ALL / 4);
        assert_eq!(budget.held().all, 0, "and gives it back");
        assert!(budget.held().clients.values().all(|usage| usage.bytes == 0));
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
        fill(&mut slow[0]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        for upload in &mut slow[1..] {
            fill(upload);
        }
        let mut quick = budget.upload(client(99));
        assert!(!quick.try_take(ALL / 8));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begin = Instant::now();
        // It waits itself.
        let mut costliest = slow.remove(0);
        let gives_way = async {
            let error = costliest.take(ALL).await.unwrap_err();
            drop(costliest);
            error
        };
        let (taken, error) = tokio::join!(quick.take(ALL / 8), gives_way);
        taken.unwrap();
        assert_eq!(error, Busy);
        assert!(begin.elapsed() <= ASK_AFTER + GIVING_WAY);
    }

    #[tokio::test(start_paused = true)]
    async fn coming_again_makes_a_client_no_cheaper_and_one_that_shares_its_address_is_judged_by_its_domain()
    {
        let budget = UploadBudget::new(ALL);
        let mut slow = budget.upload(client(1));
        fill(&mut slow);
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(slow);
        let mut again = budget.upload(client(1));
        fill(&mut again);
        let mut quick = budget.upload(vec![client(1).remove(0), client(2).remove(1)]);
        quick.take(ALL / 8).await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        let gives_way = async {
            again.gives_way().await;
            drop(again);
        };
        let (taken, ()) = tokio::join!(quick.take(ALL / 8), gives_way);
        taken.unwrap();
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
        // A complete upload does not give way.
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
        assert_eq!(third.take(ALL / 4 + 1).await, Err(Busy));
    }
}
