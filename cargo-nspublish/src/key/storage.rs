//! Where a new key is kept: in the file that a flag names, or in the keyring. If there is no keyring, an encrypted file is
//! offered, before anything else is asked. Also where the passphrase of the file comes from.

use std::path::{Path, PathBuf};

use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::interrupt::Interrupted;
use cargo_namespaces_cli::keystore::keyring::{self, KeyringError};
use cargo_namespaces_cli::keystore::{Given, KeystoreError};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::context::Context;
use crate::options::KeyFileOptions;

/// The flag that names the file of a device key in `setup` and in a first publish.
pub const DEVICE_FILE: &str = "--device-file FILE";
/// The flag that leaves an imported key in its file.
pub const LEAVE_IN_FILE: &str = "--leave-in-file";

/// Why there is no place for a new key.
#[derive(Debug)]
pub enum NoStorage {
    /// There is no keyring, and nobody can be asked for a file.
    NoKeyring {
        /// Why there is none.
        source: KeystoreError,
        /// The flag that names a file.
        flag: &'static str,
    },
    /// The question failed, or Ctrl-C.
    Asking(CliError),
}

impl NoStorage {
    /// Whether a person could help: the keyring is absent, locked or silent, and did not fail.
    pub fn is_for_a_person(&self) -> bool {
        matches!(
            self,
            Self::NoKeyring {
                source: KeystoreError::Keyring(
                    KeyringError::Absent(_) | KeyringError::Locked(_) | KeyringError::Silent
                ),
                ..
            }
        )
    }

    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoKeyring { flag, .. } => Some(without_keyring(flag)),
            Self::Asking(_) => None,
        }
    }
}

impl From<NoStorage> for CliError {
    fn from(error: NoStorage) -> Self {
        let hint = error.hint();
        let made = match error {
            NoStorage::NoKeyring { source, .. } => Self::from(source),
            NoStorage::Asking(error) => error,
        };
        match hint {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

/// Returns the file for a new key that will be called `name`, or `None` for the keyring. `flag` is the flag that names a file,
/// and `file` its value.
///
/// # Errors
/// There is no keyring and nobody can be asked, or Ctrl-C.
pub fn of_new_key(
    context: &Context<'_>,
    file: Option<&Path>,
    name: &str,
    flag: &'static str,
) -> Result<Option<PathBuf>, NoStorage> {
    match file {
        Some(file) => Ok(Some(context.path(file))),
        None => instead_of_keyring(context, &default_file(context, name), flag),
    }
}

/// Asks for a file if there is no keyring. Returns `None` if there is one.
pub fn instead_of_keyring(
    context: &Context<'_>,
    default: &Path,
    flag: &'static str,
) -> Result<Option<PathBuf>, NoStorage> {
    let source = match keyring::probe(&context.keys(None).waiting()) {
        Ok(()) => return Ok(None),
        Err(KeyringError::Interrupted) => return Err(NoStorage::Asking(Interrupted.into())),
        Err(error) => KeystoreError::from(error),
    };
    let question = format!(
        "The key cannot be kept in a keyring: {}.\n\
         An encrypted file keeps it too; its passphrase is asked for whenever the key signs. (`{flag}` does so without a question.)\n\
         Key file",
        CliError::from_error(ExitCode::ActionRequired, &source)
    );
    match context.shell.input(&question, &default.display().to_string()).map_err(NoStorage::Asking)? {
        Some(typed) => Ok(Some(typed_path(context, &typed))),
        None => Err(NoStorage::NoKeyring { source, flag }),
    }
}

/// Says what to do if there is no keyring and nobody can be asked; `flag` names a file instead.
fn without_keyring(flag: &str) -> String {
    const AGAIN: &str = "or start or unlock the keyring and run the command again";
    if flag == LEAVE_IN_FILE {
        return format!("leave the key in its file: add `{flag}`; {AGAIN}");
    }
    let other = match flag {
        // Of these commands, `--key` is the key that signs.
        DEVICE_FILE => {
            "; or use a key that is there: `--key FILE`, or in a build service CARGO_NAMESPACES_KEY or CARGO_NAMESPACES_KEY_FILE \
             with CARGO_NAMESPACES_KEY_PASSPHRASE"
        }
        _ => "",
    };
    format!(
        "keep the key in an encrypted file: add `{flag}` (the passphrase of a new file comes from `--new-passphrase-file FILE` \
         or CARGO_NAMESPACES_NEW_KEY_PASSPHRASE); {AGAIN}{other}"
    )
}

/// Returns the default file for a key, in a directory beside the key book.
pub fn default_file(context: &Context<'_>, name: &str) -> PathBuf {
    let directory = context.settings.cargo_home.join("namespaces").join("keys");
    let numbered = (2..).map(|number| directory.join(format!("{name}-{number}.pem")));
    let mut candidates = std::iter::once(directory.join(format!("{name}.pem"))).chain(numbered);
    candidates.find(|file| !file.exists()).unwrap_or(directory)
}

/// Returns the directory of the package or git work tree that a new key file would be published with.
fn published_with(context: &Context<'_>, file: &Path) -> Option<PathBuf> {
    let own = context.settings.cargo_home.join("namespaces");
    if file.starts_with(&own) {
        return None;
    }
    let is_public = |above: &&Path| above.join("Cargo.toml").exists() || above.join(".git").exists();
    file.ancestors().skip(1).find(is_public).map(Path::to_owned)
}

/// Refuses a new key file in a package or git work tree, since it would be published with it.
pub fn check_unpublished(context: &Context<'_>, file: &Path) -> Result<(), CliError> {
    let Some(directory) = published_with(context, file) else { return Ok(()) };
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("device");
    let error = format!(
        "the key file `{}` would lie in the package or git work tree `{}`",
        file.display(),
        directory.display()
    );
    Err(CliError::new(ExitCode::InvalidInput, error)
        .because("a later publish or push would give the key away")
        .hint(format!("name a file outside of it, such as `{}`", default_file(context, name).display())))
}

/// Resolves a path that was typed as an answer, where no shell has replaced `~`.
pub fn typed_path(context: &Context<'_>, typed: &str) -> PathBuf {
    let home = context.env.path(Var::Home).or_else(|| context.env.path(Var::UserProfile));
    match (typed.trim().strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => context.path(Path::new(typed.trim())),
    }
}

impl KeyFileOptions {
    /// Returns where the passphrase of a new device key comes from. It is never that of other keys which are opened or made.
    pub fn of_device(&self, context: &Context<'_>) -> Vec<Given> {
        vec![Given::New(self.new_passphrase_file.as_deref().map(|file| context.path(file)))]
    }

    /// Returns where the passphrase of a new recovery key comes from: what opens it later. If no file is made for a device key, also
    /// what is for the new file.
    pub fn of_recovery(&self, context: &Context<'_>, with_device_file: bool) -> Vec<Given> {
        let mut given = vec![Given::Opening(self.passphrase_file.as_deref().map(|file| context.path(file)))];
        if !with_device_file {
            given.extend(self.of_device(context));
        }
        given
    }

    /// Returns where the passphrase of a copy of a key comes from.
    pub fn of_copy(&self, context: &Context<'_>) -> Vec<Given> {
        let mut given = self.of_device(context);
        given.extend(self.of_recovery(context, true));
        given
    }
}
