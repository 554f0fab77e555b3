//! Asking a domain what it says about its namespace: four places at once, in bounded time.
//!
//! The two HTTPS documents are fetched while the two TXT names are looked up. What came from where is handed to
//! [`cargo_namespaces::domain_view`] as it is; what it means is decided there. A redirect is not followed: whoever answers for
//! `https://<domain>/` must answer there. For names below `localhost` a development registry answers, where one is named.

use crate::client::{Outcome as Fetched, Request, Transport, TransportErrorKind};
use crate::interrupt::{self, Interrupted};
use crate::resolver::{Resolver, TxtOutcome};
use cargo_namespaces::discovery::{cargo_publishers_url, txt_names, well_known_json_url};
use cargo_namespaces::domain_view::{DomainView, ProbeOutcome, ProbeResult, RecordPlace};
use cargo_namespaces::limits;
use cargo_namespaces::name::Namespace;

/// What the domain of `namespace` says now. Every failure is part of the answer.
///
/// # Errors
/// Ctrl-C.
pub fn gather(
    namespace: &Namespace,
    transport: &dyn Transport,
    resolver: &Resolver,
) -> Result<DomainView, Interrupted> {
    let mut views = gather_all(std::slice::from_ref(namespace), transport, resolver)?;
    views.pop().ok_or(Interrupted)
}

/// As [`gather`] for several namespaces, all in parallel and in their order.
///
/// # Errors
/// Ctrl-C.
pub fn gather_all(
    namespaces: &[Namespace],
    transport: &dyn Transport,
    resolver: &Resolver,
) -> Result<Vec<DomainView>, Interrupted> {
    let dev = resolver.dev_registry();
    let documents = namespaces
        .iter()
        .flat_map(|namespace| [well_known_json_url(namespace, dev), cargo_publishers_url(namespace, dev)])
        .map(|url| {
            let mut request = Request::document(url);
            request.timeout = limits::DOCUMENT_TIMEOUT;
            request
        })
        .collect();
    let names: Vec<String> = namespaces.iter().flat_map(txt_names).collect();
    let (documents, records) = std::thread::scope(|scope| {
        let lookup = scope.spawn(|| resolver.lookup_txt(&names, transport));
        let documents = transport.fetch(documents);
        let lost = || vec![TxtOutcome::Failed("the DNS lookup ended early".to_owned()); names.len()];
        (documents, lookup.join().unwrap_or_else(|_| lost()))
    });
    interrupt::check()?;
    let (mut documents, mut records) = (documents.into_iter(), records.into_iter());
    let missing = || ProbeOutcome::Failed("not asked".to_owned());
    let views = namespaces.iter().map(|namespace| {
        let mut document = || documents.next().map_or_else(missing, document_outcome);
        let (json, publishers) = (document(), document());
        let mut txt = || records.next().map_or_else(missing, txt_outcome);
        let (apex, label) = (txt(), txt());
        let observations = [json, publishers, apex, label];
        let observations = RecordPlace::ALL.into_iter().zip(observations);
        let observations = observations.map(|(place, outcome)| ProbeResult { place, outcome });
        DomainView::seen_by(dev, namespace, observations.collect())
    });
    Ok(views.collect())
}

fn document_outcome(fetched: Fetched) -> ProbeOutcome {
    match fetched {
        Ok(response) => match response.status {
            200 => ProbeOutcome::Document(response.into_bytes()),
            404 | 410 => ProbeOutcome::Absent,
            300..=399 => {
                let to = response.location.unwrap_or_else(|| "elsewhere".to_owned());
                ProbeOutcome::Failed(format!(
                    "`{}` redirects to `{to}`; the document must stand there itself",
                    response.url
                ))
            }
            status => ProbeOutcome::Failed(format!("`{}` answered with HTTP status {status}", response.url)),
        },
        Err(error) if error.kind == TransportErrorKind::Offline => {
            ProbeOutcome::Failed("the command runs offline".to_owned())
        }
        Err(error) => ProbeOutcome::Failed(error.to_string()),
    }
}

fn txt_outcome(found: TxtOutcome) -> ProbeOutcome {
    match found {
        TxtOutcome::Records(records) => ProbeOutcome::Txt(records),
        TxtOutcome::Absent => ProbeOutcome::Absent,
        TxtOutcome::Insecure(reason) => ProbeOutcome::Unusable(reason),
        TxtOutcome::Bogus(reason) | TxtOutcome::Failed(reason) => ProbeOutcome::Failed(reason),
    }
}
