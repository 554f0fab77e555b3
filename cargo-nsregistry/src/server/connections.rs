//! All connections: how many there may be, and who gives way when there are so many.
//!
//! A connection that waits for a request costs next to nothing while there is room, so nothing limits how many of them one
//! client may have. When every place is taken, a newcomer gets the place of those that matter least (see [`give_way`]):
//! first connections that have waited for a request for a while, then, of the client that has the most and more than its
//! share, what moves least. So whoever opens many connections pays with their own, and whoever has just come has the time
//! to ask. Where nothing gives way, a newcomer waits a little for a place.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::client_address::ClientAddress;
use crate::server::connection::{Activity, Standing};

/// What one client may hold of all places, and of all requests under way, while others want them: one in so many at most.
const SHARE: usize = 4;
/// A connection on which nothing has moved for so long is still. A TLS handshake and a head are four round trips.
const STILL: Duration = Duration::from_secs(2);
/// Of all places, one in so many is freed at once: looking through all connections is the dear part.
const BATCH: usize = 64;
/// How long a newcomer waits where nothing gives way.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks again meanwhile: nobody tells when a connection has become still.
const AGAIN: Duration = Duration::from_millis(250);
/// Most newcomers that wait: each has a descriptor.
const NEWCOMERS: usize = 64;

/// The connections of a server.
#[derive(Debug)]
pub struct Connections {
    most: usize,
    table: Mutex<Table>,
    /// Told when a place is free.
    room: Arc<Notify>,
    newcomers: Semaphore,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    client: Client,
    activity: Arc<Activity>,
    cut: Arc<Notify>,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its address.
    pub address: ClientAddress,
    /// Whether it is a trusted proxy: then it speaks for many, and has no share.
    pub is_proxy: bool,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    connections: Arc<Connections>,
    id: u64,
    activity: Arc<Activity>,
    cut: Arc<Notify>,
}

impl Connections {
    /// So many places.
    pub fn new(most: usize) -> Arc<Self> {
        let newcomers = Semaphore::new(NEWCOMERS);
        Arc::new(Self { most, table: Mutex::default(), room: Arc::default(), newcomers })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection; `None` when there is none within [`PATIENCE`].
    pub async fn enter(self: &Arc<Self>, client: Client) -> Option<Place> {
        if let Some(place) = self.try_enter(client) {
            return Some(place);
        }
        let _newcomer = self.newcomers.try_acquire().ok()?;
        let entering = async {
            loop {
                let _ = tokio::time::timeout(AGAIN, self.room.notified()).await;
                if let Some(place) = self.try_enter(client) {
                    return place;
                }
            }
        };
        let place = tokio::time::timeout(PATIENCE, entering).await;
        place.ok().or_else(|| self.try_enter(client))
    }

    fn try_enter(self: &Arc<Self>, client: Client) -> Option<Place> {
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
        Some(Place { connections: Arc::clone(self), id, activity, cut })
    }

    /// Waits until all connections have ended, at most so long; then the rest is cut. Whether that was needed.
    pub async fn end(&self, most: Duration) -> bool {
        let all_ended = async {
            while !self.lock().held.is_empty() {
                self.room.notified().await;
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
    fn giving_way(&self, newcomer: Client, most: usize) -> Vec<u64> {
        let standing = |(id, held): (&u64, &Held)| (*id, held.client, held.activity.standing());
        let all: Vec<_> = self.held.iter().map(standing).collect();
        give_way(newcomer, &all, most, Instant::now())
    }
}

impl Place {
    /// What happens on the connection.
    pub fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.activity)
    }

    /// Waits until somebody else needs the place.
    pub async fn lost(&self) {
        self.cut.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().held.remove(&self.id);
        self.connections.room.notify_one();
    }
}

/// Which of `all` connections give way to a newcomer, when all places are taken: pure.
///
/// A client's share is an equal part of all places, and at most one in [`SHARE`]. A proxy has none, and is not counted.
///
/// 1. Those that have waited for a request for a while, of the clients that have the most connections; where they have
///    none, of all. Those that have waited longest, several at once.
/// 2. Otherwise one of the clients that have the most, if that is more than their share: one that waits for a request,
///    else the one that has not moved for longest.
/// 3. Otherwise none.
///
/// A newcomer whose client has the most, and more than its share, gets only what is its client's own, and still.
fn give_way(newcomer: Client, all: &[(u64, Client, Standing)], most: usize, now: Instant) -> Vec<u64> {
    let mut counts: HashMap<ClientAddress, usize> = HashMap::new();
    for (_, client, _) in all.iter().filter(|(_, client, _)| !client.is_proxy) {
        *counts.entry(client.address).or_default() += 1;
    }
    let largest = counts.values().copied().max().unwrap_or_default();
    let clients = counts.len() + usize::from(!counts.contains_key(&newcomer.address));
    let too_many = largest > (most / clients.max(SHARE)).max(1);
    let is_largest = |client: Client| !client.is_proxy && counts.get(&client.address) == Some(&largest);
    let only_own = too_many && is_largest(newcomer);
    let is_still = |standing| match standing {
        Standing::Waiting(at) | Standing::Moved(at) => at + STILL <= now,
        Standing::Working => false,
    };
    let is_idle = |standing| matches!(standing, Standing::Waiting(_)) && is_still(standing);
    let find = |most: usize, gives_way: &dyn Fn(Client, Standing) -> bool| {
        let mut found: Vec<(Standing, u64)> = all
            .iter()
            .filter(|(_, client, _)| !only_own || client.address == newcomer.address)
            .filter(|(_, client, standing)| gives_way(*client, *standing))
            .map(|(id, _, standing)| (*standing, *id))
            .collect();
        found.sort_unstable();
        found.truncate(most);
        found
    };
    let batch = (most / BATCH).max(1);
    let mut found = find(batch, &|client, standing| is_largest(client) && is_idle(standing));
    if found.is_empty() {
        found = find(batch, &|_, standing| is_idle(standing));
    }
    if found.is_empty() && too_many {
        found = find(1, &|client, standing| is_largest(client) && (!only_own || is_still(standing)));
    }
    found.into_iter().map(|(_, id)| id).collect()
}

/// How many requests may be under way, in all and of one client.
#[derive(Debug)]
pub struct Requests {
    most: usize,
    counts: Mutex<(usize, HashMap<ClientAddress, usize>)>,
}

/// A request that is counted, until this is dropped.
#[derive(Debug)]
pub struct Counted {
    requests: Arc<Requests>,
    client: ClientAddress,
}

impl Requests {
    /// So many in all.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts a request; `None` when there are too many. One client has at most a share, and not more than it leaves to
    /// others: so however many clients ask for as much as they can, there is room for one more.
    pub fn begin(self: &Arc<Self>, client: ClientAddress) -> Option<Counted> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, of_clients) = &mut *counts;
        let own = of_clients.get(&client).copied().unwrap_or_default();
        if own >= (self.most / SHARE).min(self.most - *all) {
            return None;
        }
        *all += 1;
        of_clients.insert(client, own + 1);
        Some(Counted { requests: Arc::clone(self), client })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.requests.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, of_clients) = &mut *counts;
        *all -= 1;
        if let Some(own) = of_clients.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                of_clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Client {
        let address = std::net::Ipv4Addr::new(192, 0, 2, last);
        Client { address: ClientAddress::new(address.into()), is_proxy: false }
    }

    /// Who gives way to a newcomer of `client`, `ago` seconds counting backwards from now.
    fn gives_way(newcomer: Client, all: &[(Client, Stands, u64)], most: usize) -> Vec<u64> {
        let now = Instant::now() + Duration::from_secs(1000);
        let all: Vec<_> = (0..)
            .zip(all)
            .map(|(id, (client, standing, ago))| (id, *client, standing(now - Duration::from_secs(*ago))))
            .collect();
        give_way(newcomer, &all, most, now)
    }

    type Stands = fn(Instant) -> Standing;
    const WAITING: Stands = Standing::Waiting;
    const MOVED: Stands = Standing::Moved;
    const WORKING: Stands = |_| Standing::Working;

    #[test]
    fn who_has_waited_longest_with_the_most_connections_gives_way() {
        let (crowd, guest) = (client(1), client(2));
        let all = [(guest, WAITING, 60), (crowd, WAITING, 9), (crowd, WAITING, 10), (crowd, MOVED, 20)];
        for newcomer in [crowd, guest, client(3)] {
            assert_eq!(gives_way(newcomer, &all, 4), [2]);
        }
        let all = [(crowd, MOVED, 0), (crowd, WORKING, 0), (guest, WAITING, 2)];
        assert_eq!(gives_way(client(3), &all, 3), [2], "the crowd has none that waits");
        assert!(gives_way(crowd, &all, 3).is_empty(), "but that is not for the crowd");
        let crowd: Vec<_> = (0..200).map(|ago| (client(1), WAITING, ago)).collect();
        assert_eq!(gives_way(guest, &crowd, 200), [199, 198, 197], "several at once");
    }

    #[test]
    fn who_has_just_come_has_time_to_ask() {
        let (crowd, guest) = (client(1), client(2));
        let all = [(crowd, MOVED, 1), (crowd, MOVED, 1), (crowd, MOVED, 1), (guest, WAITING, 1)];
        assert!(gives_way(crowd, &all, 4).is_empty(), "not even its own, which move");
        assert_eq!(gives_way(client(3), &all, 4), [0], "who has more than a share");
        let all = [(crowd, WAITING, 1), (crowd, WAITING, 0), (crowd, MOVED, 0), (guest, WAITING, 1)];
        assert_eq!(gives_way(guest, &all, 4), [0], "who has more than a share gives way to others at once");
        assert!(gives_way(crowd, &all, 4).is_empty(), "and not to itself");
        let equal: Vec<_> = (1..=10).map(|last| (client(last), WAITING, 1)).collect();
        assert!(gives_way(client(11), &equal, 10).is_empty(), "a burst of clients waits");
        let equal: Vec<_> = (1..=10).map(|last| (client(last), WAITING, 20 - u64::from(last))).collect();
        assert_eq!(gives_way(client(11), &equal, 10), [0], "of equals, who has waited longest");
        let equal: Vec<_> = (1..=10).map(|last| (client(last), WAITING, 2 + u64::from(last))).collect();
        assert_eq!(gives_way(client(11), &equal, 10), [9], "of equals, who has waited longest");
    }

    #[test]
    fn who_holds_more_than_its_share_gives_way_to_others_and_its_stalled_ones_to_itself() {
        let (crowd, guest) = (client(1), client(2));
        let all = [(crowd, MOVED, 1), (crowd, MOVED, 3), (crowd, WORKING, 0), (guest, MOVED, 50)];
        assert_eq!(gives_way(guest, &all, 4), [1]);
        assert_eq!(gives_way(crowd, &all, 4), [1]);
        let all = [(crowd, MOVED, 1), (crowd, WORKING, 0), (crowd, WORKING, 0), (guest, MOVED, 50)];
        assert_eq!(gives_way(guest, &all, 4), [0]);
        assert!(gives_way(crowd, &all, 4).is_empty(), "its own move");
        let fair = [(client(1), MOVED, 50), (client(2), MOVED, 50), (client(3), MOVED, 50)];
        assert!(gives_way(client(4), &fair, 8).is_empty(), "nobody has more than a share");
        let quarters: Vec<_> = (0..40).map(|at| (client(at % 4), MOVED, u64::from(at))).collect();
        assert_eq!(gives_way(client(9), &quarters, 40), [39], "a fifth of all places, with the newcomer");
    }

    #[test]
    fn a_proxy_speaks_for_many_and_protects_nobody() {
        let (crowd, guest) = (client(1), client(2));
        let proxy = Client { is_proxy: true, ..client(3) };
        let all = [(proxy, MOVED, 9), (proxy, MOVED, 9), (proxy, MOVED, 9), (proxy, MOVED, 9)];
        assert!(gives_way(guest, &all, 4).is_empty());
        let mut all = vec![(proxy, MOVED, 9); 6];
        all.extend([(crowd, MOVED, 1); 4]);
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
        // One is asked something: the other gives way, once it has had time to be asked too.
        let working = second.activity().begin(false);
        let third = connections.enter(one).await.unwrap();
        first.lost().await;
        assert_eq!(begin.elapsed(), STILL);
        assert_eq!(third.activity().standing(), Standing::Waiting(Instant::now()), "its time begins");
        let more = third.activity().begin(false);
        let begin = Instant::now();
        assert!(connections.enter(one).await.is_none());
        assert_eq!(begin.elapsed(), PATIENCE);
        let waiter = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.enter(one).await.is_some() }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(more);
        assert!(waiter.await.unwrap(), "a connection that waits again gives way");
        drop((third, working));
    }

    #[test]
    fn however_many_clients_ask_for_all_they_can_there_is_room_for_one_more() {
        for clients in [4, 10, 50] {
            let requests = Requests::new(1024);
            let mut held = Vec::new();
            for _ in 0..1024 {
                held.extend((0..clients).filter_map(|last| requests.begin(client(last).address)));
            }
            assert!(held.len() < 1024);
            assert!(requests.begin(client(200).address).is_some(), "{clients} clients");
        }
    }

    #[test]
    fn one_client_has_a_share_of_the_requests() {
        let requests = Requests::new(8);
        let begin = |last| requests.begin(client(last).address);
        let held: Vec<_> = [begin(1), begin(1)].into_iter().flatten().collect();
        assert_eq!(held.len(), 2);
        assert!(begin(1).is_none(), "its share");
        let others: Vec<_> = (2..9).filter_map(begin).collect();
        assert_eq!(others.len(), 6);
        assert!(begin(9).is_none(), "all");
        drop(held);
        assert!(begin(1).is_some());
        drop(others);
        assert!(requests.counts.lock().unwrap().1.is_empty(), "nothing is kept of who is gone");
    }
}
