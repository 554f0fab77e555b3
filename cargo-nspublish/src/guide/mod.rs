//! The guide: from a domain that the registry does not know to a crate that may be published.
//!
//! | module | holds |
//! |---|---|
//! | [`case`] | who wants to publish what, and what stands in the way |
//! | [`permission`] | what registry and domain say to a key |
//! | [`place`] | the three places: what belongs there, and what stands there as seen from here |
//! | [`ask`] | the way at a terminal: choose a place, put the record up, wait |
//! | [`wait`] | asking again until the registry agrees |
//! | [`report`] | the way without a terminal: the same as text or JSON |
//! | [`memory`] | what was chosen, so that an interrupted guide goes on |
//! | [`records`] | what to publish where, in words, for `setup` and rotations |

mod ask;
mod case;
mod memory;
mod permission;
mod place;
mod records;
mod report;
mod wait;

pub use case::{Blocked, Case, is_for_the_domain};
pub use permission::{Asking, Permission, warn_of_unlisted};
pub use place::{Look, Place, look};
pub use records::{places, print, print_removed};
pub use report::{quoted, resume_command, seen_lines};

use std::time::Duration;

use cargo_namespaces_cli::shell::CliError;

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The registry agrees.
    MayPublish,
    /// Somebody must do something first; what, was said.
    ActionRequired,
}

/// Sees to it that the registry lets the key publish: asks it, and if it does not, guides.
///
/// # Errors
/// The registry does not answer, what stands in the way is not the domain, or Ctrl-C.
pub fn ensure(case: &Case<'_>, wait: Option<Duration>) -> Result<Outcome, CliError> {
    let Some(blocked) = case.ask()? else {
        memory::forget(case.session, &case.registry.namespace)?;
        return Ok(Outcome::MayPublish);
    };
    if !blocked.is_for_the_domain() {
        return Err(case.other_obstacle(&blocked));
    }
    if case.session.shell.can_prompt() {
        ask::guide(case, &blocked, wait)
    } else {
        report::instruct(case, &blocked, wait)
    }
}
