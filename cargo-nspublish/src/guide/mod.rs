//! The guide: what a person or a program is told when the registry does not let a key publish yet, until it does.
//!
//! | module | holds |
//! |---|---|
//! | [`request`] | which key is to publish which crates, and what the registry answers |
//! | [`permission`] | whether the registry lets a key publish, and whether the domain lists it |
//! | [`location`] | the three locations of records, and what belongs there |
//! | [`lookup`] | whether a record is there, as seen from here |
//! | [`ask`] | at a terminal: choose a location, put the record up, wait |
//! | [`wait`] | asking again until the registry agrees |
//! | [`report`] | without a terminal: the same as text or JSON |
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

/// How the guide ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuideOutcome {
    /// The registry agrees.
    MayPublish,
    /// Somebody must do something first; the guide said what.
    ActionRequired,
}

/// Asks the registry whether the key may publish, and guides if it may not.
///
/// # Errors
/// The registry does not answer, a record at the domain would not help, or Ctrl-C.
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
