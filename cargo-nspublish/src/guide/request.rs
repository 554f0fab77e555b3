//! Which key is to publish which crates, and what the registry answers.

use cargo_namespaces::api::{CheckResponse, CheckState};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::token::{Record, Scope, Token};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use serde_json::{Value, json};

use super::location::{self, whole_for};
use super::permission::{Permission, PermissionCheck, PermissionError, warn_of_unlisted};
use crate::context::Context;
use crate::documents::Served;
use crate::registry::RegistryClient;

/// How far the clocks here and there may differ before the registry refuses what is signed here.
const CLOCK_SECONDS: u64 = 60;

/// A key that is to publish some crates of one namespace.
pub struct PermissionRequest<'a> {
    pub context: &'a Context<'a>,
    /// The registry of the namespace.
    pub registry: &'a RegistryClient<'a>,
    pub key: PublicKey,
    /// What the user calls it.
    pub label: String,
    /// The crates, one or more.
    pub names: Vec<QualifiedName>,
}

/// The first crate that may not be published, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
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

impl PermissionRequest<'_> {
    /// Asks the registry about every crate, and returns the first that may not be published. If all may be, it warns about those
    /// for which the domain does not list the key.
    pub fn ask(&self) -> Result<Option<Blocked>, PermissionError> {
        let asking = PermissionCheck::at(self.context, self.registry);
        let mut unlisted = Vec::new();
        for name in &self.names {
            let Permission { answer, listed } = asking.ask(&self.key, Some(name))?;
            let apart = answer.now.distance(clock::now());
            if apart > CLOCK_SECONDS {
                self.context.shell.warn(format!(
                    "the clocks of this machine and {} differ by {apart} seconds: the registry may refuse requests",
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
            warn_of_unlisted(self.context, &self.key, name);
        }
        Ok(None)
    }

    /// Returns what a record may let the key publish: the whole namespace, and if there is one crate only, that crate.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::Namespace(self.registry.namespace.clone())];
        if let [name] = &self.names[..] {
            scopes.push(Scope::Crate(name.clone()));
        }
        scopes
    }

    /// Returns the record of a scope. It is computed here and never taken from the registry, since it goes into the user's DNS.
    pub fn record(&self, scope: &Scope) -> Record {
        let token = Token::compute(scope, &self.key);
        Record { index: Some(self.registry.index.clone()), ..Record::new(token) }
    }

    /// The records, one of which is enough, for programs.
    pub fn records(&self) -> Vec<Value> {
        let one = |scope: Scope| json!({ "record": self.record(&scope), "scope": scope });
        self.scopes().into_iter().map(one).collect()
    }

    /// Returns what to put up, for programs: the locations for each scope.
    ///
    /// # Errors
    /// The documents cannot be read or written, or Ctrl-C.
    pub fn places(&self, state: CheckState) -> Result<Vec<Value>, CliError> {
        let served = Served::by(self.context, &self.registry.namespace)?;
        let mut places = Vec::new();
        for scope in self.scopes() {
            let whole = whole_for(self, state, &scope, &served)?;
            places.extend(location::as_json(self.context, &whole, &scope, &served)?);
        }
        Ok(places)
    }

    /// The exit code of a publish that does not wait.
    pub fn would_end(blocked: &Blocked) -> ExitCode {
        match blocked.answer.state {
            CheckState::UnknownDomain
            | CheckState::Stranger
            | CheckState::NotOwner
            | CheckState::OtherIndex => ExitCode::ActionRequired,
            CheckState::Blocked | CheckState::MayPublish => ExitCode::Refused,
        }
    }

    /// Returns the error for a state that no record changes.
    pub fn other_obstacle(&self, blocked: &Blocked) -> CliError {
        let (name, answer) = (&blocked.name, &blocked.answer);
        let (host, key) = (self.registry.host(), &self.key);
        let (error, hint) = match answer.state {
            CheckState::NotOwner => {
                let owners: Vec<String> = answer.owners.iter().map(ToString::to_string).collect();
                let hint = format!(
                    "one of its owners ({}) can add this key, or hand the crate over:\n    \
                     cargo nspublish owner add {name} {key}\n    cargo nspublish transfer {name} --to {key}",
                    owners.join(", "),
                );
                (format!("{name} belongs to others at {host}"), Some(hint))
            }
            CheckState::OtherIndex => {
                let hint = "publish to the index that the domain declares, or let the domain declare this one while nothing is \
                            published";
                (format!("the index of {} is not on {host}", self.registry.namespace), Some(hint.to_owned()))
            }
            _ => (format!("{host} does not accept {name} at present"), None),
        };
        let error = CliError::new(Self::would_end(blocked), error).because(answer.message.clone());
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}
