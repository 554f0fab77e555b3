//! The probe of a domain: what it says about its namespace, asked in four places at once, in bounded time.
//!
//! The commands and the registry ask the same questions with the same limits. What differs is injected: the [`Dialler`], which
//! says whether the host may be contacted, and the resolvers, of which a registry may have several. What came from where becomes a
//! [`ProbeResult`]; what it means is decided by [`cargo_namespaces::domain_view`].
//!
//! A redirect is not followed: whoever answers for `https://<domain>/` must answer there. For names below `localhost` a
//! development registry answers, where one is configured.

mod agree;

use cargo_namespaces::discovery::{cargo_publishers_url, txt_names, well_known_json_url};
use cargo_namespaces::domain_view::{DomainView, ProbeOutcome, ProbeResult, RecordPlace};
use cargo_namespaces::limits;
use cargo_namespaces::name::Namespace;
use futures_util::future::join_all;

use crate::client::{Fetch, Outcome, Pinned, Request, TransportErrorKind};
use crate::resolver::Resolver;

/// Decides whether the host of a domain may be contacted, and at which addresses.
pub trait Dialler: Sync {
    /// Returns the addresses that the client dials while they are held; `None` leaves that to the client.
    ///
    /// # Errors
    /// The host may not be contacted.
    fn admit(&self, namespace: &Namespace) -> impl Future<Output = Result<Option<Pinned>, DialError>> + Send;
}

/// Why a host is not contacted, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DialError(pub String);

/// The dialler of the commands: every host, as the system or the proxy finds it.
#[derive(Clone, Copy, Debug)]
pub struct AnyHost;

impl Dialler for AnyHost {
    async fn admit(&self, _: &Namespace) -> Result<Option<Pinned>, DialError> {
        Ok(None)
    }
}

#[derive(Debug)]
pub struct Probe<'a, F, D> {
    /// Carries the requests for documents, and for DoH.
    pub fetch: &'a F,
    /// Those that are asked for TXT records; what only some of them say does not count.
    pub resolvers: &'a [Resolver],
    /// Says which hosts may be contacted.
    pub dialler: &'a D,
}

impl<F: Fetch, D: Dialler> Probe<'_, F, D> {
    /// Returns what the domains of `namespaces` say now, in their order. Every failure is part of the answer.
    pub async fn views(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        let dev = self.resolvers.first().and_then(Resolver::dev_registry);
        let all = join_all(namespaces.iter().map(|namespace| self.results(namespace))).await;
        let views = namespaces.iter().zip(all);
        views.map(|(namespace, results)| DomainView::seen_by(dev, namespace, results)).collect()
    }

    /// Returns what each of the four places answers.
    pub async fn results(&self, namespace: &Namespace) -> Vec<ProbeResult> {
        let ([json, publishers], [apex, label]) =
            tokio::join!(self.documents(namespace), self.txt(namespace));
        let outcomes = [json, publishers, apex, label];
        let result = |(place, outcome)| ProbeResult { place, outcome };
        RecordPlace::ALL.into_iter().zip(outcomes).map(result).collect()
    }

    async fn txt(&self, namespace: &Namespace) -> [ProbeOutcome; 2] {
        let names = txt_names(namespace);
        let lookups = self.resolvers.iter().map(|resolver| resolver.lookup_txt(&names, self.fetch));
        let mut found = agree::all(join_all(lookups).await).into_iter();
        let mut next = || found.next().unwrap_or_else(|| ProbeOutcome::Failed("not asked".to_owned()));
        [next(), next()]
    }

    async fn documents(&self, namespace: &Namespace) -> [ProbeOutcome; 2] {
        let _pinned = match self.dialler.admit(namespace).await {
            Ok(pinned) => pinned,
            Err(error) => return [0; 2].map(|_| ProbeOutcome::Failed(error.to_string())),
        };
        let dev = self.resolvers.first().and_then(Resolver::dev_registry);
        let document = async |url: String| {
            let request = Request { timeout: limits::PROBE_TIMEOUT, ..Request::document(url) };
            document_outcome(self.fetch.fetch(request).await)
        };
        let json = document(well_known_json_url(namespace, dev));
        let publishers = document(cargo_publishers_url(namespace, dev));
        let (json, publishers) = tokio::join!(json, publishers);
        [json, publishers]
    }
}

/// Whoever reads it is told of which document it is, so the reasons do not repeat the URL.
fn document_outcome(outcome: Outcome) -> ProbeOutcome {
    let reason = match outcome {
        Ok(response) => match response.status {
            200 => return ProbeOutcome::Document(response.into_bytes()),
            404 | 410 => return ProbeOutcome::Absent,
            300..=399 => {
                let to = response.location.map(|to| format!(" to `{to}`")).unwrap_or_default();
                format!("it redirects{to}; the document must be at this URL")
            }
            status => format!("it answered with HTTP status {status}"),
        },
        Err(error) => match error.kind {
            TransportErrorKind::Offline => "the command runs offline".to_owned(),
            TransportErrorKind::TooLarge => format!("it is larger than {} bytes", limits::MAX_DOCUMENT),
            _ => error.to_string(),
        },
    };
    ProbeOutcome::Failed(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Response, TransportError};
    use crate::resolver::ResolverSetting;

    /// A web where every document is 404 but those of `serde.rs`, which redirect.
    struct Web;

    impl Fetch for Web {
        async fn fetch(&self, request: Request) -> Outcome {
            assert_eq!(request.timeout, limits::PROBE_TIMEOUT);
            let status = if request.url.contains("serde.rs") { 301 } else { 404 };
            let location = Some("https://www.serde.rs/".to_owned());
            Ok(Response { location, ..Response::in_memory(&request.url, status, "") })
        }
    }

    struct Nowhere;

    impl Dialler for Nowhere {
        async fn admit(&self, namespace: &Namespace) -> Result<Option<Pinned>, DialError> {
            Err(DialError(format!("`{namespace}` leads inside")))
        }
    }

    fn documents(namespace: &str, dialler: &impl Dialler) -> Vec<ProbeOutcome> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let resolvers = [Resolver::with(ResolverSetting::System, None).offline(true)];
        let probe = Probe { fetch: &Web, resolvers: &resolvers, dialler };
        let namespace = Namespace::parse(namespace).unwrap();
        let results = runtime.block_on(probe.results(&namespace));
        assert_eq!(results.iter().map(|result| result.place).collect::<Vec<_>>(), RecordPlace::ALL);
        results.into_iter().take(2).map(|result| result.outcome).collect()
    }

    #[test]
    fn documents_are_read_where_they_stand() {
        assert_eq!(documents("rust-lang.org", &AnyHost), [ProbeOutcome::Absent, ProbeOutcome::Absent]);
        for outcome in documents("serde.rs", &AnyHost) {
            let ProbeOutcome::Failed(reason) = outcome else { panic!("{outcome:?}") };
            assert_eq!(reason, "it redirects to `https://www.serde.rs/`; the document must be at this URL");
        }
    }

    #[test]
    fn a_host_that_is_not_admitted_is_asked_nothing() {
        for outcome in documents("rust-lang.org", &Nowhere) {
            assert_eq!(outcome, ProbeOutcome::Failed("`rust-lang.org` leads inside".to_owned()));
        }
    }

    #[test]
    fn failures_are_told_without_the_url() {
        let failed = |kind| document_outcome(Err(TransportError::new(kind, "https://a.example/x", "")));
        let offline = ProbeOutcome::Failed("the command runs offline".to_owned());
        assert_eq!(failed(TransportErrorKind::Offline), offline);
        let large = ProbeOutcome::Failed("it is larger than 65536 bytes".to_owned());
        assert_eq!(failed(TransportErrorKind::TooLarge), large);
    }
}
