//! Ctrl-C: a flag that the operations look at.
//!
//! The first Ctrl-C (or a request to terminate) only sets a flag. Children in the same process group get the signal
//! themselves and die; downloads and waits look at the flag and give up; what was written so far is rolled back
//! by the destructors on the way out, and the command ends with code 130. Nothing is ever killed half-way.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The user asked the command to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Installs the handler, once; later calls do nothing. Where it cannot be installed, Ctrl-C kills as usual.
pub fn install() {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    INSTALLED.get_or_init(|| ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst)).is_ok());
}

/// True once the user has asked to stop.
pub fn is_set() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// The program was asked to stop and has stopped in good order, as a server does: that was no interruption.
pub fn complied() {
    INTERRUPTED.store(false, Ordering::SeqCst);
}

/// Stops here if the user asked for it; called between steps.
///
/// # Errors
/// [`Interrupted`] after Ctrl-C.
pub fn check() -> Result<(), Interrupted> {
    if is_set() { Err(Interrupted) } else { Ok(()) }
}
