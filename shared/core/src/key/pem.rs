//! Secret keys as PKCS#8 PEM files.
//!
//! Written: version 1 without the public key (OpenSSL before 3.2 refuses version 2), and for a passphrase PBES2 with
//! PBKDF2-HMAC-SHA-256 and AES-256-CBC, which every OpenSSL since 1.1 reads with its defaults (scrypt at a useful cost
//! exceeds OpenSSL's default memory limit). Read: versions 1 and 2, and PBES2 with SHA-2 or scrypt.

use ed25519_dalek::SigningKey;
use pkcs8::der::{
    asn1::{BitStringRef, OctetStringRef},
    pem::PemLabel,
};
use pkcs8::{
    AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef,
    SecretDocument,
    pkcs5::{
        EncryptionScheme,
        pbes2::{Kdf, Parameters},
    },
};
use zeroize::Zeroizing;

use super::SecretKey;
use crate::limits::{MAX_KEY_FILE, MAX_PBKDF2_ROUNDS, MAX_SCRYPT_MEMORY};

/// id-Ed25519 of RFC 8410, without parameters.
const ED25519: AlgorithmIdentifierRef<'_> =
    AlgorithmIdentifierRef { oid: ObjectIdentifier::new_unwrap("1.3.101.112"), parameters: None };

/// What comes before the 32 bytes inside the private key's octet string: the header of another (RFC 8410, section 7).
const INNER: [u8; 2] = [0x04, 0x20];

/// PBKDF2 rounds for the keys that we encrypt: the OWASP recommendation for HMAC-SHA-256.
const PBKDF2_ROUNDS: u32 = 600_000;

/// Why a secret key could not be made, read or written. Nothing secret is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The operating system gave no randomness.
    #[error("the operating system's random number generator failed")]
    Random,
    /// Larger than any key file.
    #[error("the key file is larger than {MAX_KEY_FILE} bytes")]
    TooLarge,
    /// No PEM, or not a PKCS#8 private key in it.
    #[error("not a PKCS#8 private key in PEM (`-----BEGIN PRIVATE KEY-----`)")]
    NotPkcs8,
    /// A key of another algorithm.
    #[error("the key is not an Ed25519 key")]
    NotEd25519,
    /// Encrypted, and no passphrase was given.
    #[error("the key is encrypted and needs a passphrase")]
    NeedsPassphrase,
    /// Encrypted under another passphrase.
    #[error("the passphrase does not open the key")]
    WrongPassphrase,
    /// Encrypted in a way that is not read, or too costly to open.
    #[error("the key is encrypted in a way that is not supported (PBES2 with AES and scrypt or SHA-2 is)")]
    Encryption,
    /// The public key in the file belongs to another secret key.
    #[error("the public key in the file does not belong to its secret key")]
    Mismatch,
}

impl KeyError {
    /// What to do next, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotPkcs8 | Self::NotEd25519 => Some(
                "`openssl genpkey -algorithm ed25519 -out key.pem` makes such a key, and so does `cargo nspublish key new`",
            ),
            Self::WrongPassphrase => Some(
                "try again; a passphrase that is lost cannot be restored, but the recovery key can put another key in the \
                 place of this one: `cargo nspublish key rotate`",
            ),
            Self::Encryption => {
                Some("`openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256` rewrites it")
            }
            _ => None,
        }
    }
}

impl SecretKey {
    /// The key as unencrypted PKCS#8 PEM.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        document_pem(&self.to_der(), <PrivateKeyInfoRef<'_> as PemLabel>::PEM_LABEL)
    }

    /// The key as PKCS#8 PEM encrypted under `passphrase`.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn to_encrypted_pkcs8_pem(&self, passphrase: &str) -> Result<Zeroizing<String>, KeyError> {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        getrandom::fill(&mut salt).map_err(|_| KeyError::Random)?;
        getrandom::fill(&mut iv).map_err(|_| KeyError::Random)?;
        let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ROUNDS, &salt, iv)
            .map_err(|_| KeyError::Encryption)?;
        let document = self.to_der();
        let info = PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| KeyError::Encryption)?;
        let encrypted = info.encrypt_with_params(parameters, passphrase).map_err(|_| KeyError::Encryption)?;
        Ok(document_pem(&encrypted, <EncryptedPrivateKeyInfoRef<'_> as PemLabel>::PEM_LABEL))
    }

    /// Reads a key from PKCS#8 PEM, opening it with `passphrase` when it is encrypted. A passphrase given for a key that
    /// is not encrypted is not used.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::NeedsPassphrase`] invites to ask for one and come back.
    pub fn from_pkcs8_pem(pem: &str, passphrase: Option<&str>) -> Result<Self, KeyError> {
        if pem.len() > MAX_KEY_FILE {
            return Err(KeyError::TooLarge);
        }
        let (label, document) = SecretDocument::from_pem(pem.trim()).map_err(|_| KeyError::NotPkcs8)?;
        if label == <PrivateKeyInfoRef<'_> as PemLabel>::PEM_LABEL {
            return from_der(document.as_bytes());
        }
        if label != <EncryptedPrivateKeyInfoRef<'_> as PemLabel>::PEM_LABEL {
            return Err(KeyError::NotPkcs8);
        }
        let info =
            EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| KeyError::NotPkcs8)?;
        check_cost(&info.encryption_algorithm)?;
        let passphrase = passphrase.ok_or(KeyError::NeedsPassphrase)?;
        let opened = info.decrypt(passphrase).map_err(|error| match error {
            pkcs8::Error::EncryptedPrivateKey(
                pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs8::pkcs5::Error::NoPbes1CryptSupport,
            ) => KeyError::Encryption,
            // Garbage that happens to be padded right is garbage from a wrong passphrase too.
            _ => KeyError::WrongPassphrase,
        })?;
        from_der(opened.as_bytes()).map_err(|error| match error {
            KeyError::NotPkcs8 => KeyError::WrongPassphrase,
            error => error,
        })
    }

    fn to_der(&self) -> SecretDocument {
        encode(&self.0, None)
    }
}

/// The PKCS#8 document of a key; with the public key in it, it is version 2.
pub(super) fn encode(key: &SigningKey, public: Option<&[u8; 32]>) -> SecretDocument {
    let inner = Zeroizing::new([&INNER[..], key.as_bytes()].concat());
    let private_key = OctetStringRef::new(&inner).expect("34 bytes are an octet string");
    let public_key = public.map(|bytes| BitStringRef::new(0, bytes).expect("32 bytes are a bit string"));
    SecretDocument::encode_msg(&PrivateKeyInfoRef { algorithm: ED25519, private_key, public_key })
        .expect("a key of fixed size always encodes")
}

pub(super) fn document_pem(document: &SecretDocument, label: &'static str) -> Zeroizing<String> {
    document.to_pem(label, LineEnding::LF).expect("a short document and a constant label always encode")
}

fn from_der(der: &[u8]) -> Result<SecretKey, KeyError> {
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::NotPkcs8)?;
    if info.algorithm.oid != ED25519.oid {
        return Err(KeyError::NotEd25519);
    }
    let seed = info.private_key.as_bytes().strip_prefix(&INNER).ok_or(KeyError::NotPkcs8)?;
    let key = SigningKey::try_from(seed).map_err(|_| KeyError::NotPkcs8)?;
    match info.public_key {
        Some(public) if public.as_bytes() != Some(key.verifying_key().as_bytes()) => Err(KeyError::Mismatch),
        _ => Ok(SecretKey(key)),
    }
}

/// Refuses parameters that would burn minutes or gigabytes before the passphrase is found wrong.
fn check_cost(scheme: &EncryptionScheme) -> Result<(), KeyError> {
    let parameters = scheme.pbes2().ok_or(KeyError::Encryption)?;
    let affordable = match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count <= MAX_PBKDF2_ROUNDS,
        Kdf::Scrypt(kdf) => {
            let blocks = u64::from(kdf.block_size).saturating_mul(u64::from(kdf.parallelization));
            blocks.saturating_mul(128).saturating_mul(kdf.cost_parameter) <= MAX_SCRYPT_MEMORY
        }
        _ => false,
    };
    if affordable { Ok(()) } else { Err(KeyError::Encryption) }
}
