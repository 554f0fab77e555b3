//! Where a new key is kept: in the file that a flag names, in the keyring, or, where there is none, in an encrypted file
//! that is offered before anything else is asked. And where its passphrase comes from.

use std::path::{Path, PathBuf};

use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::keystore::{Given, KeystoreError, keyring};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::args::Protection;
use crate::publish::published_with;
use crate::session::Session;

/// The flag for a device key that is made on the way to something else.
pub const DEVICE_FILE: &str = "--device-file FILE";
/// The flag with which an imported key is kept nowhere else.
pub const LEAVE_IN_FILE: &str = "--leave-in-file";

/// The place of a new key that is going to be called `name`. `flag` is the flag that names a file; `file` is what it says.
/// `None` is the keyring.
///
/// # Errors
/// There is no keyring and nobody can be asked, or Ctrl-C.
pub fn of_new_key(
    session: &Session<'_>,
    file: Option<&Path>,
    name: &str,
    flag: &str,
) -> Result<Option<PathBuf>, CliError> {
    match file {
        Some(file) => Ok(Some(session.path(file))),
        None => instead_of_keyring(session, &default_file(session, name), flag),
    }
}

/// Asks for a file where there is no keyring; `None` where there is one.
///
/// # Errors
/// As [`of_new_key`].
pub fn instead_of_keyring(
    session: &Session<'_>,
    default: &Path,
    flag: &str,
) -> Result<Option<PathBuf>, CliError> {
    let error: CliError = match keyring::probe(&session.keys(None).waiting()) {
        Ok(()) => return Ok(None),
        Err(error) => KeystoreError::from(error).into(),
    };
    if error.is_silent() {
        return Err(error);
    }
    let question = format!(
        "The key cannot be kept in a keyring: {error}.\n\
         An encrypted file keeps it too; its passphrase is asked for whenever the key signs. (`{flag}` does so without a question.)\n\
         Key file"
    );
    match session.shell.input(&question, &default.display().to_string())? {
        Some(typed) => Ok(Some(typed_path(session, &typed))),
        None => Err(error.hint(without_keyring(flag))),
    }
}

/// What to do where there is no keyring and nobody can be asked; `flag` names a file instead.
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

/// Where a key file goes if nobody says otherwise: beside the key book.
pub fn default_file(session: &Session<'_>, name: &str) -> PathBuf {
    let directory = session.settings.cargo_home.join("namespaces").join("keys");
    let numbered = (2..).map(|number| directory.join(format!("{name}-{number}.pem")));
    let mut candidates = std::iter::once(directory.join(format!("{name}.pem"))).chain(numbered);
    candidates.find(|file| !file.exists()).unwrap_or(directory)
}

/// Refuses a new key file that would be packaged or committed with what is around it.
///
/// # Errors
/// It lies in a package or in a git work tree.
pub fn check_unpublished(session: &Session<'_>, file: &Path) -> Result<(), CliError> {
    let Some(directory) = published_with(session, file) else { return Ok(()) };
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("device");
    let error = format!(
        "the key file `{}` would lie in the package or git work tree `{}`",
        file.display(),
        directory.display()
    );
    Err(CliError::new(ExitCode::InvalidInput, error)
        .because("a later publish or push would give the key away")
        .hint(format!("name a file outside of it, such as `{}`", default_file(session, name).display())))
}

/// A path that somebody typed as an answer: no shell has replaced `~` in it.
pub fn typed_path(session: &Session<'_>, typed: &str) -> PathBuf {
    let home = session.env.path(Var::Home).or_else(|| session.env.path(Var::UserProfile));
    match (typed.trim().strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => session.path(Path::new(typed.trim())),
    }
}

impl Protection {
    /// For a device key beside which others are opened or made: their passphrase never protects it.
    pub fn of_device(&self, session: &Session<'_>) -> Vec<Given> {
        vec![Given::New(self.new_passphrase_file.as_deref().map(|file| session.path(file)))]
    }

    /// For a recovery key: what opens it later; where no device key's file is made, also what is for the new file.
    pub fn of_recovery(&self, session: &Session<'_>, with_device_file: bool) -> Vec<Given> {
        let mut given = vec![Given::Opening(self.passphrase_file.as_deref().map(|file| session.path(file)))];
        if !with_device_file {
            given.extend(self.of_device(session));
        }
        given
    }

    /// For a copy of a key.
    pub fn of_copy(&self, session: &Session<'_>) -> Vec<Given> {
        let mut given = self.of_device(session);
        given.extend(self.of_recovery(session, true));
        given
    }
}
