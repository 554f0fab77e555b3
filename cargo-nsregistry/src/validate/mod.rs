//! Asking a domain who may publish: the one place where the registry goes where a stranger sends it.
//!
//! The four places of a domain are asked at once. Addresses are resolved once, every special-purpose one is refused
//! ([`ranges`]), and the one that was looked at is the one that is dialled, so a second DNS answer changes nothing. TLS is
//! verified, redirects are not followed, bytes and time are bounded. TXT counts when it is validated, and where there are
//! several resolvers, when all of them say the same. What it means is for `cargo_namespaces::domain_view` to say: no answer is
//! not a yes.
//!
//! A domain is asked once for all who want to know the same; who may have one asked is for [`queue`] to say.

mod agree;
mod dial;
pub mod queue;
mod ranges;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cargo_namespaces::discovery::txt_names;
use cargo_namespaces::domain_view::{DomainView, ProbeOutcome, ProbeResult, RecordPlace};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use cargo_namespaces_net::client::{ClientOptions, HttpClient};
use cargo_namespaces_net::resolver::{Resolver, TxtOutcome};
use tokio::sync::watch;

use crate::config::Validation;
use crate::dev::domains::Domains;
use dial::Dialler;
use queue::{Asker, Full, Place as Turn, Queues};

/// An answer this young serves whoever is content with it: the members of one workspace, published in a row.
const FRESH: Duration = Duration::from_secs(2);
/// The least time between two questions to a domain: a stranger must not hammer it through us.
const PAUSE: Duration = Duration::from_secs(1);
/// Most domains that are remembered, however shortly: each may have two documents of 64 KiB.
const MOST_REMEMBERED: usize = 256;

/// What a domain was seen to say.
#[derive(Debug)]
pub struct Observed {
    /// What it means.
    pub view: DomainView,
    /// What came back from each place.
    pub observations: Vec<ProbeResult>,
    /// When.
    pub at: Timestamp,
}

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
    observed: Arc<Observed>,
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
    resolvers: Arc<Vec<Resolver>>,
    transport: Arc<HttpClient>,
    dialler: Arc<Dialler>,
}

/// What comes next for somebody who wants to know.
enum Next {
    Known(Arc<Observed>),
    /// Somebody else asks just now.
    Wait(watch::Receiver<()>),
    /// The domain must be asked, and a turn for that is needed.
    Turn,
}

impl Validator {
    /// A validator by the operator's settings; with `domains`, of a development registry.
    pub fn new(settings: &Validation, domains: Option<Domains>) -> Self {
        let resolver = |setting: &_| Resolver::with(Clone::clone(setting), settings.trust_anchor.clone());
        let options = ClientOptions { cainfo: settings.ca_file.clone(), ..ClientOptions::default() };
        let network = Network {
            resolvers: Arc::new(settings.resolvers.iter().map(resolver).collect()),
            transport: Arc::new(HttpClient::new(options)),
            dialler: Arc::new(Dialler::new(settings)),
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
    ) -> Result<Arc<Observed>, Full> {
        if let Some(domains) = &self.domains {
            return Ok(Arc::new(domains.observe(namespace, key, asker.claims)));
        }
        let arrived = Instant::now();
        let slot = self.slot(namespace);
        let mut turn = None;
        loop {
            match self.next(namespace, &slot, arrived, &content, &mut turn) {
                Next::Known(observed) => return Ok(observed),
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
        turn: &mut Option<Turn>,
    ) -> Next {
        let mut state = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Last { began, ended, observed }) = &state.last {
            let recent = ended.elapsed() < FRESH;
            if *began >= arrived || recent && content(&observed.view) {
                return Next::Known(Arc::clone(observed));
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
            let observed = Arc::new(network.ask(&namespace).await);
            let last = Last { began, ended: Instant::now(), observed };
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

impl Network {
    async fn ask(&self, namespace: &Namespace) -> Observed {
        let observations = self.observe(namespace).await;
        let view = DomainView::from_observations(namespace, observations.clone());
        Observed { view, observations, at: clock::now() }
    }

    async fn observe(&self, namespace: &Namespace) -> Vec<ProbeResult> {
        let (txt, [json, publishers]) = tokio::join!(self.txt(namespace), self.documents(namespace));
        let mut txt = txt.into_iter();
        let mut next = || txt.next().unwrap_or_else(|| ProbeOutcome::Failed("not asked".to_owned()));
        let outcomes = [json, publishers, next(), next()];
        let observation = |(place, outcome)| ProbeResult { place, outcome };
        RecordPlace::ALL.into_iter().zip(outcomes).map(observation).collect()
    }

    async fn txt(&self, namespace: &Namespace) -> Vec<ProbeOutcome> {
        let names: Vec<String> = txt_names(namespace).into();
        let mut asked = Vec::new();
        for at in 0..self.resolvers.len() {
            let (resolvers, transport) = (Arc::clone(&self.resolvers), Arc::clone(&self.transport));
            let names = names.clone();
            asked.push(tokio::task::spawn_blocking(move || resolvers[at].lookup_txt(&names, &*transport)));
        }
        let mut answers = Vec::new();
        for lookup in asked {
            let lost = |_| vec![TxtOutcome::Failed("the DNS lookup ended early".to_owned()); 2];
            answers.push(lookup.await.unwrap_or_else(lost));
        }
        agree::all(answers)
    }

    async fn documents(&self, namespace: &Namespace) -> [ProbeOutcome; 2] {
        let (resolvers, transport) = (Arc::clone(&self.resolvers), Arc::clone(&self.transport));
        let host = namespace.to_string();
        let lookup =
            tokio::task::spawn_blocking(move || resolvers[0].lookup_addresses(&host, &*transport)).await;
        let addresses = lookup.unwrap_or_else(|_| Err("the DNS lookup ended early".to_owned()));
        match addresses.and_then(|found| self.dialler.admit(namespace, &found)) {
            Ok(addresses) => self.dialler.documents(namespace, &addresses).await,
            Err(problem) => [ProbeOutcome::Failed(problem.clone()), ProbeOutcome::Failed(problem)],
        }
    }
}
