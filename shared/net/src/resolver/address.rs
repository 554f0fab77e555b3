//! The addresses of a host, for those who dial a stranger's host themselves.
//!
//! A broken chain of signatures fails. An unsigned zone does not: whether the right host was reached is for TLS to prove.

use std::net::IpAddr;

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::{LookupError, MAX_ALIASES, Validating, ask, doh, follow_aliases, parse_name, proven, wire};
use crate::client::{Fetch, Request};
use cargo_namespaces::limits;

/// Both kinds, IPv4 first.
const KINDS: [RecordType; 2] = [RecordType::A, RecordType::AAAA];

/// The addresses of `host` by validated lookups.
pub(super) async fn validated(handle: &Validating, host: &str) -> Result<Vec<IpAddr>, LookupError> {
    let mut found = Vec::new();
    for kind in KINDS {
        let lookup = tokio::time::timeout(limits::DNS_TIMEOUT, one_kind(handle, host, kind));
        found.extend(lookup.await.map_err(|_| LookupError(format!("no answer about `{host}` in time")))??);
    }
    Ok(found)
}

async fn one_kind(handle: &Validating, host: &str, kind: RecordType) -> Result<Vec<IpAddr>, LookupError> {
    let mut owner = parse_name(host).map_err(|_| LookupError(format!("`{host}` is not a DNS name")))?;
    let mut proof = Proof::Secure;
    for _ in 0..=MAX_ALIASES {
        let answer = match ask(handle, Query::query(owner.clone(), kind)).await {
            Ok(answer) => answer,
            Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => {
                match proven::at(response.into_message(), &owner, kind) {
                    Some(answer) => answer,
                    None if !proof.is_bogus() => return Ok(Vec::new()),
                    None => {
                        return Err(LookupError(format!("the DNSSEC signatures of `{host}` are not valid")));
                    }
                }
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => return Ok(Vec::new()),
            Err(error) => return Err(LookupError(format!("`{host}` is not found: {error}"))),
        };
        let asked = owner.clone();
        owner = follow_aliases(&answer, owner, &mut proof);
        let found = at(&answer, &owner, &mut proof);
        if proof == Proof::Bogus {
            return Err(LookupError(format!("the DNSSEC signatures of `{host}` are not valid")));
        }
        if !found.is_empty() || owner == asked {
            return Ok(found);
        }
    }
    Err(LookupError(format!("`{host}` leads through more than {MAX_ALIASES} aliases")))
}

fn at(answer: &Message, owner: &Name, proof: &mut Proof) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for record in answer.answers.iter().filter(|record| record.name == *owner) {
        let address = match &record.data {
            RData::A(address) => IpAddr::V4(address.0),
            RData::AAAA(address) => IpAddr::V6(address.0),
            _ => continue,
        };
        *proof = super::weaker(*proof, record.proof);
        found.push(address);
    }
    found
}

/// The addresses of `host` by the word of a DoH service.
pub(super) async fn by_doh(url: &str, host: &str, fetch: &impl Fetch) -> Result<Vec<IpAddr>, LookupError> {
    let owner = parse_name(host).map_err(|_| LookupError(format!("`{host}` is not a DNS name")))?;
    let mut requests = Vec::new();
    for kind in KINDS {
        let body = wire::encode(Query::query(owner.clone(), kind))
            .map_err(|error| LookupError(error.to_string()))?;
        let mut request = Request::post(url, doh::MEDIA_TYPE, body).header("accept", doh::MEDIA_TYPE);
        request.timeout = limits::DNS_TIMEOUT;
        requests.push(request);
    }
    let mut found = Vec::new();
    let carried = requests.into_iter().map(|request| fetch.fetch(request));
    for outcome in futures_util::future::join_all(carried).await {
        let response = outcome.map_err(|error| LookupError(error.to_string()))?;
        let answer = Message::from_vec(response.bytes());
        let answer = answer.map_err(|_| LookupError(format!("`{url}` did not answer with a DNS message")))?;
        match answer.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => {}
            code => return Err(LookupError(format!("`{url}` answers \"{code}\" about `{host}`"))),
        }
        let mut proof = Proof::Secure;
        let target = follow_aliases(&answer, owner.clone(), &mut proof);
        found.extend(at(&answer, &target, &mut proof));
    }
    Ok(found)
}
