//! The queues of questions to domains.
//!
//! A slow domain takes seconds to answer, and the client chooses the domain. So there are two queues, one for anonymous requests
//! and one for signed ones, such as publishes; neither takes places from the other. In both, one client (an address, a key, a
//! domain with its subdomains) has a limited number of places and of waiting turns. More is refused at once, because nobody
//! would wait for the end of an endless queue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client_address::ClientAddress;

/// How long a request waits for a turn: as long as two of the slowest domains take.
const WAIT: Duration = Duration::from_secs(30);
/// Most clients that are remembered without a question under way.
const MOST_REMEMBERED: usize = 4096;

/// Who wants a domain to be asked.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The client of the request.
    pub client: ClientAddress,
    /// The signer, if the request is signed.
    pub key: Option<PublicKey>,
    /// Whether an unclaimed domain of a development registry becomes the key's, which is so for a publish.
    pub claims: bool,
}

/// There is no turn for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueFull {
    /// The client waits for too many already.
    #[error(
        "too many domains are being asked for you at present: for your address, your key or this domain; try again in a while"
    )]
    Client,
    /// Others took too long.
    #[error("the registry asks as many domains as it can at present, for others; try again in a while")]
    Others,
}

impl QueueFull {
    /// When a refused client may try again: the slowest domain has answered by then.
    pub const RETRY_AFTER: Duration = Duration::from_secs(10);
}

/// The limits of one client.
#[derive(Clone, Copy, Debug)]
struct Limit {
    at_once: usize,
    waiting: usize,
}

/// One of the queues.
#[derive(Debug)]
struct Queue {
    all: Arc<Semaphore>,
    of_key: Limit,
    of_domain: Limit,
    of_address: Limit,
    clients: Mutex<HashMap<QueueClient, Arc<Turns>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum QueueClient {
    Key(PublicKey),
    Domain(String),
    Address(ClientAddress),
}

#[derive(Debug)]
struct Turns {
    places: Arc<Semaphore>,
    taken: AtomicUsize,
}

/// A turn of a client: a place, or the wait for one.
#[derive(Debug)]
struct Turn(Arc<Turns>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The permission to ask a domain, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _turns: Vec<(OwnedSemaphorePermit, Turn)>,
    _of_all: Option<OwnedSemaphorePermit>,
}

/// Both queues.
#[derive(Debug)]
pub(super) struct Queues {
    anonymous: Queue,
    signed: Queue,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            // Few, so that a flood of requests does not become a flood of questions.
            anonymous: Queue {
                all: Arc::new(Semaphore::new(16)),
                of_key: Limit { at_once: 0, waiting: 0 },
                of_domain: Limit { at_once: 2, waiting: 6 },
                of_address: Limit { at_once: 4, waiting: 8 },
                clients: Mutex::default(),
            },
            // One address, such as that of a company, may take most of the places, but not all.
            signed: Queue {
                all: Arc::new(Semaphore::new(128)),
                of_key: Limit { at_once: 4, waiting: 12 },
                of_domain: Limit { at_once: 4, waiting: 12 },
                of_address: Limit { at_once: 96, waiting: 64 },
                clients: Mutex::default(),
            },
        }
    }
}

impl Queues {
    /// Waits for a place.
    pub(super) async fn place(&self, asker: &Asker, namespace: &Namespace) -> Result<Permit, QueueFull> {
        let queue = if asker.key.is_some() { &self.signed } else { &self.anonymous };
        let waiting = queue.place(asker, namespace.registrable());
        tokio::time::timeout(WAIT, waiting).await.unwrap_or(Err(QueueFull::Others))
    }
}

impl Queue {
    /// Takes the narrowest share first, so that a request that waits for it holds no place of a wider one.
    async fn place(&self, asker: &Asker, domain: &str) -> Result<Permit, QueueFull> {
        let key = asker.key.map(|key| (QueueClient::Key(key), self.of_key));
        let domain = (QueueClient::Domain(domain.to_owned()), self.of_domain);
        let address = (QueueClient::Address(asker.client), self.of_address);
        let mut turns = Vec::new();
        for (client, limit) in key.into_iter().chain([domain, address]) {
            let turn = self.turn(client, limit)?;
            let place = Arc::clone(&turn.0.places).acquire_owned().await;
            turns.push((place.map_err(|_| QueueFull::Others)?, turn));
        }
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        Ok(Permit { _turns: turns, _of_all: of_all })
    }

    fn turn(&self, client: QueueClient, limit: Limit) -> Result<Turn, QueueFull> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MOST_REMEMBERED {
            clients.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        let turns = clients.entry(client).or_insert_with(|| {
            let places = Arc::new(Semaphore::new(limit.at_once));
            Arc::new(Turns { places, taken: AtomicUsize::new(0) })
        });
        // The lock is held: nobody else takes a turn in between.
        if turns.taken.load(Ordering::SeqCst) >= limit.at_once + limit.waiting {
            return Err(QueueFull::Client);
        }
        turns.taken.fetch_add(1, Ordering::SeqCst);
        Ok(Turn(Arc::clone(turns)))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use cargo_namespaces::key::SecretKey;
    use futures_util::FutureExt as _;
    use tokio::task::unconstrained;

    use super::*;

    fn asker(last: u8, signed: bool) -> Asker {
        let client = ClientAddress::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        Asker { client, key: signed.then(|| SecretKey::generate().unwrap().public()), claims: false }
    }

    fn domain(at: usize) -> Namespace {
        Namespace::parse(&format!("slow{at}.example")).unwrap()
    }

    /// Places of so many questions at the same moment, each to another domain; those that wait are given up.
    fn ask(queues: &Queues, asker: impl Fn(usize) -> Asker, many: usize) -> (Vec<Permit>, usize) {
        let asked = (0..many).map(|at| (asker(at), domain(at))).collect::<Vec<_>>();
        // Not stopped by tokio to let others run, of which there are none.
        let mut waiting: Vec<_> = asked
            .iter()
            .map(|(asker, domain)| Box::pin(unconstrained(queues.place(asker, domain))))
            .collect();
        let (mut places, mut refused) = (Vec::new(), 0);
        for place in &mut waiting {
            match place.now_or_never() {
                Some(Ok(place)) => places.push(place),
                Some(Err(QueueFull::Client)) => refused += 1,
                Some(Err(QueueFull::Others)) => panic!("nobody has waited yet"),
                None => {}
            }
        }
        (places, refused)
    }

    #[tokio::test]
    async fn a_flood_of_questions_is_cut_and_leaves_signed_ones_alone() {
        let queues = Queues::default();
        let (places, refused) = ask(&queues, |_| asker(1, false), 96);
        assert_eq!((places.len(), refused), (4, 84), "four at once, eight wait");
        let one = queues.place(&asker(1, true), &domain(500)).now_or_never();
        assert!(matches!(one, Some(Ok(_))), "of the same address, signed");
        let one = queues.place(&asker(2, false), &domain(500)).now_or_never();
        assert!(matches!(one, Some(Ok(_))), "of another address, not signed");
        drop(places);
        assert_eq!(ask(&queues, |_| asker(1, false), 96).0.len(), 4, "places come back");
    }

    #[tokio::test]
    async fn signatures_are_free_so_an_address_leaves_places_to_others() {
        let queues = Queues::default();
        let (places, _) = ask(&queues, |_| asker(1, true), 200);
        assert_eq!(places.len(), 96);
        let other = queues.place(&asker(2, true), &domain(500)).now_or_never();
        assert!(matches!(other, Some(Ok(_))));
    }

    #[tokio::test]
    async fn a_key_and_a_domain_with_its_subdomains_have_few_places_whatever_the_address() {
        let queues = Queues::default();
        let key = asker(1, true).key;
        let of_key = |at: usize| Asker { key, ..asker(u8::try_from(at).unwrap(), true) };
        assert_eq!(ask(&queues, of_key, 10).0.len(), 4);
        let sub = |at: u8| Namespace::parse(&format!("a{at}.slow.example")).unwrap();
        let mut places = Vec::new();
        for at in 0..10 {
            let (asker, sub) = (asker(at, true), sub(at));
            places.extend(queues.place(&asker, &sub).now_or_never());
        }
        assert_eq!(places.len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let queues = Queues::default();
        let (_places, _) = ask(&queues, |_| asker(1, false), 4);
        let late = queues.place(&asker(1, false), &domain(500)).await;
        assert!(matches!(late, Err(QueueFull::Others)));
    }
}
