//! Namespaces that nobody can own, on a command line.

use cargo_namespaces::name::Namespace;

use crate::settings::Settings;
use crate::shell::{CliError, ExitCode};

/// Refuses a special-use name, such as one below `.example`, unless the configuration allows it. Called where a namespace
/// enters a command.
///
/// # Errors
/// The configuration does not allow the name; the hint says what allows it, where something does.
pub fn check_special_use(settings: &Settings, namespace: &Namespace) -> Result<(), CliError> {
    namespace.check_special_use(settings.namespaces.special_use).map_err(|error| {
        let made = CliError::from_error(ExitCode::InvalidInput, &error);
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    })
}
