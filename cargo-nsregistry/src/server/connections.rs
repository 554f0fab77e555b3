//! All connections: how many there may be, and which are closed when there are too many.
//!
//! An idle connection costs next to nothing, so one client may have any number of them while there are free slots. When every
//! slot is taken, a new connection gets the slot of the least important one (see `give_way`): first a connection that has been
//! idle for a while, then the slowest connection of the client that has the most, if that is more than its share. So a client
//! that opens many connections loses its own, and a new client has the time to send a request. If no connection gives way, the
//! new one waits a little for a slot.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::client_address::ClientAddress;
use crate::server::connection::{Activity, ConnectionState};

/// One client may hold at most this fraction (one in so many) of all slots, and of all requests under way, while others want
/// them.
pub(super) const SHARE: usize = 4;
/// A connection is still when nothing has moved on it for this long. A TLS handshake and a head are four round trips.
const STILL: Duration = Duration::from_secs(2);
/// This fraction (one in so many) of all slots is freed at once, because looking through all connections is expensive.
const BATCH: usize = 64;
/// How long a new connection waits for a slot if no other gives way.
const SLOT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it looks again: nothing signals that a connection has become still.
const AGAIN: Duration = Duration::from_millis(250);
/// Most connections that wait for a slot: each has a descriptor.
const NEWCOMERS: usize = 64;

/// The connections of a server.
#[derive(Debug)]
pub struct Connections {
    most: usize,
    table: Mutex<Table>,
    /// Notified when a slot is free.
    freed: Arc<Notify>,
    newcomers: Semaphore,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    client: Remote,
    activity: Arc<Activity>,
    cut: Arc<Notify>,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Remote {
    pub address: ClientAddress,
    /// Whether it is a trusted proxy, which speaks for many clients and therefore has no share.
    pub is_proxy: bool,
}

/// A slot of a connection, free again when it is dropped.
#[derive(Debug)]
pub struct Slot {
    connections: Arc<Connections>,
    id: u64,
    activity: Arc<Activity>,
    cut: Arc<Notify>,
}

impl Connections {
    /// Makes this many slots.
    pub fn new(most: usize) -> Arc<Self> {
        let newcomers = Semaphore::new(NEWCOMERS);
        Arc::new(Self { most, table: Mutex::default(), freed: Arc::default(), newcomers })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a slot. Returns `None` if there is none within `SLOT_TIMEOUT`.
    pub async fn enter(self: &Arc<Self>, client: Remote) -> Option<Slot> {
        if let Some(place) = self.try_enter(client) {
            return Some(place);
        }
        let _newcomer = self.newcomers.try_acquire().ok()?;
        let entering = async {
            loop {
                let _ = tokio::time::timeout(AGAIN, self.freed.notified()).await;
                if let Some(place) = self.try_enter(client) {
                    return place;
                }
            }
        };
        let place = tokio::time::timeout(SLOT_TIMEOUT, entering).await;
        place.ok().or_else(|| self.try_enter(client))
    }

    fn try_enter(self: &Arc<Self>, client: Remote) -> Option<Slot> {
        let mut table = self.lock();
        if table.held.len() >= self.most {
            for id in table.giving_way(client, self.most) {
                if let Some(held) = table.held.remove(&id) {
                    held.cut.notify_one();
                }
            }
        }
        if table.held.len() >= self.most {
            return None;
        }
        let id = table.next;
        table.next += 1;
        let (activity, cut) = (Activity::new(), Arc::new(Notify::new()));
        table.held.insert(id, Held { client, activity: Arc::clone(&activity), cut: Arc::clone(&cut) });
        Some(Slot { connections: Arc::clone(self), id, activity, cut })
    }

    /// Waits until all connections have ended, but not longer than `most`, then closes the rest. Returns whether it had to.
    pub async fn end(&self, most: Duration) -> bool {
        let all_ended = async {
            while !self.lock().held.is_empty() {
                self.freed.notified().await;
            }
        };
        if tokio::time::timeout(most, all_ended).await.is_ok() {
            return false;
        }
        std::mem::take(&mut self.lock().held).values().for_each(|held| held.cut.notify_one());
        true
    }
}

impl Table {
    fn giving_way(&self, newcomer: Remote, most: usize) -> Vec<u64> {
        let state = |(id, held): (&u64, &Held)| (*id, held.client, held.activity.state());
        let all: Vec<_> = self.held.iter().map(state).collect();
        give_way(newcomer, &all, most, Instant::now())
    }
}

impl Slot {
    /// The requests of the connection.
    pub fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.activity)
    }

    /// Waits until another connection gets the slot.
    pub async fn lost(&self) {
        self.cut.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.lock().held.remove(&self.id);
        self.connections.freed.notify_one();
    }
}

/// Decides which of `all` connections give way to a new one when all slots are taken. Pure.
///
/// The share of a client is an equal part of all slots, and at most one in [`SHARE`]. A proxy has no share and is not counted.
///
/// 1. Connections that have been idle for a while, those that have been idle longest first, several at once: of the clients
///    that have the most connections, or if those have none, of all clients.
/// 2. Otherwise one connection of a client that has the most, if that is more than its share: an idle one, or else the one
///    that has not moved for longest.
/// 3. Otherwise none.
///
/// If the client of the new connection has the most, and more than its share, only its own still connections give way.
fn give_way(newcomer: Remote, all: &[(u64, Remote, ConnectionState)], most: usize, now: Instant) -> Vec<u64> {
    let mut counts: HashMap<ClientAddress, usize> = HashMap::new();
    for (_, client, _) in all.iter().filter(|(_, client, _)| !client.is_proxy) {
        *counts.entry(client.address).or_default() += 1;
    }
    let largest = counts.values().copied().max().unwrap_or_default();
    let clients = counts.len() + usize::from(!counts.contains_key(&newcomer.address));
    let too_many = largest > (most / clients.max(SHARE)).max(1);
    let is_largest = |client: Remote| !client.is_proxy && counts.get(&client.address) == Some(&largest);
    let only_own = too_many && is_largest(newcomer);
    let is_still = |state| match state {
        ConnectionState::Idle(at) | ConnectionState::Transferring(at) => at + STILL <= now,
        ConnectionState::Working => false,
    };
    let is_idle = |state| matches!(state, ConnectionState::Idle(_)) && is_still(state);
    let find = |most: usize, gives_way: &dyn Fn(Remote, ConnectionState) -> bool| {
        let mut found: Vec<(ConnectionState, u64)> = all
            .iter()
            .filter(|(_, client, _)| !only_own || client.address == newcomer.address)
            .filter(|(_, client, state)| gives_way(*client, *state))
            .map(|(id, _, state)| (*state, *id))
            .collect();
        found.sort_unstable();
        found.truncate(most);
        found
    };
    let batch = (most / BATCH).max(1);
    let mut found = find(batch, &|client, state| is_largest(client) && is_idle(state));
    if found.is_empty() {
        found = find(batch, &|_, state| is_idle(state));
    }
    if found.is_empty() && too_many {
        found = find(1, &|client, state| is_largest(client) && (!only_own || is_still(state)));
    }
    found.into_iter().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Remote {
        let address = std::net::Ipv4Addr::new(192, 0, 2, last);
        Remote { address: ClientAddress::new(address.into()), is_proxy: false }
    }

    /// Which connections give way to one of `newcomer`. The numbers are seconds before now.
    fn gives_way(newcomer: Remote, all: &[(Remote, State, u64)], most: usize) -> Vec<u64> {
        let now = Instant::now() + Duration::from_secs(1000);
        let all: Vec<_> = (0..)
            .zip(all)
            .map(|(id, (client, state, ago))| (id, *client, state(now - Duration::from_secs(*ago))))
            .collect();
        give_way(newcomer, &all, most, now)
    }

    type State = fn(Instant) -> ConnectionState;
    const IDLE: State = ConnectionState::Idle;
    const TRANSFERRING: State = ConnectionState::Transferring;
    const WORKING: State = |_| ConnectionState::Working;

    #[test]
    fn who_has_waited_longest_with_the_most_connections_gives_way() {
        let (crowd, guest) = (client(1), client(2));
        let all = [(guest, IDLE, 60), (crowd, IDLE, 9), (crowd, IDLE, 10), (crowd, TRANSFERRING, 20)];
        for newcomer in [crowd, guest, client(3)] {
            assert_eq!(gives_way(newcomer, &all, 4), [2]);
        }
        let all = [(crowd, TRANSFERRING, 0), (crowd, WORKING, 0), (guest, IDLE, 2)];
        assert_eq!(gives_way(client(3), &all, 3), [2], "the crowd has none that waits");
        assert!(gives_way(crowd, &all, 3).is_empty(), "but that is not for the crowd");
        let crowd: Vec<_> = (0..200).map(|ago| (client(1), IDLE, ago)).collect();
        assert_eq!(gives_way(guest, &crowd, 200), [199, 198, 197], "several at once");
    }

    #[test]
    fn who_has_just_come_has_time_to_ask() {
        let (crowd, guest) = (client(1), client(2));
        let all =
            [(crowd, TRANSFERRING, 1), (crowd, TRANSFERRING, 1), (crowd, TRANSFERRING, 1), (guest, IDLE, 1)];
        assert!(gives_way(crowd, &all, 4).is_empty(), "not even its own, which move");
        assert_eq!(gives_way(client(3), &all, 4), [0], "who has more than a share");
        let all = [(crowd, IDLE, 1), (crowd, IDLE, 0), (crowd, TRANSFERRING, 0), (guest, IDLE, 1)];
        assert_eq!(gives_way(guest, &all, 4), [0], "who has more than a share gives way to others at once");
        assert!(gives_way(crowd, &all, 4).is_empty(), "and not to itself");
        let equal: Vec<_> = (1..=10).map(|last| (client(last), IDLE, 1)).collect();
        assert!(gives_way(client(11), &equal, 10).is_empty(), "a burst of clients waits");
        let equal: Vec<_> = (1..=10).map(|last| (client(last), IDLE, 20 - u64::from(last))).collect();
        assert_eq!(gives_way(client(11), &equal, 10), [0], "of equals, who has waited longest");
        let equal: Vec<_> = (1..=10).map(|last| (client(last), IDLE, 2 + u64::from(last))).collect();
        assert_eq!(gives_way(client(11), &equal, 10), [9], "of equals, who has waited longest");
    }

    #[test]
    fn who_holds_more_than_its_share_gives_way_to_others_and_its_stalled_ones_to_itself() {
        let (crowd, guest) = (client(1), client(2));
        let all = [
            (crowd, TRANSFERRING, 1),
            (crowd, TRANSFERRING, 3),
            (crowd, WORKING, 0),
            (guest, TRANSFERRING, 50),
        ];
        assert_eq!(gives_way(guest, &all, 4), [1]);
        assert_eq!(gives_way(crowd, &all, 4), [1]);
        let all =
            [(crowd, TRANSFERRING, 1), (crowd, WORKING, 0), (crowd, WORKING, 0), (guest, TRANSFERRING, 50)];
        assert_eq!(gives_way(guest, &all, 4), [0]);
        assert!(gives_way(crowd, &all, 4).is_empty(), "its own move");
        let fair =
            [(client(1), TRANSFERRING, 50), (client(2), TRANSFERRING, 50), (client(3), TRANSFERRING, 50)];
        assert!(gives_way(client(4), &fair, 8).is_empty(), "nobody has more than a share");
        let quarters: Vec<_> = (0..40).map(|at| (client(at % 4), TRANSFERRING, u64::from(at))).collect();
        assert_eq!(gives_way(client(9), &quarters, 40), [39], "a fifth of all places, with the newcomer");
    }

    #[test]
    fn a_proxy_speaks_for_many_and_protects_nobody() {
        let (crowd, guest) = (client(1), client(2));
        let proxy = Remote { is_proxy: true, ..client(3) };
        let all = [
            (proxy, TRANSFERRING, 9),
            (proxy, TRANSFERRING, 9),
            (proxy, TRANSFERRING, 9),
            (proxy, TRANSFERRING, 9),
        ];
        assert!(gives_way(guest, &all, 4).is_empty());
        let mut all = vec![(proxy, TRANSFERRING, 9); 6];
        all.extend([(crowd, TRANSFERRING, 1); 4]);
        for newcomer in [guest, proxy] {
            assert_eq!(gives_way(newcomer, &all, 10), [6], "a client that has more than a share beside it");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_takes_an_idle_place_or_waits_for_one() {
        let connections = Connections::new(2);
        let one = client(1);
        let first = connections.enter(one).await.unwrap();
        let second = connections.enter(one).await.unwrap();
        let begin = Instant::now();
        // One has a request, so the other gives way after it had the time to get one, too.
        let working = second.activity().begin(false);
        let third = connections.enter(one).await.unwrap();
        first.lost().await;
        assert_eq!(begin.elapsed(), STILL);
        assert_eq!(third.activity().state(), ConnectionState::Idle(Instant::now()), "its time begins");
        let more = third.activity().begin(false);
        let begin = Instant::now();
        assert!(connections.enter(one).await.is_none());
        assert_eq!(begin.elapsed(), SLOT_TIMEOUT);
        let waiter = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.enter(one).await.is_some() }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(more);
        assert!(waiter.await.unwrap(), "a connection that waits again gives way");
        drop((third, working));
    }
}
