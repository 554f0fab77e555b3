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

use super::ResolverSetting;
use super::wire::{self, Wire};
use super::{Resolver, parse_name, txt_at};
use crate::client::{Request, Transport};
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
    /// Its name.
    pub name: String,
    /// The address that was asked, if it has one.
    pub address: Option<IpAddr>,
    /// The TXT records, or why there is no answer.
    pub answer: Result<Vec<TxtRecord>, String>,
}

impl Resolver {
    /// Asks the authoritative servers of the zone that `name` is in for its TXT records.
    ///
    /// # Errors
    /// The zone or its servers cannot be found; the reason, for a person.
    pub fn check_zone(&self, name: &str, transport: &dyn Transport) -> Result<ZoneCheck, String> {
        if self.offline {
            return Err("the command runs offline".to_owned());
        }
        let owner = parse_name(name).map_err(|_| format!("`{name}` is not a DNS name"))?;
        let ready = self.ready.get_or_init(|| self.set_up()).as_ref().map_err(Clone::clone)?;
        let ask = |owner: &Name, kind: RecordType| match &self.setting {
            ResolverSetting::Doh(url) => ask_doh(url, owner, kind, transport),
            _ => ready.wait(async {
                let wire = Wire::new(ready.servers.clone());
                let answer = wire.ask(Query::query(owner.clone(), kind)).await;
                answer.map(|answer| answer.into_message()).map_err(|error| error.to_string())
            }),
        };
        let (zone, negative_ttl) = zone_of(&owner, &ask)?;
        let mut servers = Vec::new();
        for server in names_of_servers(&ask(&zone, RecordType::NS)?, &zone) {
            let addresses = ask(&server, RecordType::A).or_else(|_| ask(&server, RecordType::AAAA));
            servers.push((server, addresses.ok().and_then(|answer| first_address(&answer))));
        }
        if servers.is_empty() {
            return Err(format!("the zone `{zone}` names no servers"));
        }
        let servers =
            ready.wait(async { Ok(join_all(servers.into_iter().map(|one| asked(one, &owner))).await) })?;
        Ok(ZoneCheck { zone: shown(&zone), negative_ttl, servers })
    }
}

fn ask_doh(url: &str, owner: &Name, kind: RecordType, transport: &dyn Transport) -> Result<Message, String> {
    let body = wire::encode(Query::query(owner.clone(), kind)).map_err(|error| error.to_string())?;
    let mut request = Request::post(url, super::doh::MEDIA_TYPE, body);
    request.timeout = limits::DNS_TIMEOUT;
    let response = transport.fetch_one(request).map_err(|error| error.to_string())?;
    Message::from_vec(response.bytes()).map_err(|_| format!("`{url}` answered with something else than DNS"))
}

/// The zone above or at `owner`: its SOA stands in the answer, or beside an empty one.
fn zone_of(
    owner: &Name,
    ask: &dyn Fn(&Name, RecordType) -> Result<Message, String>,
) -> Result<(Name, Duration), String> {
    let mut at = owner.clone();
    loop {
        let answer = ask(&at, RecordType::SOA)?;
        let soa = answer.answers.iter().chain(&answer.authorities).find_map(|record| match &record.data {
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
            return Err(format!("the zone of `{}` is not found", shown(owner)));
        }
        at = at.base_name();
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
        None => Err("it has no address".to_owned()),
        Some(address) => {
            let wire = Wire::new([SocketAddr::new(address, 53)].into());
            match wire.ask(Query::query(owner.clone(), RecordType::TXT)).await {
                Ok(answer) => {
                    let mut proof = hickory_resolver::proto::dnssec::Proof::Secure;
                    Ok(txt_at(&answer, owner, &mut proof))
                }
                Err(error) => Err(error.to_string()),
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
