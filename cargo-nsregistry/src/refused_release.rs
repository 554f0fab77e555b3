//! What a publisher reads when the rules for releases refuse a change.

use cargo_namespaces::release::Refusal;

use crate::error::ApiError;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Twin { namespace, new, existing } => Self::conflict(
                "twin",
                format!(
                    "the crate `{new}` is the same name as `{existing}`, which {namespace} has already: names that differ only in \
                     case, `-` and `_` are one name. Publish it as `{existing}`."
                ),
            ),
            Refusal::BuildTwin { name, new, existing } => Self::conflict(
                "version-taken",
                format!(
                    "{name} has version {existing} already, and {new} differs from it only in its build part, which Cargo does not \
                     compare. Choose another version."
                ),
            ),
            Refusal::VersionTaken { name, version, same: true } => Self::conflict(
                "version-taken",
                format!(
                    "{name} {version} is published already, with exactly this content: there is nothing to do."
                ),
            ),
            Refusal::VersionTaken { name, version, same: false } => Self::conflict(
                "version-taken",
                format!(
                    "{name} {version} is published already, with other content; a version is never replaced. Choose another \
                     version. (If you have just published it: somebody else, or another run, was faster.)"
                ),
            ),
            Refusal::Unknown { name, version } => Self::not_found(format!("there is no {name} {version}")),
            Refusal::OtherRelease { .. } => {
                Self::forbidden("other-release", "the statement was signed for another .crate")
            }
            Refusal::Outdated { .. } => Self::conflict(
                "outdated",
                "a later statement about this release is there already; run the command again",
            ),
            Refusal::TooManySignatures { .. } => {
                Self::conflict("too-many", format!("{refusal}; it takes no more"))
            }
            other => Self::conflict("too-many", other.to_string()),
        }
    }
}
