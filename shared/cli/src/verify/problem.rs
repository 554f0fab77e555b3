//! What is wrong, for the person who is stuck: all of it at once.

use std::fmt;

use crate::registry_client;
use crate::settings::TokenAsked;
use crate::shell::ExitCode;
use cargo_namespaces::integrity::IntegrityError;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, NameError, Namespace};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::trust::{Note, Reason};

/// At least one release is not verified or not trusted.
#[derive(Debug)]
pub struct Refused {
    /// Everything that is wrong; at least one.
    pub problems: Vec<Problem>,
    /// What else the user should know.
    pub notes: Vec<Note>,
}

/// Something that is wrong.
#[derive(Debug)]
pub struct Problem {
    /// What it is about: `serde.rs/serde-abc v1.0.3`, a registry's URL, a domain.
    pub subject: String,
    /// What is wrong with it.
    pub what: ProblemKind,
}

/// What is wrong.
#[derive(Debug)]
pub enum ProblemKind {
    /// Verified, but not trusted.
    Untrusted(Box<Reason>),
    /// Verified, but a person has to decide; the reason names the flag.
    Stopped(Box<Reason>),
    /// Not verified.
    Integrity(Box<IntegrityError>),
    /// The index does not list the release.
    NotInIndex { index: IndexUrl },
    /// An index file, a `config.json` or a .crate was not had.
    Unreachable {
        /// What was asked for.
        what: String,
        /// Why it was not had, as a fragment.
        reason: String,
        /// A private registry, and no token for it.
        needs_token: Option<TokenAsked>,
    },
    /// What was had cannot be read.
    Unreadable {
        /// What was asked for.
        what: String,
        /// Why, as a fragment.
        reason: String,
    },
    /// Every .crate that was found has another SHA-256 than the index line says; a sentence fragment.
    Checksum(String),
    /// Ctrl-C, before everything was asked.
    Interrupted,
    /// The lock file's name of a package is none.
    Name(NameError),
    /// A registry that is neither a namespace's nor configured.
    UnknownRegistry {
        /// How many packages come from it.
        count: usize,
        /// Why it is not a namespace's, as a fragment.
        reason: String,
    },
    /// The lock file makes it depend on what its Cargo.toml does not: Cargo was shown another index line.
    UnlistedDependency {
        /// The dependency, with version and source.
        dependency: String,
        /// What the release asks for under that name, if anything.
        asked: Option<String>,
    },
    /// A dependency in an index line names a registry that its namespace does not declare.
    DependencyRegistry {
        dependency: String,
        found: IndexUrl,
        /// Whose index it says it is.
        namespace: Namespace,
        /// What that namespace's domain declares.
        declared: IndexUrl,
    },
    /// The index says that a release is yanked, and nobody who may say so signed that.
    YankUnsigned,
    /// The index says that a release is not yanked, and carries a signed statement that it is.
    YankHidden { key: PublicKey, at: Timestamp },
}

impl ProblemKind {
    /// Whether no signature holds.
    pub(super) fn is_signature(&self) -> bool {
        matches!(self, Self::Integrity(error) if matches!(**error, IntegrityError::NoSignatureHolds { .. }))
    }
}

impl Problem {
    /// Stable kebab-case code for machines.
    pub fn code(&self) -> &'static str {
        match &self.what {
            ProblemKind::Untrusted(reason) | ProblemKind::Stopped(reason) => reason.code(),
            ProblemKind::Integrity(error) => match **error {
                IntegrityError::Unsigned => "unsigned",
                IntegrityError::NoSignatureHolds { .. } => "no-signature-holds",
                IntegrityError::Checksum { .. } | IntegrityError::LockChecksum { .. } => "checksum",
                IntegrityError::Facts(_) => "index-line-differs",
                IntegrityError::Package(_) => "package",
                _ => "not-intact",
            },
            ProblemKind::NotInIndex { .. } => "not-in-index",
            ProblemKind::Unreachable { .. } => "unreachable",
            ProblemKind::Unreadable { .. } => "unreadable",
            ProblemKind::Checksum(_) => "checksum",
            ProblemKind::Interrupted => "interrupted",
            ProblemKind::Name(_) => "name",
            ProblemKind::UnknownRegistry { .. } => "unknown-registry",
            ProblemKind::DependencyRegistry { .. } => "dependency-registry",
            ProblemKind::UnlistedDependency { .. } => "dependency-not-listed",
            ProblemKind::YankUnsigned => "yank-unsigned",
            ProblemKind::YankHidden { .. } => "yank-hidden",
        }
    }

    /// What it means, where the headline does not say it all.
    pub fn meaning(&self) -> Option<String> {
        match &self.what {
            ProblemKind::Untrusted(reason) | ProblemKind::Stopped(reason) => Some(reason.meaning()),
            ProblemKind::UnknownRegistry { .. } => Some(
                "A registry in the lock file has to be the index of a namespace, or one that is configured under \
                 [registries]; otherwise the project has not approved it as a source."
                    .to_owned(),
            ),
            ProblemKind::DependencyRegistry { namespace, .. } => Some(format!(
                "The dependency would be looked up in a registry that only claims to be {}'s.",
                namespace.display_both()
            )),
            ProblemKind::UnlistedDependency { .. } => Some(
                "Cargo takes dependencies from the index and does not compare them with the package. Either the index gave \
                 Cargo another line than that of the published package, or the lock file was edited."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// The namespace of a release that is not trusted.
    pub fn namespace(&self) -> Option<&Namespace> {
        match &self.what {
            ProblemKind::Untrusted(reason) | ProblemKind::Stopped(reason) => Some(&reason.name.namespace),
            _ => None,
        }
    }

    /// The key that `--trust` accepts, with the places where its domain lists it; see [`Reason::listed_key`].
    pub fn listed_key(&self) -> Option<(&PublicKey, Vec<String>)> {
        match &self.what {
            ProblemKind::Untrusted(reason) | ProblemKind::Stopped(reason) => reason.listed_key(),
            _ => None,
        }
    }

    /// What to do next; `resume` is the command line to which a flag may be added, see [`Reason::next`].
    pub fn next(&self, resume: &str) -> String {
        match &self.what {
            ProblemKind::Untrusted(reason) | ProblemKind::Stopped(reason) => reason.next(resume),
            ProblemKind::Integrity(error) => error.hint().to_owned(),
            ProblemKind::NotInIndex { .. } => "tell the owner of the namespace: a published release is never removed; if the \
                                        lock file was edited by hand, restore it"
                .to_owned(),
            ProblemKind::Unreachable { needs_token: Some(asked), .. } => registry_client::needs_token(*asked),
            ProblemKind::Unreachable { .. } => {
                "check the network and try again; `--offline` works with what is cached".to_owned()
            }
            ProblemKind::Checksum(_) => "the file was altered on the server or on the way: do not use it, and tell the owner of \
                                  the namespace"
                .to_owned(),
            ProblemKind::Unreadable { .. } => "tell the owner of the registry".to_owned(),
            ProblemKind::Interrupted => "run the command again".to_owned(),
            ProblemKind::Name(error) => {
                error.hint().unwrap_or("restore Cargo.lock, or let Cargo write it again").to_owned()
            }
            ProblemKind::UnknownRegistry { .. } => {
                "find the package that brought it in with `cargo tree`; if the registry is yours, configure it in \
                 .cargo/config.toml"
                    .to_owned()
            }
            ProblemKind::UnlistedDependency { .. } => {
                "do not build the project before you know who did it; restore Cargo.lock, and tell the owner of the \
                 namespace if `cargo update` brings the dependency back"
                    .to_owned()
            }
            ProblemKind::YankUnsigned => "ask the owner of the namespace whether the release was yanked; if not, somebody \
                                          else changed the index"
                .to_owned(),
            ProblemKind::YankHidden { .. } => {
                "use another release, and tell the owner of the namespace that the index hides the yank".to_owned()
            }
            ProblemKind::DependencyRegistry { .. } => {
                "do not use the release, and tell the owner of its namespace".to_owned()
            }
        }
    }

    /// The exit code that fits this problem alone.
    pub fn exit(&self) -> ExitCode {
        match &self.what {
            ProblemKind::Untrusted(reason) if reason.is_unreachable() => ExitCode::Unreachable,
            ProblemKind::Unreachable { .. } => ExitCode::Unreachable,
            ProblemKind::Interrupted => ExitCode::Interrupted,
            ProblemKind::Name(_) => ExitCode::InvalidInput,
            _ => ExitCode::Refused,
        }
    }
}

impl Refused {
    /// The exit code for all: refused, if anything was; otherwise what the first problem says.
    pub fn exit(&self) -> ExitCode {
        let mut codes = self.problems.iter().map(Problem::exit);
        let first = codes.next().unwrap_or(ExitCode::Refused);
        if codes.all(|code| code == first) { first } else { ExitCode::Refused }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            // A reason begins with the release itself.
            ProblemKind::Untrusted(reason) | ProblemKind::Stopped(reason) => return reason.fmt(f),
            _ => write!(f, "{}: ", self.subject)?,
        }
        match &self.what {
            ProblemKind::Untrusted(_) | ProblemKind::Stopped(_) => Ok(()),
            ProblemKind::Integrity(error) => error.fmt(f),
            ProblemKind::NotInIndex { index } => write!(f, "not listed in {index}"),
            ProblemKind::Unreachable { what, reason, .. } => write!(f, "failed to fetch {what}: {reason}"),
            ProblemKind::Unreadable { what, reason } => write!(f, "failed to read {what}: {reason}"),
            ProblemKind::Checksum(text) => f.write_str(text),
            ProblemKind::Interrupted => f.write_str("interrupted"),
            ProblemKind::Name(error) => error.fmt(f),
            ProblemKind::UnknownRegistry { count, reason } => {
                let packages = if *count == 1 { "1 package of the lock file comes" } else { "packages come" };
                let many = if *count == 1 { String::new() } else { format!("{count} ") };
                write!(f, "{many}{packages} from this unknown registry: {reason}")
            }
            ProblemKind::UnlistedDependency { dependency, asked } => {
                write!(f, "Cargo.lock makes it depend on {dependency}, ")?;
                match asked {
                    Some(asked) => write!(f, "but it asks for {asked}"),
                    None => f.write_str("which the Cargo.toml inside its .crate does not name"),
                }
            }
            ProblemKind::YankUnsigned => {
                f.write_str("the index marks it as yanked, but no key that may yank it has signed the yank")
            }
            ProblemKind::YankHidden { key, at } => {
                write!(f, "{key} yanked it at {at}, but the index does not mark it as yanked")
            }
            ProblemKind::DependencyRegistry { dependency, found, namespace, declared } => {
                let namespace = namespace.display_both();
                write!(f, "its dependency `{dependency}` names {found}; {namespace} declares {declared}")
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        f.write_str(&problems.join("\n"))
    }
}

impl std::error::Error for Refused {}
