//! How many requests may be under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::connections::SHARE;
use crate::client_address::ClientAddress;

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

    fn client(last: u8) -> ClientAddress {
        ClientAddress::new(std::net::Ipv4Addr::new(192, 0, 2, last).into())
    }

    #[test]
    fn however_many_clients_ask_for_all_they_can_there_is_room_for_one_more() {
        for clients in [4, 10, 50] {
            let requests = Requests::new(1024);
            let mut held = Vec::new();
            for _ in 0..1024 {
                held.extend((0..clients).filter_map(|last| requests.begin(client(last))));
            }
            assert!(held.len() < 1024);
            assert!(requests.begin(client(200)).is_some(), "{clients} clients");
        }
    }

    #[test]
    fn one_client_has_a_share_of_the_requests() {
        let requests = Requests::new(8);
        let begin = |last| requests.begin(client(last));
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
