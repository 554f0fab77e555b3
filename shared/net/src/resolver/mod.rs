//! TXT records that can be believed.
//!
//! Two ways. A plain DNS server (the system's, or the configured one) is asked with the DO bit, and the chain of signatures
//! is validated *here*, down from the root's keys or the configured trust anchor: neither the server nor the network is
//! trusted, and a server that serves root and child zones itself, without recursion, does as well as a resolver. Or a
//! DNS-over-HTTPS service (RFC 8484) is asked; its answer is believed as it came over HTTPS from who was configured.
//!
//! What comes back distinguishes what must not be mixed up: records that are validated, validated absence, an unsigned
//! zone (nothing to believe, nothing to fear), a broken chain, and no answer.

mod address;
mod anchor;
mod doh;
mod proven;
mod wire;
mod zone;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use futures_util::StreamExt as _;
use hickory_resolver::net::dnssec::DnssecDnsHandle;
use hickory_resolver::net::xfer::DnsHandle;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::dnssec::rdata::DNSSECRData;
use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::client::Fetch;
use cargo_namespaces::discovery::{DevRegistry, TxtRecord};
use cargo_namespaces::limits;
use cargo_namespaces::name::is_localhost;

use anchor::Anchors;
use wire::Wire;
pub use zone::{ServerAnswer, ZoneCheck};

/// Most aliases followed from one name; longer chains are mistakes.
const MAX_ALIASES: usize = 8;

/// What is known of the TXT records at one name. The reasons are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxtOutcome {
    /// The records, validated or from the configured DoH service.
    Records(Vec<TxtRecord>),
    /// There are none: proven, or by the word of the DoH service.
    Absent,
    /// The zone is provably not signed: what it says counts neither way.
    Insecure(String),
    /// The zone must be signed, and the signatures do not hold.
    Bogus(String),
    /// No answer, or one that cannot be validated.
    Failed(String),
}

/// The resolver that TXT records are asked from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResolverSetting {
    /// Those of the system, with DNSSEC validated here.
    #[default]
    System,
    /// This server, with DNSSEC validated here.
    Server(SocketAddr),
    /// A DNS-over-HTTPS service, believed as it is reached over HTTPS.
    Doh(String),
}

/// Why a question has no answer, in words for a person. Every such failure means the same, no answer; so there are no kinds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LookupError(pub(crate) String);

impl LookupError {
    /// A failure, in words.
    pub fn new(problem: String) -> Self {
        Self(problem)
    }

    fn offline() -> Self {
        Self("the command runs offline".to_owned())
    }
}

/// Looks up TXT records. Cheap to make: files are read and sockets opened at the first question.
#[derive(Debug)]
pub struct Resolver {
    setting: ResolverSetting,
    trust_anchor: Option<PathBuf>,
    dev: Option<DevRegistry>,
    offline: bool,
    ready: OnceLock<Result<Ready, LookupError>>,
}

#[derive(Debug)]
struct Ready {
    servers: Arc<[SocketAddr]>,
    anchors: Anchors,
}

type Validating = DnssecDnsHandle<Wire>;

/// Whether a file of trust anchors can be used, for a program that wants to know before its first question.
///
/// # Errors
/// It cannot: the file, and why.
pub fn check_trust_anchor(path: &Path) -> Result<(), LookupError> {
    Anchors::read(path).map(drop)
}

impl Resolver {
    /// A resolver that asks `setting`.
    pub fn with(setting: ResolverSetting, trust_anchor: Option<PathBuf>) -> Self {
        Self { setting, trust_anchor, dev: None, offline: false, ready: OnceLock::new() }
    }

    /// The same, for a machine with a development registry.
    #[must_use]
    pub fn dev(mut self, dev: Option<DevRegistry>) -> Self {
        self.dev = dev;
        self
    }

    /// The same; when `offline`, every question fails at once.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The development registry, which answers for names below `localhost`.
    pub fn dev_registry(&self) -> Option<DevRegistry> {
        self.dev
    }

    /// The IPv4 and IPv6 addresses of a host; none when it has none. Signatures that do not hold are an error. `fetch` carries
    /// the questions to a DoH service, where one is configured.
    ///
    /// # Errors
    /// No answer, or one that is not to be believed.
    pub async fn lookup_addresses(&self, host: &str, fetch: &impl Fetch) -> Result<Vec<IpAddr>, LookupError> {
        if self.offline {
            return Err(LookupError::offline());
        }
        if let ResolverSetting::Doh(url) = &self.setting {
            return address::by_doh(url, host, fetch).await;
        }
        let ready = self.ready()?;
        in_all(async {
            let wire = Wire::new(Arc::clone(&ready.servers));
            let anchors = ready.anchors.resolve(&wire).await?;
            let handle = DnssecDnsHandle::with_trust_anchor(wire, Arc::new(anchors));
            address::validated(&handle, host).await
        })
        .await
    }

    /// The TXT records at each name, in parallel and in the order asked. `fetch` carries the questions to a DoH
    /// service, where one is configured.
    pub async fn lookup_txt(&self, names: &[String], fetch: &impl Fetch) -> Vec<TxtOutcome> {
        // Below `localhost` no DNS has a say (RFC 6761, section 6.3): what there is, the development registry knows.
        let is_local = |name: &String| self.dev.is_some() && is_localhost(name);
        let asked: Vec<String> = names.iter().filter(|name| !is_local(name)).cloned().collect();
        let mut found = self.lookup_in_dns(&asked, fetch).await.into_iter();
        let mut next = || found.next().unwrap_or_else(|| TxtOutcome::Failed("not asked".to_owned()));
        names.iter().map(|name| if is_local(name) { TxtOutcome::Absent } else { next() }).collect()
    }

    async fn lookup_in_dns(&self, names: &[String], fetch: &impl Fetch) -> Vec<TxtOutcome> {
        if names.is_empty() {
            return Vec::new();
        }
        let all = |outcome: TxtOutcome| vec![outcome; names.len()];
        if self.offline {
            return all(TxtOutcome::Failed(LookupError::offline().to_string()));
        }
        if let ResolverSetting::Doh(url) = &self.setting {
            return doh::lookup_txt(url, names, fetch).await;
        }
        match self.ready() {
            Ok(ready) => ready.lookup_txt(names).await,
            Err(problem) => all(TxtOutcome::Failed(problem.to_string())),
        }
    }

    fn ready(&self) -> Result<&Ready, LookupError> {
        self.ready.get_or_init(|| self.set_up()).as_ref().map_err(Clone::clone)
    }

    fn set_up(&self) -> Result<Ready, LookupError> {
        let servers = match &self.setting {
            ResolverSetting::Server(address) => vec![*address],
            _ => wire::system_servers()?,
        };
        let anchors = match &self.trust_anchor {
            Some(path) => Anchors::read(path)?,
            None => Anchors::default(),
        };
        Ok(Ready { servers: servers.into(), anchors })
    }
}

/// Runs `work` to its end, or for twice the time of one question: what is around the questions (keys, explanations) has its
/// share of the second.
async fn in_all<T>(work: impl Future<Output = Result<T, LookupError>>) -> Result<T, LookupError> {
    let late = |_| LookupError("the DNS servers take too long".to_owned());
    tokio::time::timeout(limits::DNS_TIMEOUT * 2, work).await.map_err(late)?
}

impl Ready {
    async fn lookup_txt(&self, names: &[String]) -> Vec<TxtOutcome> {
        in_all(async {
            let wire = Wire::new(Arc::clone(&self.servers));
            let anchors = self.anchors.resolve(&wire).await?;
            let handle = DnssecDnsHandle::with_trust_anchor(wire, Arc::new(anchors));
            let lookups = names.iter().map(|name| in_time(&handle, name));
            let outcomes = futures_util::future::join_all(lookups).await;
            Ok(self.explained(&handle, outcomes).await)
        })
        .await
        .unwrap_or_else(|problem| vec![TxtOutcome::Failed(problem.to_string()); names.len()])
    }

    /// A server that drops signatures makes every zone look broken. Then not the zone is to blame, and the way out
    /// is another server.
    async fn explained(&self, handle: &Validating, outcomes: Vec<TxtOutcome>) -> Vec<TxtOutcome> {
        if !outcomes.iter().any(|outcome| matches!(outcome, TxtOutcome::Bogus(_))) {
            return outcomes;
        }
        let query = Query::query(Name::root(), RecordType::DNSKEY);
        let keys = ask(handle, query).await;
        let trusted = |answer: &Message| answer.answers.iter().any(|record| record.proof.is_secure());
        if keys.as_ref().is_ok_and(trusted) {
            return outcomes;
        }
        let servers: Vec<String> = self.servers.iter().map(ToString::to_string).collect();
        let reason = format!(
            "the DNS server {} does not pass on DNSSEC signatures that lead to the trust anchor; \
             set `namespaces.resolver` (at a registry, `validation.resolvers`) to one that does, or to a DoH service",
            servers.join(", ")
        );
        let blamed = |outcome| match outcome {
            TxtOutcome::Bogus(_) => TxtOutcome::Failed(reason.clone()),
            other => other,
        };
        outcomes.into_iter().map(blamed).collect()
    }
}

async fn in_time(handle: &Validating, name: &str) -> TxtOutcome {
    match tokio::time::timeout(limits::DNS_TIMEOUT, lookup(handle, name)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let seconds = limits::DNS_TIMEOUT.as_secs();
            TxtOutcome::Failed(format!("no answer about `{name}` within {seconds} seconds"))
        }
    }
}

async fn lookup(handle: &Validating, name: &str) -> TxtOutcome {
    let Ok(mut owner) = parse_name(name) else {
        return TxtOutcome::Failed(format!("`{name}` is not a DNS name"));
    };
    let mut proof = Proof::Secure;
    for _ in 0..=MAX_ALIASES {
        let answer = match ask(handle, Query::query(owner.clone(), RecordType::TXT)).await {
            Ok(answer) => answer,
            Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => {
                match proven::at(response.into_message(), &owner, RecordType::TXT) {
                    Some(answer) => answer,
                    None if proof.is_insecure() => return unsigned(name),
                    None => return bogus(name),
                }
            }
            Err(error) => return refused(name, &error),
        };
        let asked = owner.clone();
        owner = follow_aliases(&answer, owner, &mut proof);
        let records = txt_at(&answer, &owner, &mut proof);
        if !records.is_empty() || proof != Proof::Secure {
            return judged(name, proof, records);
        }
        if owner == asked {
            return absent(name, &answer);
        }
    }
    TxtOutcome::Failed(format!("`{name}` leads through more than {MAX_ALIASES} aliases"))
}

async fn ask(handle: &Validating, query: Query) -> Result<Message, NetError> {
    let mut answers = pin!(handle.lookup(query, wire::signed()));
    match answers.next().await {
        Some(answer) => answer.map(|answer| answer.into_message()),
        None => Err(NetError::from("no answer")),
    }
}

/// Where the aliases in `answer` lead from `owner`; the weakest proof on the way is kept.
fn follow_aliases(answer: &Message, mut owner: Name, proof: &mut Proof) -> Name {
    for _ in 0..MAX_ALIASES {
        let alias = answer.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == owner => Some((record.proof, target.0.clone())),
            _ => None,
        });
        let Some((found, target)) = alias else { break };
        *proof = weaker(*proof, found);
        owner = target;
    }
    owner
}

fn txt_at(answer: &Message, owner: &Name, proof: &mut Proof) -> Vec<TxtRecord> {
    let mut records = Vec::new();
    for record in &answer.answers {
        if let RData::TXT(txt) = &record.data
            && record.name == *owner
        {
            *proof = weaker(*proof, record.proof);
            records.push(TxtRecord(txt.txt_data.iter().map(|text| text.to_vec()).collect()));
        }
    }
    records
}

/// Bogus outweighs indeterminate, that outweighs insecure, that outweighs secure.
fn weaker(one: Proof, other: Proof) -> Proof {
    let rank = |proof: Proof| match proof {
        Proof::Bogus => 0,
        Proof::Indeterminate => 1,
        Proof::Insecure => 2,
        Proof::Secure => 3,
    };
    if rank(one) <= rank(other) { one } else { other }
}

fn judged(name: &str, proof: Proof, records: Vec<TxtRecord>) -> TxtOutcome {
    match proof {
        Proof::Secure => TxtOutcome::Records(records),
        Proof::Insecure => unsigned(name),
        Proof::Bogus => bogus(name),
        Proof::Indeterminate => TxtOutcome::Failed(format!("the signatures at `{name}` cannot be fetched")),
    }
}

/// Absence counts only with a validated NSEC or NSEC3; the validator has checked that it fits the question.
fn absent(name: &str, answer: &Message) -> TxtOutcome {
    let denied = answer.authorities.iter().any(|record| {
        let is_denial = matches!(&record.data, RData::DNSSEC(DNSSECRData::NSEC(_) | DNSSECRData::NSEC3(_)));
        is_denial && record.proof.is_secure()
    });
    if denied { TxtOutcome::Absent } else { unsigned(name) }
}

fn refused(name: &str, error: &NetError) -> TxtOutcome {
    match error {
        NetError::Dns(DnsError::DnssecBogus) => bogus(name),
        NetError::Dns(DnsError::ResponseCode(code)) => {
            TxtOutcome::Failed(format!("the DNS server answers \"{code}\" about `{name}`"))
        }
        NetError::Timeout => TxtOutcome::Failed(format!("the DNS server does not answer about `{name}`")),
        other => TxtOutcome::Failed(format!("the DNS question about `{name}` failed: {other}")),
    }
}

fn unsigned(name: &str) -> TxtOutcome {
    TxtOutcome::Insecure(format!("the zone of `{name}` is not signed with DNSSEC"))
}

fn bogus(name: &str) -> TxtOutcome {
    TxtOutcome::Bogus(format!("the DNSSEC signatures of `{name}` are not valid"))
}

/// An absolute name of plain ASCII labels, as namespaces are.
fn parse_name(name: &str) -> Result<Name, hickory_resolver::proto::ProtoError> {
    let mut parsed = Name::from_ascii(name)?;
    parsed.set_fqdn(true);
    Ok(parsed)
}

#[cfg(test)]
mod tests;
