//! Key files: PKCS#8 PEM, mode 0600, written once and never over another file.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use cargo_namespaces::key::{KeyError, SecretKey};
use cargo_namespaces::limits::MAX_KEY_FILE;
use cargo_namespaces_net::fs::{self, FsError};

/// Why a key file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PemFileError {
    /// It exists.
    #[error("`{}` exists: a key is never written over a file", .0.display())]
    Exists(PathBuf),
    /// `-`: standard output.
    #[error("a secret key is written to a file, never to standard output")]
    Stdout,
    /// It cannot be read.
    #[error("failed to read the key file `{}`", path.display())]
    Read {
        path: PathBuf,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] FsError),
    /// The key could not be encrypted.
    #[error("failed to encrypt the key")]
    Encrypt(#[source] KeyError),
    /// Larger than any key, or not text.
    #[error("`{}` is not a key file", .0.display())]
    NotPem(PathBuf),
}

impl PemFileError {
    /// What to do next, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) => Some("choose another file, or move this one away"),
            Self::Stdout => Some("name a file that does not exist yet"),
            Self::Write(error) => error.hint(),
            _ => None,
        }
    }
}

/// Refuses what is not the place of a new key file, before anything is made or asked.
///
/// # Errors
/// [`PemFileError::Exists`] (so does a terminal or another device), [`PemFileError::Stdout`].
pub fn check_new(path: &Path) -> Result<(), PemFileError> {
    if path == Path::new("-") {
        return Err(PemFileError::Stdout);
    }
    if path.symlink_metadata().is_ok() {
        return Err(PemFileError::Exists(path.to_owned()));
    }
    Ok(())
}

/// Writes a new key file, readable by its owner only, encrypted when there is a passphrase.
///
/// # Errors
/// [`PemFileError`]; an existing file is left as it is.
pub fn write_new(path: &Path, secret: &SecretKey, passphrase: Option<&str>) -> Result<(), PemFileError> {
    check_new(path)?;
    let pem = match passphrase {
        Some(passphrase) => secret.to_encrypted_pkcs8_pem(passphrase).map_err(PemFileError::Encrypt)?,
        None => secret.to_pkcs8_pem(),
    };
    fs::create_new_private(path, pem.as_bytes()).map_err(|error| match error.source.kind() {
        ErrorKind::AlreadyExists => PemFileError::Exists(path.to_owned()),
        _ => error.into(),
    })
}

/// The text of a key file, `-` for standard input.
///
/// # Errors
/// [`PemFileError`].
pub fn read(path: &Path) -> Result<Zeroizing<String>, PemFileError> {
    let failed = |source| PemFileError::Read { path: path.to_owned(), source };
    // With room from the start, so that no half-read copy is left behind by a reallocation.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE + 1));
    let limit = u64::try_from(MAX_KEY_FILE).unwrap_or(u64::MAX);
    if path == Path::new("-") {
        io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        File::open(path).map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() > MAX_KEY_FILE {
        return Err(PemFileError::NotPem(path.to_owned()));
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(PemFileError::NotPem(path.to_owned()))
        }
    }
}

/// True when others than its owner may read the file.
pub fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_private_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        let secret = SecretKey::generate().unwrap();
        write_new(&path, &secret, None).unwrap();
        assert!(!is_open_to_others(&path));
        let other = SecretKey::generate().unwrap();
        assert!(matches!(write_new(&path, &other, None), Err(PemFileError::Exists(_))));
        let read = SecretKey::from_pkcs8_pem(&read(&path).unwrap(), None).unwrap();
        assert_eq!(read.public(), secret.public());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn never_to_a_terminal() {
        let secret = SecretKey::generate().unwrap();
        assert!(matches!(write_new(Path::new("-"), &secret, None), Err(PemFileError::Stdout)));
        #[cfg(unix)]
        assert!(matches!(write_new(Path::new("/dev/stdout"), &secret, None), Err(PemFileError::Exists(_))));
    }

    #[test]
    fn what_is_no_key_file_is_not_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("big");
        File::create(&path).unwrap().set_len(1 << 30).unwrap();
        assert!(matches!(read(&path), Err(PemFileError::NotPem(_))));
        assert!(matches!(read(&directory.path().join("none")), Err(PemFileError::Read { .. })));
    }
}
