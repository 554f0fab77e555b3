//! Who wants to publish what, and what the registry says to it.

use cargo_namespaces::api::{CheckResponse, CheckState};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::token::{Record, Scope, Token};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use serde_json::{Value, json};

use super::permission::{Asking, Permission, warn_of_unlisted};
use super::place::{self, whole_for};
use crate::publisher::Served;
use crate::registry::Registry;
use crate::session::Session;

/// How far two clocks may differ before a registry refuses what is signed by one of them.
const CLOCK_SECONDS: u64 = 60;

/// A key that is to publish some crates of one namespace.
pub struct Case<'a> {
    /// The command.
    pub session: &'a Session<'a>,
    /// The registry of the namespace.
    pub registry: &'a Registry,
    /// The key.
    pub key: PublicKey,
    /// What the user calls it.
    pub label: String,
    /// The crates, one or more.
    pub names: Vec<QualifiedName>,
}

/// The first crate that may not be published, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The crate.
    pub name: QualifiedName,
    /// The registry's answer.
    pub answer: CheckResponse,
}

impl Blocked {
    /// Whether a record at the domain would change it.
    pub fn is_for_the_domain(&self) -> bool {
        is_for_the_domain(self.answer.state)
    }
}

/// Whether a record at the domain would change what a registry says.
pub fn is_for_the_domain(state: CheckState) -> bool {
    matches!(state, CheckState::UnknownDomain | CheckState::Stranger)
}

impl Case<'_> {
    /// Asks the registry about every crate; the first that may not be published, if there is one. Where all may be, it warns
    /// of those for which the domain does not list the key.
    ///
    /// # Errors
    /// The registry does not answer.
    pub fn ask(&self) -> Result<Option<Blocked>, CliError> {
        let asking = Asking::at(self.session, self.registry);
        let mut unlisted = Vec::new();
        for name in &self.names {
            let Permission { answer, listed } = asking.ask(&self.key, Some(name))?;
            let apart = answer.now.distance(clock::now());
            if apart > CLOCK_SECONDS {
                self.session.shell.warn(format!(
                    "the clock here and that of {} are {apart} seconds apart: what is signed here may be refused there",
                    self.registry.host()
                ));
            }
            if answer.state != CheckState::MayPublish {
                return Ok(Some(Blocked { name: name.clone(), answer }));
            }
            if listed == Some(false) {
                unlisted.push(name);
            }
        }
        for name in unlisted {
            warn_of_unlisted(self.session, &self.key, name);
        }
        Ok(None)
    }

    /// What a record may let the key publish: everything first, then, for a single crate, that crate alone.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::Namespace(self.registry.namespace.clone())];
        if let [name] = &self.names[..] {
            scopes.push(Scope::Crate(name.clone()));
        }
        scopes
    }

    /// The record of a scope. It is computed here, never taken from the registry: it goes into the user's own DNS.
    pub fn record(&self, scope: &Scope) -> Record {
        let token = Token::compute(scope, &self.key);
        Record { index: Some(self.registry.index.clone()), ..Record::new(token) }
    }

    /// The records, one of which is enough, for programs.
    pub fn records(&self) -> Vec<Value> {
        let one = |scope: Scope| json!({ "record": self.record(&scope), "scope": scope });
        self.scopes().into_iter().map(one).collect()
    }

    /// What is to be put up for programs: for each scope, the places.
    ///
    /// # Errors
    /// The documents cannot be read or written, or Ctrl-C.
    pub fn places(&self, state: CheckState) -> Result<Vec<Value>, CliError> {
        let served = Served::by(self.session, &self.registry.namespace)?;
        let mut places = Vec::new();
        for scope in self.scopes() {
            let whole = whole_for(self, state, &scope, &served)?;
            places.extend(place::as_json(self.session, &whole, &scope, &served)?);
        }
        Ok(places)
    }

    /// How a publish ends that nobody waits for.
    pub fn would_end(&self, blocked: &Blocked) -> ExitCode {
        if blocked.is_for_the_domain() {
            ExitCode::ActionRequired
        } else {
            self.other_obstacle(blocked).exit()
        }
    }

    /// The error for what no record changes.
    pub fn other_obstacle(&self, blocked: &Blocked) -> CliError {
        let (name, answer) = (&blocked.name, &blocked.answer);
        let error = |exit, what: String| CliError::new(exit, what).because(answer.message.clone());
        match answer.state {
            CheckState::NotOwner => {
                let owners: Vec<String> = answer.owners.iter().map(ToString::to_string).collect();
                error(ExitCode::ActionRequired, format!("{name} belongs to others at {}", self.registry.host())).hint(
                    format!(
                        "one of its owners ({}) can add this key, or hand the crate over:\n    \
                         cargo nspublish owner add {name} {}\n    cargo nspublish transfer {name} --to {}",
                        owners.join(", "),
                        self.key,
                        self.key
                    ),
                )
            }
            CheckState::OtherIndex => error(
                ExitCode::ActionRequired,
                format!("{} is not the home of {}", self.registry.host(), self.registry.namespace),
            )
            .hint("publish to the index that the domain declares, or let the domain declare this one while nothing is published"),
            _ => error(ExitCode::Refused, format!("{} does not accept {name} at present", self.registry.host())),
        }
    }
}
