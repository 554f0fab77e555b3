//! Whether a record is at its location, as seen from here.
//!
//! This is for the person who has just changed something: it looks past caches, at the zone's own servers. It proves
//! nothing to anybody; the registry looks for itself.

use cargo_namespaces::discovery::{self, PackageNamespaceDoc};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::Token;
use cargo_namespaces_net::client::Request;
use cargo_namespaces_net::resolver::ZoneCheck;

use super::location::RecordLocation;
use crate::documents::responses::{self, DocumentAnswer};
use cargo_namespaces_cli::network::{Network, Transport as _};

/// What was found at a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationCheck {
    /// Whether one of the tokens is there.
    pub found: bool,
    /// The same in words.
    pub text: String,
}

/// Looks for one of `tokens` at a location.
pub fn check_location(
    place: RecordLocation,
    namespace: &Namespace,
    tokens: &[Token],
    network: &Network<'_>,
) -> LocationCheck {
    let dev = network.dev_registry();
    match place {
        RecordLocation::Txt if dev.is_some() && namespace.is_local() => {
            LocationCheck { found: false, text: "names below `localhost` have no DNS".to_owned() }
        }
        RecordLocation::Txt => look_at_zones(namespace, tokens, network),
        _ => look_at_document(place, &place.address(namespace, dev), tokens, network),
    }
}

fn look_at_document(
    place: RecordLocation,
    url: &str,
    tokens: &[Token],
    network: &Network<'_>,
) -> LocationCheck {
    let missing = |text: String| LocationCheck { found: false, text };
    let bytes = match network.fetch_one(Request::document(url)).map(responses::document) {
        Ok(DocumentAnswer::Document(bytes)) => bytes,
        Ok(DocumentAnswer::Absent) => return missing("no document is there yet".to_owned()),
        Ok(DocumentAnswer::Redirected(_)) => {
            return missing("it redirects: the document must be at this URL".to_owned());
        }
        Ok(DocumentAnswer::Other(status)) => return missing(format!("it answers with {status}")),
        Err(error) => return missing(error.to_string()),
    };
    let listed = match place {
        RecordLocation::Json => PackageNamespaceDoc::parse(&bytes).map(|doc| doc.authorized_keys),
        _ => discovery::parse_cargo_publishers(&bytes)
            .map(|found| found.records.iter().map(|record| record.token).collect()),
    };
    match listed {
        Ok(listed) if listed.iter().any(|token| tokens.contains(token)) => {
            LocationCheck { found: true, text: "the record is there".to_owned() }
        }
        Ok(listed) if listed.is_empty() => missing("the document is there, without any record".to_owned()),
        Ok(_) => missing("the document is there, without this record".to_owned()),
        Err(error) => missing(format!("the document is there and cannot be used: {error}")),
    }
}

fn look_at_zones(namespace: &Namespace, tokens: &[Token], network: &Network<'_>) -> LocationCheck {
    let mut looks = discovery::txt_names(namespace).into_iter().map(|name| match network.check_zone(&name) {
        Ok(check) => weigh(&name, &check, tokens),
        Err(problem) => LocationCheck {
            found: false,
            text: format!("the DNS servers of {name} are not reachable from here: {problem}"),
        },
    });
    match (looks.next(), looks.next()) {
        (Some(apex), _) if apex.found => apex,
        (_, Some(label)) if label.found => label,
        (Some(apex), _) => apex,
        _ => LocationCheck { found: false, text: "no server could be reached".to_owned() },
    }
}

/// Says what the servers of a zone answer, and how long a resolver may still have an older answer.
fn weigh(name: &str, check: &ZoneCheck, tokens: &[Token]) -> LocationCheck {
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
        text.push_str(&format!("; resolvers may have cached the old answer for up to {ttl}"));
    }
    LocationCheck { found, text }
}

/// Formats seconds in the unit that a person would use.
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
    use cargo_namespaces_net::resolver::{LookupError, ServerAnswer};

    use super::*;

    const TOKEN: &str = "sha256-kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=";

    fn check(answers: &[Result<&str, &str>]) -> LocationCheck {
        let server = |(at, answer): (usize, &Result<&str, &str>)| ServerAnswer {
            name: format!("ns{at}.example"),
            address: None,
            answer: match answer {
                Ok("") => Ok(Vec::new()),
                Ok(text) => Ok(vec![TxtRecord::single(text)]),
                Err(problem) => Err(LookupError::new((*problem).to_owned())),
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
            "at serde.example on 1 of 2 servers of the zone serde.example: the others follow; resolvers may have cached \
             the old answer for up to 10 minutes"
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
