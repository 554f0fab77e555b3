//! Asking a domain who may publish: the one place where the registry goes where a stranger sends it.
//!
//! The four places of a domain are asked at once. Addresses are resolved once, every special-purpose one is refused
//! ([`ranges`]), and the one that was looked at is the one that is dialled, so a second DNS answer changes nothing. TLS is
//! verified, redirects are not followed, bytes and time are bounded. TXT counts when it is validated, and where there are
//! several resolvers, when all of them say the same. What it means is for `cargo_namespaces::verdict` to say: no answer is
//! not a yes.

mod agree;
mod dial;
mod ranges;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cargo_namespaces::client::{ClientOptions, HttpClient};
use cargo_namespaces::clock;
use cargo_namespaces::discovery::txt_names;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::resolver::{Resolver, TxtOutcome};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::verdict::{DomainView, Observation, Outcome, Place};
use tokio::sync::Semaphore;

use crate::config::Validation;
use dial::Dialler;

/// An answer this young serves whoever is content with it: the members of one workspace, published in a row.
const FRESH: Duration = Duration::from_secs(2);
/// The least time between two questions to a domain: a stranger must not hammer it through us.
const PAUSE: Duration = Duration::from_secs(1);
/// Most domains asked at a time: a flood of first publishes must not become a flood of ours.
const MOST_AT_ONCE: usize = 32;
/// Most domains that are remembered, however shortly.
const MOST_REMEMBERED: usize = 1000;

/// What a domain was seen to say.
#[derive(Debug)]
pub struct Observed {
    /// What it means.
    pub view: DomainView,
    /// What came back from each place.
    pub observations: Vec<Observation>,
    /// When.
    pub at: Timestamp,
}

/// The last answer of a domain, and when the question began.
type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Arc<Observed>)>>>;

/// Asks domains.
#[derive(Debug)]
pub struct Validator {
    resolvers: Arc<Vec<Resolver>>,
    transport: Arc<HttpClient>,
    dialler: Arc<Dialler>,
    places: Semaphore,
    slots: Mutex<HashMap<Namespace, Slot>>,
}

impl Validator {
    /// A validator by the operator's settings.
    pub fn new(settings: &Validation) -> Self {
        let resolver = |setting: &_| Resolver::with(Clone::clone(setting), settings.trust_anchor.clone());
        let options = ClientOptions { cainfo: settings.ca_file.clone(), ..ClientOptions::default() };
        Self {
            resolvers: Arc::new(settings.resolvers.iter().map(resolver).collect()),
            transport: Arc::new(HttpClient::new(options)),
            dialler: Arc::new(Dialler::new(settings)),
            places: Semaphore::new(MOST_AT_ONCE),
            slots: Mutex::default(),
        }
    }

    /// What the domain says now. Those who wait for the same domain get the same answer. An older one serves only those who
    /// are `content` with it: whoever has just put a record up must not be told what was there before.
    pub async fn ask(&self, namespace: &Namespace, content: impl Fn(&DomainView) -> bool) -> Arc<Observed> {
        let arrived = Instant::now();
        let slot = self.slot(namespace);
        let mut last = slot.lock().await;
        if let Some((began, observed)) = last.as_ref() {
            if *began >= arrived || began.elapsed() < FRESH && content(&observed.view) {
                return Arc::clone(observed);
            }
            tokio::time::sleep(PAUSE.saturating_sub(began.elapsed())).await;
        }
        let _place = self.places.acquire().await;
        let began = Instant::now();
        let observations = self.observe(namespace).await;
        let view = DomainView::from_observations(namespace, observations.clone());
        let observed = Arc::new(Observed { view, observations, at: clock::now() });
        *last = Some((began, Arc::clone(&observed)));
        observed
    }

    fn slot(&self, namespace: &Namespace) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST_REMEMBERED {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(namespace.clone()).or_default())
    }

    async fn observe(&self, namespace: &Namespace) -> Vec<Observation> {
        let (txt, [json, publishers]) = tokio::join!(self.txt(namespace), self.documents(namespace));
        let mut txt = txt.into_iter();
        let mut next = || txt.next().unwrap_or_else(|| Outcome::Failed("not asked".to_owned()));
        let outcomes = [json, publishers, next(), next()];
        let observation = |(place, outcome)| Observation { place, outcome };
        Place::ALL.into_iter().zip(outcomes).map(observation).collect()
    }

    async fn txt(&self, namespace: &Namespace) -> Vec<Outcome> {
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

    async fn documents(&self, namespace: &Namespace) -> [Outcome; 2] {
        let (resolvers, transport) = (Arc::clone(&self.resolvers), Arc::clone(&self.transport));
        let host = namespace.to_string();
        let lookup =
            tokio::task::spawn_blocking(move || resolvers[0].lookup_addresses(&host, &*transport)).await;
        let addresses = lookup.unwrap_or_else(|_| Err("the DNS lookup ended early".to_owned()));
        match addresses.and_then(|found| self.dialler.admit(namespace, &found)) {
            Ok(addresses) => self.dialler.documents(namespace, &addresses).await,
            Err(problem) => [Outcome::Failed(problem.clone()), Outcome::Failed(problem)],
        }
    }
}
