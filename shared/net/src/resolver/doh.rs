//! TXT lookups over HTTPS (RFC 8484), carried by the common client: same proxy, same authorities.
//!
//! The service is the one that the user configured, and TLS says that it is the one; so its answers are believed as they
//! come, without signatures.

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};

use super::{TxtOutcome, parse_name, txt_at, wire};
use crate::client::{Fetch, Outcome, Request};
use cargo_namespaces::limits;

pub(super) const MEDIA_TYPE: &str = "application/dns-message";

pub(super) async fn lookup_txt(url: &str, names: &[String], fetch: &impl Fetch) -> Vec<TxtOutcome> {
    let mut owners = Vec::new();
    let mut requests = Vec::new();
    for name in names {
        let encoded = parse_name(name).ok().and_then(|owner| {
            let query = Query::query(owner.clone(), RecordType::TXT);
            Some((owner, wire::encode(query).ok()?))
        });
        owners.push(encoded.map(|(owner, body)| {
            let mut request = Request::post(url, MEDIA_TYPE, body).header("accept", MEDIA_TYPE);
            request.timeout = limits::DNS_TIMEOUT;
            requests.push(request);
            owner
        }));
    }
    let carried = requests.into_iter().map(|request| fetch.fetch(request));
    let mut outcomes = futures_util::future::join_all(carried).await.into_iter();
    let mut next = |owner: Option<Name>, name: &String| match (owner, name) {
        (None, name) => TxtOutcome::Failed(format!("`{name}` is not a DNS name")),
        (Some(owner), name) => match outcomes.next() {
            Some(outcome) => read(name, owner, outcome),
            None => TxtOutcome::Failed(format!("no answer about `{name}`")),
        },
    };
    owners.into_iter().zip(names).map(|(owner, name)| next(owner, name)).collect()
}

fn read(name: &str, owner: Name, outcome: Outcome) -> TxtOutcome {
    let response = match outcome {
        Ok(response) if response.status == 200 => response,
        Ok(response) => {
            let (url, status) = (&response.url, response.status);
            return TxtOutcome::Failed(format!("`{url}` answered with HTTP status {status}"));
        }
        Err(error) => return TxtOutcome::Failed(error.to_string()),
    };
    let Ok(answer) = Message::from_vec(response.bytes()) else {
        return TxtOutcome::Failed(format!("`{}` did not answer with a DNS message", response.url));
    };
    match answer.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => {}
        code => {
            let url = &response.url;
            return TxtOutcome::Failed(format!("`{url}` answers \"{code}\" about `{name}`"));
        }
    }
    if answer.queries.first().is_none_or(|query| *query.name() != owner) {
        return TxtOutcome::Failed(format!("`{}` answered another question", response.url));
    }
    // The service resolves aliases itself; what proofs it has seen is its business.
    let mut proof = hickory_resolver::proto::dnssec::Proof::Secure;
    let target = super::follow_aliases(&answer, owner, &mut proof);
    let records = txt_at(&answer, &target, &mut proof);
    if records.is_empty() { TxtOutcome::Absent } else { TxtOutcome::Records(records) }
}
