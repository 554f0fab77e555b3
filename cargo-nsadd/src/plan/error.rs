//! Why a plan cannot be made.

use cargo_namespaces::name::{QualifiedName, QualifiedSpec};
use semver::Version;

use super::CrateRequest;
use crate::existing::{ConflictingDependency, KeyUse};
use crate::options::ResumeCommand;

/// A key that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What the user wrote.
    pub spec: QualifiedSpec,
    /// The dependency that has the key.
    pub dependency: ConflictingDependency,
}

impl Conflict {
    /// The conflict of a crate about which the user has not decided.
    pub(super) fn undecided(request: &CrateRequest) -> Option<Self> {
        match (&request.key_use, request.choice) {
            (KeyUse::Taken(taken), None) => {
                Some(Self { spec: request.spec.clone(), dependency: (**taken).clone() })
            }
            _ => None,
        }
    }
}

/// The plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Keys are taken, and the user has to decide.
    #[error("{}", taken_keys(conflicts))]
    Taken {
        /// At least one.
        conflicts: Vec<Conflict>,
        /// The command line to resume with.
        resume: ResumeCommand,
    },
    /// No release fits the requirement, or all are yanked.
    #[error("{}", no_release(spec))]
    NoRelease {
        spec: QualifiedSpec,
        /// The newest releases, the newest first.
        available: Vec<Version>,
    },
    /// A requirement for a dependency that has the workspace's.
    #[error("{} is inherited, with the requirement of the workspace", name.display_both())]
    InheritedRequirement { name: QualifiedName },
    /// A feature that names no crate, among several.
    #[error("the feature `{feature}` must say which crate it is for")]
    FeatureOfWhich {
        feature: String,
        /// One of the crates.
        example: String,
    },
    /// A feature of a name that several crates have.
    #[error("the feature `{feature}` fits more than one crate")]
    FeatureOfSeveral { feature: String },
}

impl PlanError {
    /// Where the keys are.
    pub fn cause(&self) -> Option<String> {
        let Self::Taken { conflicts, .. } = self else { return None };
        let lines: Vec<String> = conflicts.iter().map(|conflict| conflict.dependency.describe()).collect();
        Some(lines.join("\n"))
    }

    /// What to do; each is one way.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Taken { conflicts, resume } => ways_on(conflicts, resume),
            Self::NoRelease { available, .. } if available.is_empty() => Vec::new(),
            Self::NoRelease { available, .. } => {
                let listed: Vec<String> = available.iter().map(Version::to_string).collect();
                vec![format!("the newest releases are {}", listed.join(", "))]
            }
            Self::InheritedRequirement { name } => vec![format!(
                "leave the requirement out, or change it in `[workspace.dependencies]` at `{}`",
                name.krate
            )],
            Self::FeatureOfWhich { feature, example } => vec![format!("write `{example}/{feature}`")],
            Self::FeatureOfSeveral { .. } => {
                vec!["write the whole name: `NAMESPACE/CRATE/FEATURE`".to_owned()]
            }
        }
    }
}

fn taken_keys(conflicts: &[Conflict]) -> String {
    match conflicts {
        [only] => format!("there is a dependency `{}` already", only.dependency.dependency.key),
        _ => "there are dependencies of these names already".to_owned(),
    }
}

fn no_release(spec: &QualifiedSpec) -> String {
    let name = spec.name.display_both();
    match spec.req_text() {
        Some(req) => format!("no release of {name} fits `{req}`"),
        None => format!("{name} has no release that is not yanked"),
    }
}

fn ways_on(conflicts: &[Conflict], resume: &ResumeCommand) -> Vec<String> {
    let crates: Vec<String> = conflicts.iter().map(|conflict| conflict.spec.to_string()).collect();
    let mut hints = Vec::new();
    if conflicts.iter().all(|conflict| !conflict.dependency.is_other_package(&conflict.spec.name)) {
        let target = match conflicts {
            [only] => only.spec.name.namespace.display_both(),
            _ => "their namespaces".to_owned(),
        };
        hints.push(format!("to move it to {target}:\n  {}", resume.with("--switch", &crates)));
    }
    let rename = resume.with("--rename", &crates);
    hints.push(format!("to keep both, the new one under another key:\n  {rename}"));
    hints
}
