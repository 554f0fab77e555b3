//! The guide: from a domain that the registry does not know to a crate that may be published.
//!
//! | module | holds |
//! |---|---|
//! | [`request`] | who wants to publish what, and what stands in the way |
//! | [`permission`] | what registry and domain say to a key |
//! | [`location`] | the three locations of records, and what belongs there |
//! | [`lookup`] | whether a record is there, as seen from here |
//! | [`ask`] | the way at a terminal: choose a place, put the record up, wait |
//! | [`wait`] | asking again until the registry agrees |
//! | [`report`] | the way without a terminal: the same as text or JSON |
//! | [`memory`] | what was chosen, so that an interrupted guide goes on |
//! | [`records`] | what to publish where, in words, for `setup` and rotations |

mod ask;
mod request;
mod memory;
mod permission;
mod location;
mod lookup;
mod records;
mod report;
mod wait;

pub use location::{RecordLocation, places};
pub use lookup::{LocationCheck, check_location};
pub use permission::{Permission, PermissionCheck, warn_of_unlisted};
pub use records::{print, print_removed};
pub use report::seen_lines;
pub use request::{Blocked, PermissionRequest, is_for_the_domain};

use std::time::Duration;

use cargo_namespaces_cli::shell::CliError;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuideOutcome {
    /// The registry agrees.
    MayPublish,
    /// Somebody must do something first; what, was said.
    ActionRequired,
}

/// Sees to it that the registry lets the key publish: asks it, and if it does not, guides.
///
/// # Errors
/// The registry does not answer, what stands in the way is not the domain, or Ctrl-C.
pub fn ensure(request: &PermissionRequest<'_>, wait: Option<Duration>) -> Result<GuideOutcome, CliError> {
    let Some(blocked) = request.ask()? else {
        memory::forget(request.context, &request.registry.namespace)?;
        return Ok(GuideOutcome::MayPublish);
    };
    if !blocked.is_for_the_domain() {
        return Err(request.other_obstacle(&blocked));
    }
    if request.context.shell.can_prompt() {
        ask::guide(request, &blocked, wait)
    } else {
        report::instruct(request, &blocked, wait)
    }
}
