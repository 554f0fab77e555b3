//! Asking a domain who may publish: the only requests of the registry whose destination a stranger chooses.
//!
//! The four places of a domain are asked at once. Addresses are resolved once, special-purpose addresses are refused
//! (`ranges`), and the address that was checked is the one that is dialled, so a second DNS answer changes nothing. TLS is
//! verified, redirects are not followed, bytes and time are bounded. TXT counts if it is validated, and with several
//! resolvers, if all of them say the same. `cargo_namespaces::domain_view` says what the answers mean; no answer is not a yes.
//!
//! One question serves all who want to know the same. [`queue`] decides who may have a domain asked.

mod dial;
pub mod answer;
pub mod queue;
mod ranges;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::clock;
use cargo_namespaces_net::client::{Client, ClientOptions};
use cargo_namespaces_net::domain::Probe;
use cargo_namespaces_net::resolver::Resolver;
use tokio::sync::watch;

use crate::config::Validation;
use crate::dev::domains::Domains;
use answer::DomainAnswer;
use dial::{DialRules, PublicHosts};
use queue::{Asker, Permit, QueueFull, Queues};

/// How long an answer serves others, such as the members of one workspace that are published in a row.
const FRESH: Duration = Duration::from_secs(2);
/// The least time between two questions to a domain, so that no stranger can flood it through the registry.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a connection to a domain may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Most domains that are remembered: each may have two documents of 64 KiB. Not a cache that lets go of anything: a domain that is
/// forgotten while it is being asked would be asked twice.
const MOST_REMEMBERED: usize = 256;

/// What is known of a domain, and the question that is under way.
#[derive(Debug, Default)]
struct State {
    last: Option<Last>,
    /// Closed when there is an answer.
    asking: Option<watch::Receiver<()>>,
}

#[derive(Debug)]
struct Last {
    began: Instant,
    ended: Instant,
    answer: Arc<DomainAnswer>,
}

type Slot = Arc<Mutex<State>>;

#[derive(Debug)]
pub struct Validator {
    network: Arc<DomainNetwork>,
    /// The domains of a development registry, which answers for them itself and asks nobody.
    domains: Option<Domains>,
    queues: Queues,
    slots: Mutex<HashMap<Namespace, Slot>>,
}

/// What a question needs.
#[derive(Debug)]
struct DomainNetwork {
    client: Client,
    resolvers: Vec<Resolver>,
    rules: DialRules,
}

/// The next step of a question.
enum Next {
    Known(Arc<DomainAnswer>),
    /// The domain is being asked for somebody else.
    Wait(watch::Receiver<()>),
    /// The domain must be asked, for which a turn is needed.
    Turn,
}

impl Validator {
    /// Makes a validator from the operator's settings, or with `domains`, that of a development registry.
    pub fn new(settings: &Validation, domains: Option<Domains>) -> Self {
        let resolver = |setting: &_| Resolver::with(Clone::clone(setting), settings.trust_anchor.clone());
        let network = DomainNetwork {
            client: client(settings),
            resolvers: settings.resolvers.iter().map(resolver).collect(),
            rules: DialRules { allow: settings.allow.clone(), port: settings.port },
        };
        Self { network: Arc::new(network), domains, queues: Queues::default(), slots: Mutex::default() }
    }

    /// The domains of a development registry.
    pub fn domains(&self) -> Option<&Domains> {
        self.domains.as_ref()
    }

    /// Returns what the domain says now about whether `key` may publish. All who wait for the same domain get the same answer. An
    /// answer to an earlier question is used only if `content` accepts it: who has just published a record must not be told what
    /// was there before.
    ///
    /// # Errors
    /// There is no turn for the question.
    pub async fn ask(
        &self,
        namespace: &Namespace,
        key: &PublicKey,
        asker: &Asker,
        content: impl Fn(&DomainView) -> bool,
    ) -> Result<Arc<DomainAnswer>, QueueFull> {
        if let Some(domains) = &self.domains {
            return Ok(Arc::new(domains.observe(namespace, key, asker.claims)));
        }
        let arrived = Instant::now();
        let slot = self.slot(namespace);
        let mut turn = None;
        loop {
            match self.next(namespace, &slot, arrived, &content, &mut turn) {
                Next::Known(answer) => return Ok(answer),
                // The channel is closed and never written to.
                Next::Wait(mut asking) => drop(asking.changed().await),
                // Taken before the question is marked as asked, so that nobody who waits for a turn blocks others.
                Next::Turn => turn = Some(self.queues.place(asker, namespace).await?),
            }
        }
    }

    fn next(
        &self,
        namespace: &Namespace,
        slot: &Slot,
        arrived: Instant,
        content: impl Fn(&DomainView) -> bool,
        turn: &mut Option<Permit>,
    ) -> Next {
        let mut state = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Last { began, ended, answer }) = &state.last {
            let recent = ended.elapsed() < FRESH;
            if *began >= arrived || recent && content(&answer.view) {
                return Next::Known(Arc::clone(answer));
            }
        }
        if let Some(asking) = state.asking.as_ref().filter(|asking| asking.has_changed().is_ok()) {
            return Next::Wait(asking.clone());
        }
        let Some(turn) = turn.take() else { return Next::Turn };
        let (asked, asking) = watch::channel(());
        state.asking = Some(asking.clone());
        let rest = state.last.as_ref().map(|last| PAUSE.saturating_sub(last.began.elapsed()));
        let (network, namespace, slot) = (Arc::clone(&self.network), namespace.clone(), Arc::clone(slot));
        // A task of its own: if the client of this request goes away, the others still get the answer.
        tokio::spawn(async move {
            tokio::time::sleep(rest.unwrap_or_default()).await;
            let began = Instant::now();
            let answer = Arc::new(network.ask(&namespace).await);
            let last = Last { began, ended: Instant::now(), answer };
            slot.lock().unwrap_or_else(PoisonError::into_inner).last = Some(last);
            drop((asked, turn));
        });
        Next::Wait(asking)
    }

    fn slot(&self, namespace: &Namespace) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST_REMEMBERED {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(namespace.clone()).or_default())
    }
}

/// The client of the registry. It dials a domain at addresses that were looked at, so no connection outlives its question.
pub fn client(settings: &Validation) -> Client {
    Client::new(ClientOptions {
        cainfo: settings.ca_file.clone(),
        connect_timeout: CONNECT,
        retries: 0,
        keep_connections: false,
        user_agent: Some(concat!("cargo-nsregistry/", env!("CARGO_PKG_VERSION")).to_owned()),
        ..ClientOptions::default()
    })
}

impl DomainNetwork {
    async fn ask(&self, namespace: &Namespace) -> DomainAnswer {
        let dialler = PublicHosts { client: &self.client, resolver: &self.resolvers[0], rules: &self.rules };
        let probe = Probe { fetch: &self.client, resolvers: &self.resolvers, dialler: &dialler };
        let observations = probe.results(namespace).await;
        let view = DomainView::from_observations(namespace, observations.clone());
        DomainAnswer { view, observations, at: clock::now() }
    }
}
