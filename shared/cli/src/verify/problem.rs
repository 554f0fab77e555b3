//! What is wrong, for the person who is stuck: all of it at once.

use std::fmt;

use crate::registry_client;
use crate::shell::ExitCode;
use cargo_namespaces::intact::NotIntact;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, NameError, Namespace};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::trust::{Note, Reason};

/// At least one release is not intact or not trusted.
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
    pub what: What,
}

/// What is wrong.
#[derive(Debug)]
pub enum What {
    /// Intact, and not trusted.
    Untrusted(Box<Reason>),
    /// Intact, and a person has to decide; the reason names the flag.
    Stopped(Box<Reason>),
    /// Not intact.
    NotIntact(Box<NotIntact>),
    /// The index does not list the release.
    NotInIndex {
        /// The index.
        index: IndexUrl,
    },
    /// An index file, a `config.json` or a .crate was not had.
    Unreachable {
        /// What was asked for.
        what: String,
        /// Why it was not had, as a fragment.
        reason: String,
        /// A private registry, and no token for it.
        needs_token: bool,
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
        /// The dependency.
        dependency: String,
        /// The URL.
        found: IndexUrl,
        /// Whose index it says it is.
        namespace: Namespace,
        /// What that namespace's domain declares.
        declared: IndexUrl,
    },
    /// The index says that a release is yanked, and nobody who may say so signed that.
    YankUnsigned,
    /// The index says that a release is not yanked, and carries a signed statement that it is.
    YankHidden {
        /// Who signed.
        key: PublicKey,
        /// When.
        at: Timestamp,
    },
}

impl What {
    /// Whether no signature holds.
    pub(super) fn is_signature(&self) -> bool {
        matches!(self, Self::NotIntact(error) if matches!(**error, NotIntact::NoSignatureHolds { .. }))
    }
}

impl Problem {
    /// Stable kebab-case code for machines.
    pub fn code(&self) -> &'static str {
        match &self.what {
            What::Untrusted(reason) | What::Stopped(reason) => reason.code(),
            What::NotIntact(error) => match **error {
                NotIntact::Unsigned => "unsigned",
                NotIntact::NoSignatureHolds { .. } => "no-signature-holds",
                NotIntact::Checksum { .. } | NotIntact::LockChecksum { .. } => "checksum",
                NotIntact::Facts(_) => "index-line-differs",
                NotIntact::Package(_) => "package",
                _ => "not-intact",
            },
            What::NotInIndex { .. } => "not-in-index",
            What::Unreachable { .. } => "unreachable",
            What::Unreadable { .. } => "unreadable",
            What::Checksum(_) => "checksum",
            What::Interrupted => "interrupted",
            What::Name(_) => "name",
            What::UnknownRegistry { .. } => "unknown-registry",
            What::DependencyRegistry { .. } => "dependency-registry",
            What::UnlistedDependency { .. } => "dependency-not-listed",
            What::YankUnsigned => "yank-unsigned",
            What::YankHidden { .. } => "yank-hidden",
        }
    }

    /// What it means, where the headline does not say it all.
    pub fn meaning(&self) -> Option<String> {
        match &self.what {
            What::Untrusted(reason) | What::Stopped(reason) => Some(reason.meaning()),
            What::UnknownRegistry { .. } => Some(
                "A registry in the lock file has to be the index of a namespace, or one that is configured under \
                 [registries]; otherwise nobody here vouches for what comes from it."
                    .to_owned(),
            ),
            What::DependencyRegistry { namespace, .. } => Some(format!(
                "The dependency would be looked up in a registry that only claims to be {}'s.",
                namespace.display_both()
            )),
            What::UnlistedDependency { .. } => Some(
                "Cargo believes whatever an index says about dependencies. Either Cargo was shown another index line than \
                 the one that belongs to the published package, or the lock file was edited."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// The namespace of a release that is not trusted.
    pub fn namespace(&self) -> Option<&Namespace> {
        match &self.what {
            What::Untrusted(reason) | What::Stopped(reason) => Some(&reason.name.namespace),
            _ => None,
        }
    }

    /// The key that `--trust` accepts, with the places where its domain lists it; see [`Reason::listed_key`].
    pub fn listed_key(&self) -> Option<(&PublicKey, Vec<String>)> {
        match &self.what {
            What::Untrusted(reason) | What::Stopped(reason) => reason.listed_key(),
            _ => None,
        }
    }

    /// What to do next; `resume` is the command line to which a flag may be added, see [`Reason::next`].
    pub fn next(&self, resume: &str) -> String {
        match &self.what {
            What::Untrusted(reason) | What::Stopped(reason) => reason.next(resume),
            What::NotIntact(error) => error.hint().to_owned(),
            What::NotInIndex { .. } => "tell the owner of the namespace: a published release is never removed; if the \
                                        lock file was edited by hand, restore it"
                .to_owned(),
            What::Unreachable { needs_token: true, reason, .. } => registry_client::needs_token(reason),
            What::Unreachable { .. } => {
                "check the network and try again; `--offline` works with what is cached".to_owned()
            }
            What::Checksum(_) => "the file was altered on the server or on the way: do not use it, and tell the owner of \
                                  the namespace"
                .to_owned(),
            What::Unreadable { .. } => "tell the owner of the registry".to_owned(),
            What::Interrupted => "run the command again".to_owned(),
            What::Name(error) => {
                error.hint().unwrap_or("restore Cargo.lock, or let Cargo write it again").to_owned()
            }
            What::UnknownRegistry { .. } => {
                "find out who brought it in (`cargo tree`); if it is yours, configure it in .cargo/config.toml".to_owned()
            }
            What::UnlistedDependency { .. } => {
                "do not build the project before you know who did it; restore Cargo.lock, and tell the owner of the \
                 namespace if `cargo update` brings the dependency back"
                    .to_owned()
            }
            What::YankUnsigned => "ask the owner of the namespace whether the release was withdrawn; if it was not, its \
                                   index is kept by somebody else"
                .to_owned(),
            What::YankHidden { .. } => {
                "take another release, and tell the owner of the namespace that the index hides this".to_owned()
            }
            What::DependencyRegistry { .. } => {
                "do not use the release, and tell the owner of its namespace".to_owned()
            }
        }
    }

    /// The exit code that fits this problem alone.
    pub fn exit(&self) -> ExitCode {
        match &self.what {
            What::Untrusted(reason) if reason.is_unreachable() => ExitCode::Unreachable,
            What::Unreachable { .. } => ExitCode::Unreachable,
            What::Interrupted => ExitCode::Interrupted,
            What::Name(_) => ExitCode::InvalidInput,
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
            What::Untrusted(reason) | What::Stopped(reason) => return reason.fmt(f),
            _ => write!(f, "{}: ", self.subject)?,
        }
        match &self.what {
            What::Untrusted(_) | What::Stopped(_) => Ok(()),
            What::NotIntact(error) => error.fmt(f),
            What::NotInIndex { index } => write!(f, "not listed in {index}"),
            What::Unreachable { what, reason, .. } => write!(f, "could not get {what}: {reason}"),
            What::Unreadable { what, reason } => write!(f, "could not read {what}: {reason}"),
            What::Checksum(text) => f.write_str(text),
            What::Interrupted => f.write_str("interrupted"),
            What::Name(error) => error.fmt(f),
            What::UnknownRegistry { count, reason } => {
                let packages = if *count == 1 { "1 package of the lock file comes" } else { "packages come" };
                let many = if *count == 1 { String::new() } else { format!("{count} ") };
                write!(f, "{many}{packages} from this registry, which is not known here: {reason}")
            }
            What::UnlistedDependency { dependency, asked } => {
                write!(f, "Cargo.lock makes it depend on {dependency}, ")?;
                match asked {
                    Some(asked) => write!(f, "but it asks for {asked}"),
                    None => f.write_str("which the Cargo.toml inside its .crate does not name"),
                }
            }
            What::YankUnsigned => f.write_str(
                "the index says that it is yanked, so Cargo passes it over, and no key that may yank it signed that",
            ),
            What::YankHidden { key, at } => {
                write!(f, "{key} yanked it at {at}, and the index says that it is not yanked")
            }
            What::DependencyRegistry { dependency, found, namespace, declared } => {
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
