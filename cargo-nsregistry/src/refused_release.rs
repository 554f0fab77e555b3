//! What the rules for releases refuse, in the words of this registry.

use cargo_namespaces::release::Refusal;

/// A change of a crate's index that the [rules](cargo_namespaces::release) refuse. The text is for whoever asked for it.
#[derive(Debug, thiserror::Error)]
#[error("{}", text(.0))]
pub struct RefusedRelease(pub Box<Refusal>);

impl From<Refusal> for RefusedRelease {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(refusal))
    }
}

fn text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Twin { namespace, new, existing } => format!(
            "the crate `{new}` is the same name as `{existing}`, which {namespace} has already: names that differ only in \
             case, `-` and `_` are one name. Publish it as `{existing}`."
        ),
        Refusal::BuildTwin { name, new, existing } => format!(
            "{name} has version {existing} already, and {new} differs from it only in its build part, which Cargo does not \
             compare. Choose another version."
        ),
        Refusal::VersionTaken { name, version, same: true } => {
            format!(
                "{name} {version} is published already, with exactly this content: there is nothing to do."
            )
        }
        Refusal::VersionTaken { name, version, same: false } => format!(
            "{name} {version} is published already, with other content; a version is never replaced. Choose another \
             version. (If you have just published it: somebody else, or another run, was faster.)"
        ),
        Refusal::Unknown { name, version } => format!("there is no {name} {version}"),
        Refusal::OtherRelease { .. } => "the statement was signed for another .crate".to_owned(),
        Refusal::Outdated { .. } => {
            "a later statement about this release is there already; run the command again".to_owned()
        }
        Refusal::TooManySignatures { .. } => format!("{refusal}; no more can be added"),
        other => other.to_string(),
    }
}
