//! What a zone's own servers say about a TXT name: for the owner who has just changed it.
//!
//! Resolvers keep old answers, also the answer that there is nothing. So the owner's question "did I do it right?" goes
//! past them, to each authoritative server; and the zone's SOA says how long others may go on believing that there is
//! nothing. Nothing here is validated, and nothing is trusted for it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::wire::{self, Wire};
use super::{LookupError, Resolver, ResolverSetting, parse_name, txt_at};
use crate::client::{Fetch, Request};
use cargo_namespaces::discovery::TxtRecord;
use cargo_namespaces::limits;

/// Most servers of a zone that are asked; more say nothing new.
const MAX_SERVERS: usize = 8;

/// A zone's own word about one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneCheck {
    /// The zone that the name is in.
    pub zone: String,
    /// How long a resolver may keep the answer that the name has no TXT records.
    pub negative_ttl: Duration,
    /// What each of its servers says.
    pub servers: Vec<ServerAnswer>,
}

/// What one authoritative server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAnswer {
    pub name: String,
    /// The address that was asked, if it has one.
    pub address: Option<IpAddr>,
    /// The TXT records, or why there is no answer.
    pub answer: Result<Vec<TxtRecord>, LookupError>,
}

impl Resolver {
    /// Asks the authoritative servers of the zone that `name` is in for its TXT records.
    ///
    /// # Errors
    /// The zone or its servers cannot be found; the reason, for a person.
    pub async fn check_zone(&self, name: &str, fetch: &impl Fetch) -> Result<ZoneCheck, LookupError> {
        if self.offline {
            return Err(LookupError::offline());
        }
        let owner = parse_name(name).map_err(|_| LookupError(format!("`{name}` is not a DNS name")))?;
        let asker = Asker { setting: &self.setting, wire: Wire::new(self.ready()?.servers.clone()), fetch };
        let (zone, negative_ttl) = asker.zone_of(&owner).await?;
        let mut servers = Vec::new();
        for server in names_of_servers(&asker.ask(&zone, RecordType::NS).await?, &zone) {
            let addresses = match asker.ask(&server, RecordType::A).await {
                Ok(addresses) => Ok(addresses),
                Err(_) => asker.ask(&server, RecordType::AAAA).await,
            };
            servers.push((server, addresses.ok().and_then(|answer| first_address(&answer))));
        }
        if servers.is_empty() {
            return Err(LookupError(format!("the zone `{zone}` names no servers")));
        }
        let servers = join_all(servers.into_iter().map(|one| asked(one, &owner)));
        let late = |_| LookupError("the zone's servers take too long".to_owned());
        let servers = tokio::time::timeout(limits::DNS_TIMEOUT * 2, servers).await.map_err(late)?;
        Ok(ZoneCheck { zone: shown(&zone), negative_ttl, servers })
    }
}

/// Asks for what leads to a zone's servers; nothing of it is validated.
struct Asker<'a, F> {
    setting: &'a ResolverSetting,
    wire: Wire,
    fetch: &'a F,
}

impl<F: Fetch> Asker<'_, F> {
    async fn ask(&self, owner: &Name, kind: RecordType) -> Result<Message, LookupError> {
        let failed = |error: &dyn std::fmt::Display| LookupError(error.to_string());
        let query = Query::query(owner.clone(), kind);
        let ResolverSetting::Doh(url) = self.setting else {
            return match self.wire.ask(query).await {
                Ok(answer) => Ok(answer.into_message()),
                Err(error) => Err(failed(&error)),
            };
        };
        let body = wire::encode(query).map_err(|error| failed(&error))?;
        let mut request = Request::post(url, super::doh::MEDIA_TYPE, body);
        request.timeout = limits::DNS_TIMEOUT;
        let response = self.fetch.fetch(request).await.map_err(|error| failed(&error))?;
        Message::from_vec(response.bytes())
            .map_err(|_| LookupError(format!("`{url}` did not answer with a DNS message")))
    }

    /// The zone above or at `owner`: its SOA stands in the answer, or beside an empty one.
    async fn zone_of(&self, owner: &Name) -> Result<(Name, Duration), LookupError> {
        let mut at = owner.clone();
        loop {
            let answer = self.ask(&at, RecordType::SOA).await?;
            let soa =
                answer.answers.iter().chain(&answer.authorities).find_map(|record| match &record.data {
                    // RFC 2308 section 5: the smaller of the two.
                    RData::SOA(soa) if record.name.zone_of(&at) => {
                        Some((record.name.clone(), record.ttl.min(soa.minimum)))
                    }
                    _ => None,
                });
            if let Some((zone, seconds)) = soa {
                return Ok((zone, Duration::from_secs(seconds.into())));
            }
            if at.is_root() {
                return Err(LookupError(format!("the zone of `{}` is not found", shown(owner))));
            }
            at = at.base_name();
        }
    }
}

fn names_of_servers(answer: &Message, zone: &Name) -> Vec<Name> {
    let servers = answer.answers.iter().chain(&answer.authorities).filter_map(|record| match &record.data {
        RData::NS(server) if record.name == *zone => Some(server.0.clone()),
        _ => None,
    });
    servers.take(MAX_SERVERS).collect()
}

fn first_address(answer: &Message) -> Option<IpAddr> {
    answer.answers.iter().find_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    })
}

async fn asked((server, address): (Name, Option<IpAddr>), owner: &Name) -> ServerAnswer {
    let answer = match address {
        None => Err(LookupError("it has no address".to_owned())),
        Some(address) => {
            let wire = Wire::new([SocketAddr::new(address, 53)].into());
            match wire.ask(Query::query(owner.clone(), RecordType::TXT)).await {
                Ok(answer) => {
                    let mut proof = hickory_resolver::proto::dnssec::Proof::Secure;
                    Ok(txt_at(&answer, owner, &mut proof))
                }
                Err(error) => Err(LookupError(error.to_string())),
            }
        }
    };
    ServerAnswer { name: shown(&server), address, answer }
}

/// Without the final dot, as people write names.
fn shown(name: &Name) -> String {
    let text = name.to_ascii();
    if text == "." { text } else { text.trim_end_matches('.').to_owned() }
}
