//! Asking a domain who may publish: the one place where the registry goes where a stranger sends it.
//!
//! The four places of a domain are asked at once. Addresses are resolved once, every special-purpose one is refused
//! ([`ranges`]), and the one that was looked at is the one that is dialled, so a second DNS answer changes nothing. TLS is
//! verified, redirects are not followed, bytes and time are bounded. TXT counts when it is validated, and where there are
//! several resolvers, when all of them say the same. What it means is for `cargo_namespaces::domain_view` to say: no answer is
//! not a yes.
//!
//! A domain is asked once for all who want to know the same; who may have one asked is for [`queue`] to say.

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

/// An answer this young serves whoever is content with it: the members of one workspace, published in a row.
const FRESH: Duration = Duration::from_secs(2);
/// The least time between two questions to a domain: a stranger must not hammer it through us.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a connection to a domain may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Most domains that are remembered, however shortly: each may have two documents of 64 KiB.
const MOST_REMEMBERED: usize = 256;

/// What is known of a domain, and the question that is under way.
#[derive(Debug, Default)]
struct State {
    last: Option<Last>,
    /// Closed when the answer is there.
    asking: Option<watch::Receiver<()>>,
}

#[derive(Debug)]
struct Last {
    began: Instant,
    ended: Instant,
    answer: Arc<DomainAnswer>,
}

type Slot = Arc<Mutex<State>>;

/// Asks domains.
#[derive(Debug)]
pub struct Validator {
    network: Arc<Network>,
    /// The domains that the registry answers for itself: then it goes nowhere.
    domains: Option<Domains>,
    queues: Queues,
    slots: Mutex<HashMap<Namespace, Slot>>,
}

/// What a question needs.
#[derive(Debug)]
struct Network {
    client: Client,
    resolvers: Vec<Resolver>,
    rules: DialRules,
}

/// What comes next for somebody who wants to know.
enum Next {
    Known(Arc<DomainAnswer>),
    /// Somebody else asks just now.
    Wait(watch::Receiver<()>),
    /// The domain must be asked, and a turn for that is needed.
    Turn,
}

impl Validator {
    /// A validator by the operator's settings; with `domains`, of a development registry.
    pub fn new(settings: &Validation, domains: Option<Domains>) -> Self {
        let resolver = |setting: &_| Resolver::with(Clone::clone(setting), settings.trust_anchor.clone());
        let network = Network {
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

    /// What the domain says now, about whether `key` may publish. Those who wait for the same domain get the same answer. One that was asked for before serves
    /// only those who are `content` with it: whoever has just put a record up must not be told what was there before.
    ///
    /// # Errors
    /// There is no turn for this one.
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
                // It is closed and never written to.
                Next::Wait(mut asking) => drop(asking.changed().await),
                // Without a turn nobody stands in the way of others who want to know the same.
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
        // Not part of the request: if its client goes away, others who wait get their answer.
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

impl Network {
    async fn ask(&self, namespace: &Namespace) -> DomainAnswer {
        let dialler = PublicHosts { client: &self.client, resolver: &self.resolvers[0], rules: &self.rules };
        let probe = Probe { fetch: &self.client, resolvers: &self.resolvers, dialler: &dialler };
        let observations = probe.results(namespace).await;
        let view = DomainView::from_observations(namespace, observations.clone());
        DomainAnswer { view, observations, at: clock::now() }
    }
}
