//! The three places at a domain: what belongs there, and what stands there as seen from here.
//!
//! Looking from here is for the person who has just changed something: past caches, at the zone's own servers. It proves
//! nothing to anybody; the registry looks for itself.

use std::path::PathBuf;

use cargo_namespaces::discovery::{self, DevRegistry, PackageNamespaceDoc};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_net::client::{HttpClient, Request, Transport as _};
use cargo_namespaces_net::resolver::{Resolver, ZoneCheck};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Case;
use super::records::{merged, publishers, upload, zone_line};
use crate::args::SiteArgs;
use crate::publisher::{Publisher, Served};
use crate::session::Session;
use cargo_namespaces::api::CheckState;
use cargo_namespaces_cli::shell::CliError;

/// Where a record may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// `package-namespace.json`.
    Json,
    /// `cargo-publishers`.
    Publishers,
    /// DNS TXT.
    Txt,
}

impl Place {
    /// All three, the shortest first.
    pub const ALL: [Self; 3] = [Self::Publishers, Self::Txt, Self::Json];

    /// Where it is.
    pub fn address(self, namespace: &Namespace, dev: Option<DevRegistry>) -> String {
        match self {
            Self::Json => discovery::well_known_json_url(namespace, dev),
            Self::Publishers => discovery::cargo_publishers_url(namespace, dev),
            Self::Txt => {
                let [apex, label] = discovery::txt_names(namespace);
                format!("DNS, TXT at {apex} or at {label}")
            }
        }
    }

    /// What belongs there of a namespace's documents, complete.
    ///
    /// # Errors
    /// It would be too long, or the file of the long one cannot be written.
    pub fn content(
        self,
        session: &Session<'_>,
        whole: &Publisher,
        scope: &Scope,
        served: &Served,
    ) -> Result<Content, CliError> {
        Ok(match self {
            Self::Json => {
                let file = upload(session, whole, scope)?;
                Content { what: "this file", text: whole.doc.to_json(), file: Some(file) }
            }
            Self::Publishers => Content { what: "these lines", text: publishers(whole, served)?, file: None },
            Self::Txt => {
                let [apex, _] = discovery::txt_names(&whole.namespace);
                let lines: Vec<String> =
                    whole.records().iter().map(|record| zone_line(&apex, record) + "\n").collect();
                Content { what: "a record of each of these lines", text: lines.concat(), file: None }
            }
        })
    }
}

/// The documents that would let a key publish for a scope: merged with what the domain serves now.
///
/// # Errors
/// The author's documents cannot be read.
pub fn whole_for(
    case: &Case<'_>,
    state: CheckState,
    scope: &Scope,
    served: &Served,
) -> Result<Publisher, CliError> {
    let namespace = &case.registry.namespace;
    let own = Publisher::find(case.session, &SiteArgs::default(), namespace)?;
    // Somebody else's domain has documents of its own: only the record is ours.
    let own = own.filter(|_| state == CheckState::UnknownDomain);
    let mut whole = match own {
        Some(mut own) => {
            if matches!(scope, Scope::Crate(_)) {
                // Set-up listed the key for everything. Whoever chooses one crate means nothing else, and nothing stands yet.
                let wider = own.token(&case.key);
                own.doc.authorized_keys.retain(|token| *token != wider);
            }
            merged(case.session, own, served)?
        }
        None => Publisher::of_served(namespace, &case.registry.index, served),
    };
    whole.list_for(scope, &case.key);
    Ok(whole)
}

/// The three places for programs, any one of which is enough: where each is, the records, and all that belongs there.
///
/// # Errors
/// As [`Place::content`].
pub fn as_json(
    session: &Session<'_>,
    whole: &Publisher,
    scope: &Scope,
    served: &Served,
) -> Result<Vec<Value>, CliError> {
    let dev = session.settings.namespaces.dev;
    let namespace = &whole.namespace;
    let one = |place: Place| -> Result<Value, CliError> {
        let content = place.content(session, whole, scope, served)?;
        let address = place.address(namespace, dev);
        let (url, names) = match place {
            Place::Txt => (None, Some(discovery::txt_names(namespace))),
            _ => (Some(&address), None),
        };
        Ok(json!({
            "scope": scope, "place": place, "address": address, "url": url, "txt_names": names,
            "records": whole.records(), "content": content.text, "file": content.file,
        }))
    };
    Place::ALL.into_iter().map(one).collect()
}

/// What belongs at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What kind of thing it is, in words.
    pub what: &'static str,
    /// All of it.
    pub text: String,
    /// Where it is written, if it is too long for a terminal.
    pub file: Option<PathBuf>,
}

impl Content {
    /// As a person sees it.
    pub fn shown(&self) -> String {
        match &self.file {
            Some(file) => format!("{}\n", file.display()),
            None => self.text.clone(),
        }
    }
}

/// What stands at a place, as seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether one of the tokens does.
    pub found: bool,
    /// In words.
    pub text: String,
}

/// Looks at one place for one of `tokens`.
pub fn look(
    place: Place,
    namespace: &Namespace,
    tokens: &[Token],
    client: &HttpClient,
    resolver: &Resolver,
) -> Look {
    let dev = resolver.dev_registry();
    match place {
        Place::Txt if dev.is_some() && namespace.is_local() => {
            Look { found: false, text: "names below `localhost` have no DNS".to_owned() }
        }
        Place::Txt => look_at_zones(namespace, tokens, client, resolver),
        _ => look_at_document(place, &place.address(namespace, dev), tokens, client),
    }
}

fn look_at_document(place: Place, url: &str, tokens: &[Token], client: &HttpClient) -> Look {
    let missing = |text: String| Look { found: false, text };
    let response = match client.fetch_one(Request::document(url)) {
        Ok(response) => response,
        Err(error) => return missing(error.to_string()),
    };
    match response.status {
        200 => {}
        404 | 410 => return missing("nothing is there yet".to_owned()),
        300..400 => {
            return missing("it redirects elsewhere: the document must stand at this very URL".to_owned());
        }
        status => return missing(format!("it answers with HTTP status {status}")),
    }
    let listed = match place {
        Place::Json => PackageNamespaceDoc::parse(response.bytes()).map(|doc| doc.authorized_keys),
        _ => discovery::parse_cargo_publishers(response.bytes())
            .map(|found| found.records.iter().map(|record| record.token).collect()),
    };
    match listed {
        Ok(listed) if listed.iter().any(|token| tokens.contains(token)) => {
            Look { found: true, text: "the record is there".to_owned() }
        }
        Ok(listed) if listed.is_empty() => missing("the document is there, without any record".to_owned()),
        Ok(_) => missing("the document is there, without this record".to_owned()),
        Err(error) => missing(format!("the document is there and cannot be used: {error}")),
    }
}

fn look_at_zones(namespace: &Namespace, tokens: &[Token], client: &HttpClient, resolver: &Resolver) -> Look {
    let mut looks =
        discovery::txt_names(namespace).into_iter().map(|name| match resolver.check_zone(&name, client) {
            Ok(check) => weigh(&name, &check, tokens),
            Err(problem) => Look {
                found: false,
                text: format!("the servers of {name} cannot be asked from here: {problem}"),
            },
        });
    match (looks.next(), looks.next()) {
        (Some(apex), _) if apex.found => apex,
        (_, Some(label)) if label.found => label,
        (Some(apex), _) => apex,
        _ => Look { found: false, text: "nothing could be asked".to_owned() },
    }
}

/// What a zone's servers say, and how long others may believe what they were told before.
fn weigh(name: &str, check: &ZoneCheck, tokens: &[Token]) -> Look {
    let has = |texts: &[discovery::TxtRecord]| {
        let found = discovery::parse_txt(texts).unwrap_or_default();
        found.records.iter().any(|record| tokens.contains(&record.token))
    };
    let answered: Vec<bool> =
        check.servers.iter().filter_map(|one| one.answer.as_ref().ok().map(|t| has(t))).collect();
    let with = answered.iter().filter(|found| **found).count();
    let silent = check.servers.len() - answered.len();
    let mut text = match (with, answered.len()) {
        (_, 0) => format!("no server of the zone {} answers", check.zone),
        (0, of) => format!(
            "not at {name} yet, say {of} of {} servers of the zone {}",
            check.servers.len(),
            check.zone
        ),
        (with, of) if with == of => {
            format!("at {name}, say all servers of the zone {} that answer", check.zone)
        }
        (with, of) => {
            format!("at {name} on {with} of {of} servers of the zone {}: the others follow", check.zone)
        }
    };
    if silent > 0 && !answered.is_empty() {
        text.push_str(&format!(" ({silent} did not answer)"));
    }
    let found = with > 0 && with == answered.len();
    if with > 0 {
        let ttl = spoken(check.negative_ttl.as_secs());
        text.push_str(&format!(
            "; a resolver that asked before may go on saying that there is nothing for up to {ttl}"
        ));
    }
    Look { found, text }
}

/// Seconds as people say them.
pub fn spoken(seconds: u64) -> String {
    let plural = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match seconds {
        0..120 => plural(seconds, "second"),
        120..7200 => plural(seconds.div_ceil(60), "minute"),
        _ => plural(seconds.div_ceil(3600), "hour"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cargo_namespaces::discovery::TxtRecord;
    use cargo_namespaces_net::resolver::ServerAnswer;

    use super::*;

    const TOKEN: &str = "sha256-kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=";

    fn check(answers: &[Result<&str, &str>]) -> Look {
        let server = |(at, answer): (usize, &Result<&str, &str>)| ServerAnswer {
            name: format!("ns{at}.example"),
            address: None,
            answer: match answer {
                Ok("") => Ok(Vec::new()),
                Ok(text) => Ok(vec![TxtRecord::single(text)]),
                Err(problem) => Err((*problem).to_owned()),
            },
        };
        let zone = ZoneCheck {
            zone: "serde.example".to_owned(),
            negative_ttl: Duration::from_secs(600),
            servers: answers.iter().enumerate().map(server).collect(),
        };
        weigh("serde.example", &zone, &[TOKEN.parse().unwrap()])
    }

    #[test]
    fn every_server_that_answers_must_have_the_record() {
        assert!(!check(&[Ok(""), Ok("")]).found);
        assert!(!check(&[Ok(TOKEN), Ok("v=spf1")]).found);
        assert!(check(&[Ok(TOKEN), Ok(TOKEN)]).found);
        assert!(check(&[Ok(TOKEN), Err("timed out")]).found);
        assert!(!check(&[Err("timed out")]).found);
    }

    #[test]
    fn the_life_of_an_old_answer_is_said() {
        let look = check(&[Ok(TOKEN), Ok("")]);
        assert_eq!(
            look.text,
            "at serde.example on 1 of 2 servers of the zone serde.example: the others follow; a resolver that asked \
             before may go on saying that there is nothing for up to 10 minutes"
        );
    }

    #[test]
    fn seconds_are_rounded_up_to_what_people_say() {
        assert_eq!(
            [1, 90, 121, 3600, 86_400].map(spoken),
            ["1 second", "90 seconds", "3 minutes", "60 minutes", "24 hours"]
        );
    }
}
