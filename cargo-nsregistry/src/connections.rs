//! All connections: how many there may be, and who gives way when there are so many.
//!
//! A connection that waits for a request costs next to nothing while there is room, so nothing limits how many of them one
//! client may have. When every place is taken, a newcomer gets the place of those that matter least (see [`give_way`]):
//! first connections without a request, then, of a client that holds more than its [`SHARE`], what moves least. So
//! whoever opens many connections pays with their own. Where nothing gives way, a newcomer waits a little for a place.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::client_address::ClientAddress;
use crate::connection::{Activity, Standing};

/// What one client may hold of all places, and of all requests under way, while others want them: one in so many.
const SHARE: usize = 4;
/// Of a client's own connections, one that has not moved for so long gives way to a newcomer of the same client.
const STILL: Duration = Duration::from_secs(2);
/// Of all places, one in so many is freed at once: looking through all connections is the dear part.
const BATCH: usize = 64;
/// How long a newcomer waits where nothing gives way.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most newcomers that wait: each has a descriptor.
const NEWCOMERS: usize = 64;

/// The connections of a server.
#[derive(Debug)]
pub struct Connections {
    most: usize,
    table: Mutex<Table>,
    /// Told when a place is free, or a connection waits for a request.
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
    cut: Arc<Notify>,
}

impl Connections {
    /// So many places.
    pub fn new(most: usize) -> Arc<Self> {
        let newcomers = Semaphore::new(NEWCOMERS);
        Arc::new(Self { most, table: Mutex::default(), room: Arc::default(), newcomers })
    }

    /// What a connection's activity tells when it waits for a request.
    pub fn room(&self) -> Arc<Notify> {
        Arc::clone(&self.room)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection; `None` when there is none within [`PATIENCE`].
    pub async fn enter(self: &Arc<Self>, client: Client, activity: &Arc<Activity>) -> Option<Place> {
        if let Some(place) = self.try_enter(client, activity) {
            return Some(place);
        }
        let _newcomer = self.newcomers.try_acquire().ok()?;
        let entering = async {
            loop {
                self.room.notified().await;
                if let Some(place) = self.try_enter(client, activity) {
                    return place;
                }
            }
        };
        let place = tokio::time::timeout(PATIENCE, entering).await;
        place.ok().or_else(|| self.try_enter(client, activity))
    }

    fn try_enter(self: &Arc<Self>, client: Client, activity: &Arc<Activity>) -> Option<Place> {
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
        let cut = Arc::new(Notify::new());
        table.held.insert(id, Held { client, activity: Arc::clone(activity), cut: Arc::clone(&cut) });
        Some(Place { connections: Arc::clone(self), id, cut })
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
/// 1. Those that wait for a request, of the client that has the most connections; where it has none, of all. Those that
///    have waited longest, several at once.
/// 2. Otherwise one of the client that has the most, if that is more than its share: the one that has not moved for
///    longest. Against its own newcomer only one that has not moved for a while.
/// 3. Otherwise none.
fn give_way(newcomer: Client, all: &[(u64, Client, Standing)], most: usize, now: Instant) -> Vec<u64> {
    let mut counts: HashMap<ClientAddress, usize> = HashMap::new();
    for (_, client, _) in all {
        *counts.entry(client.address).or_default() += 1;
    }
    let largest = counts.iter().max_by_key(|(address, count)| (**count, **address));
    let Some((largest, count)) = largest else { return Vec::new() };
    let waiting = |own: bool| {
        let mut found: Vec<(Standing, u64)> = all
            .iter()
            .filter(|(_, client, standing)| {
                matches!(standing, Standing::Waiting(_)) && (!own || client.address == *largest)
            })
            .map(|(id, _, standing)| (*standing, *id))
            .collect();
        found.sort_unstable();
        found.truncate((most / BATCH).max(1));
        found
    };
    let mut found = waiting(true);
    if found.is_empty() {
        found = waiting(false);
    }
    if found.is_empty() && *count > most / SHARE {
        let is_still = |standing: Standing| matches!(standing, Standing::Moved(at) if at + STILL <= now);
        let own = all.iter().filter(|(_, client, standing)| {
            client.address == *largest
                && !client.is_proxy
                && (newcomer.address != *largest || is_still(*standing))
        });
        found.extend(own.map(|(id, _, standing)| (*standing, *id)).min());
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

    /// Counts a request; `None` when there are too many.
    pub fn begin(self: &Arc<Self>, client: ClientAddress) -> Option<Counted> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, of_clients) = &mut *counts;
        let own = of_clients.get(&client).copied().unwrap_or_default();
        if *all >= self.most || own >= self.most / SHARE {
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
        let all = [(crowd, MOVED, 0), (crowd, WORKING, 0), (guest, WAITING, 1)];
        assert_eq!(gives_way(client(3), &all, 3), [2], "the crowd has none that waits");
        let crowd: Vec<_> = (0..200).map(|ago| (client(1), WAITING, ago)).collect();
        assert_eq!(gives_way(guest, &crowd, 200), [199, 198, 197], "several at once");
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
        let proxy = Client { is_proxy: true, ..crowd };
        let all = [(proxy, MOVED, 9), (proxy, MOVED, 9), (proxy, MOVED, 9), (proxy, MOVED, 9)];
        assert!(gives_way(guest, &all, 4).is_empty(), "a proxy speaks for many");
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_takes_an_idle_place_or_waits_for_one() {
        let connections = Connections::new(2);
        let activity = || Activity::new(connections.room());
        let one = client(1);
        let (first, second) = (activity(), activity());
        let place = connections.enter(one, &first).await.unwrap();
        let _other = connections.enter(one, &second).await.unwrap();
        let _third = connections.enter(one, &activity()).await.unwrap();
        place.lost().await;
        // Of the two that are left, one is asked something and the other is not: that gives way, then nothing does.
        let working = second.begin(false);
        let fourth_activity = activity();
        let fourth = connections.enter(one, &fourth_activity).await.unwrap();
        let more = fourth_activity.begin(false);
        let begin = Instant::now();
        assert!(connections.enter(one, &activity()).await.is_none());
        assert_eq!(begin.elapsed(), PATIENCE);
        let waiter = tokio::spawn({
            let (connections, activity) = (Arc::clone(&connections), activity());
            async move { connections.enter(one, &activity).await.is_some() }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(more);
        assert!(waiter.await.unwrap(), "a connection that waits again gives way");
        drop((fourth, working));
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
