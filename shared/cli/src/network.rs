//! The network of a command: one client and one resolver, and the runtime that they run in, behind calls that block.
//!
//! A command makes one [`Network`] and passes it on: one pool of connections, one set of TLS authorities, one cache of
//! addresses. Ctrl-C ends every call.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_net::client::{
    Client, ClientOptions, Outcome, Request, Retry, TransportError, TransportErrorKind,
};
use cargo_namespaces_net::domain::{AnyHost, Probe};
use cargo_namespaces_net::resolver::{LookupError, Resolver, ResolverSetting, TxtOutcome, ZoneCheck};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use crate::interrupt::{self, Interrupted};
use crate::settings::Settings;
use crate::shell::Shell;

/// How a private index answers whoever shows no token.
const UNAUTHORIZED: u16 = 401;
/// How often Ctrl-C is looked at while waiting.
const INTERRUPT_POLL: Duration = Duration::from_millis(50);

/// Something that carries requests, all of them at once: the [`Network`], or what stands in for it in a test.
pub trait Transport: Send + Sync {
    /// Carries all requests in parallel. Calls `done` on this thread as each ends, with its position, exactly once for each.
    fn fetch_each(&self, requests: Vec<Request>, done: &mut dyn FnMut(usize, Outcome));

    /// As [`Transport::fetch_each`]; returns the outcomes in the order of the requests.
    fn fetch(&self, requests: Vec<Request>) -> Vec<Outcome> {
        let urls: Vec<String> = requests.iter().map(|request| request.url.clone()).collect();
        let mut outcomes: Vec<Option<Outcome>> = urls.iter().map(|_| None).collect();
        self.fetch_each(requests, &mut |at, outcome| outcomes[at] = Some(outcome));
        outcomes.into_iter().zip(&urls).map(|(outcome, url)| outcome.unwrap_or_else(|| lost(url))).collect()
    }

    /// Carries one request.
    ///
    /// # Errors
    /// No whole answer arrived.
    fn fetch_one(&self, request: Request) -> Outcome {
        let url = request.url.clone();
        self.fetch(vec![request]).pop().unwrap_or_else(|| lost(&url))
    }
}

/// Carries requests, each answered with 401 once more with the token that `sign` returns for its position. A private index
/// answers so; only then is anybody asked for a key. Where `sign` returns `None`, the first answer stays.
///
/// # Errors
/// The error of `sign`.
pub fn fetch_signing<E>(
    transport: &dyn Transport,
    requests: &[Request],
    mut sign: impl FnMut(usize) -> Result<Option<Zeroizing<String>>, E>,
) -> Result<Vec<Outcome>, E> {
    let mut outcomes = transport.fetch(requests.to_vec());
    let (mut positions, mut again) = (Vec::new(), Vec::new());
    for (at, request) in requests.iter().enumerate() {
        if matches!(&outcomes[at], Ok(response) if response.status == UNAUTHORIZED)
            && let Some(token) = sign(at)?
        {
            positions.push(at);
            again.push(request.clone().header("authorization", token.as_str()));
        }
    }
    for (at, outcome) in positions.into_iter().zip(transport.fetch(again)) {
        outcomes[at] = outcome;
    }
    Ok(outcomes)
}

fn lost(url: &str) -> Outcome {
    Err(TransportError::new(TransportErrorKind::Interrupted, url, ""))
}

/// A runtime that is made when it is first needed.
#[derive(Debug, Default)]
struct LazyRuntime(OnceLock<std::io::Result<Runtime>>);

impl Drop for LazyRuntime {
    /// Waits for nothing: a lookup by the system that hangs must not hold up the end of the command.
    fn drop(&mut self) {
        if let Some(Ok(runtime)) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Network<'s> {
    client: Client,
    resolver: [Resolver; 1],
    runtime: LazyRuntime,
    /// Told what is tried again: once for each host and number of tries left, for of hundreds of downloads from one host all fail
    /// when it does.
    shell: Option<&'s Shell>,
    said: Mutex<BTreeSet<(String, u32)>>,
}

impl Network<'static> {
    /// The network by the user's settings. Nothing is set up yet.
    pub fn new(settings: &Settings) -> Self {
        Self::of(settings.http.clone(), settings.resolver())
    }

    /// The network with these options and the system's resolver.
    pub fn with_options(options: ClientOptions) -> Self {
        Self::of(options, Resolver::with(ResolverSetting::System, None))
    }

    fn of(options: ClientOptions, resolver: Resolver) -> Self {
        let (client, resolver) = (Client::new(options), [resolver]);
        Self { client, resolver, runtime: LazyRuntime::default(), shell: None, said: Mutex::default() }
    }

    /// The same, telling on `shell` what is tried again.
    #[must_use]
    pub fn telling(self, shell: &Shell) -> Network<'_> {
        Network { shell: Some(shell), ..self }
    }
}

impl Network<'_> {
    /// Returns what the domain of `namespace` says now. Every failure is part of the answer.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn view(&self, namespace: &Namespace) -> Result<DomainView, Interrupted> {
        self.views(std::slice::from_ref(namespace))?.pop().ok_or(Interrupted)
    }

    /// As [`Network::view`] for several namespaces, all in parallel and in their order.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn views(&self, namespaces: &[Namespace]) -> Result<Vec<DomainView>, Interrupted> {
        let probe = Probe { fetch: &self.client, resolvers: &self.resolver, dialler: &AnyHost };
        match self.wait(probe.views(namespaces)) {
            Ok(views) => Ok(views),
            Err(NotRun::Interrupted) => Err(Interrupted),
            // As every other failure: no place could be asked.
            Err(NotRun::NoRuntime(_)) => Ok(namespaces
                .iter()
                .map(|namespace| DomainView::from_observations(namespace, Vec::new()))
                .collect()),
        }
    }

    /// Returns the TXT records at each name, in the order asked.
    pub fn lookup_txt(&self, names: &[String]) -> Vec<TxtOutcome> {
        let failed = |problem: NotRun| vec![TxtOutcome::Failed(problem.to_string()); names.len()];
        self.wait(self.resolver[0].lookup_txt(names, &self.client)).unwrap_or_else(failed)
    }

    /// Asks the authoritative servers of the zone that `name` is in for its TXT records.
    ///
    /// # Errors
    /// The zone or its servers cannot be found.
    pub fn check_zone(&self, name: &str) -> Result<ZoneCheck, LookupError> {
        let failed = |problem: NotRun| Err(LookupError::new(problem.to_string()));
        self.wait(self.resolver[0].check_zone(name, &self.client)).unwrap_or_else(failed)
    }

    /// Returns the development registry, which answers for names below `localhost`.
    pub fn dev_registry(&self) -> Option<DevRegistry> {
        self.resolver[0].dev_registry()
    }

    /// Runs `work` to its end, or until Ctrl-C.
    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, NotRun> {
        let make = || Builder::new_current_thread().enable_all().build();
        match self.runtime.0.get_or_init(make) {
            Ok(runtime) => runtime.block_on(async {
                tokio::select! {
                    biased;
                    done = work => Ok(done),
                    () = interrupted() => Err(NotRun::Interrupted),
                }
            }),
            Err(problem) => Err(NotRun::NoRuntime(problem.to_string())),
        }
    }

    fn tell(&self, retry: Retry) {
        if let Some(shell) = self.shell {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.insert((retry.host.clone(), retry.remaining)) {
                shell.warn(retry);
            }
        }
    }
}

/// Why work was not run to its end.
#[derive(Debug, thiserror::Error)]
enum NotRun {
    #[error("interrupted")]
    Interrupted,
    /// The system gives no resources.
    #[error("{0}")]
    NoRuntime(String),
}

async fn interrupted() {
    while !interrupt::is_set() {
        tokio::time::sleep(INTERRUPT_POLL).await;
    }
}

impl Transport for Network<'_> {
    fn fetch_each(&self, requests: Vec<Request>, done: &mut dyn FnMut(usize, Outcome)) {
        let urls: Vec<String> = requests.iter().map(|request| request.url.clone()).collect();
        let mut ended = vec![false; urls.len()];
        let mut report = |at: usize, outcome| {
            ended[at] = true;
            done(at, outcome);
        };
        let run = self.wait(self.client.fetch_each(requests, &mut report, &mut |retry| self.tell(retry)));
        for (at, url) in urls.iter().enumerate().filter(|(at, _)| !ended[*at]) {
            let outcome = match &run {
                Err(NotRun::NoRuntime(problem)) => {
                    Err(TransportError::new(TransportErrorKind::SetUp, url, problem))
                }
                _ => lost(url),
            };
            done(at, outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_every_request_ends_and_no_connection_is_made() {
        let network = Network::with_options(ClientOptions { offline: true, ..ClientOptions::default() });
        let requests = (0..40).map(|at| Request::document(format!("https://a.example/{at}"))).collect();
        for outcome in network.fetch(requests) {
            assert_eq!(outcome.unwrap_err().kind, TransportErrorKind::Offline);
        }
    }

    #[test]
    fn what_is_made_and_not_used_costs_no_runtime() {
        let network = Network::with_options(ClientOptions::default());
        assert!(network.runtime.0.get().is_none());
    }
}
