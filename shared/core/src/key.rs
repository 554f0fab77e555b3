//! Ed25519 keys and signatures.
//!
//! The public key is the account; its text is `ed25519:` and 44 characters of base64. Signatures are checked with
//! `verify_strict`, so that one signature has one reading: keys of small order and points not in canonical form are
//! refused. Secret keys leave this module only as PKCS#8 PEM, plain or encrypted, which `openssl pkey` reads.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::text::{excerpt, string_form};

mod pem;
#[cfg(test)]
pub(crate) mod tests;

pub use pem::KeyError;

/// An Ed25519 public key that can verify: a canonical point, not of small order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// Why a text or bytes are no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not `ed25519:` and 32 bytes of base64, nor these bare.
    #[error("{0:?} is not a public key: `ed25519:` and 44 characters of base64 are expected")]
    Text(String),
    /// 32 bytes that are no usable key.
    #[error("{0:?} is not a usable Ed25519 key: not a canonical point, or one of small order")]
    Weak(String),
}

/// A signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match the signed bytes and the key {key}")]
pub struct SignatureError {
    /// The key that was said to have signed.
    pub key: PublicKey,
}

impl PublicKey {
    const PREFIX: &str = "ed25519:";

    /// Takes the 32 bytes of a key.
    ///
    /// # Errors
    /// [`PublicKeyError::Weak`].
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, PublicKeyError> {
        let weak = || PublicKeyError::Weak(STANDARD.encode(bytes));
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| weak())?;
        if key.is_weak() || key.to_edwards().compress().to_bytes() != bytes {
            return Err(weak());
        }
        Ok(Self(bytes))
    }

    /// Reads `ed25519:<base64>`, or the base64 alone as index lines write it.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn parse(text: &str) -> Result<Self, PublicKeyError> {
        let base64 = text.strip_prefix(Self::PREFIX).unwrap_or(text);
        let bytes = decode(base64).ok_or_else(|| PublicKeyError::Text(excerpt(text)))?;
        Self::from_bytes(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The bytes in base64, as index lines write them.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Checks `signature` over `message`, strictly.
    ///
    /// # Errors
    /// [`SignatureError`] when it does not hold.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let wrong = SignatureError { key: *self };
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| wrong)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(message, &signature).map_err(|_| wrong)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.to_base64())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl std::str::FromStr for PublicKey {
    type Err = PublicKeyError;
    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        Self::parse(text)
    }
}

impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// An Ed25519 signature, 64 bytes; its text is base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; 64]);

/// A text is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a signature: 64 bytes of base64 are expected")]
pub struct SignatureTextError(String);

impl Signature {
    /// Takes the 64 bytes. Whether they are a signature of anything is for [`PublicKey::verify`] to say.
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Reads 64 bytes of base64.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, SignatureTextError> {
        decode(text).map(Self).ok_or_else(|| SignatureTextError(excerpt(text)))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

string_form!(Signature, SignatureTextError);

/// Exactly `N` bytes of padded, canonical base64.
pub(crate) fn decode<const N: usize>(base64: &str) -> Option<[u8; N]> {
    // The length is checked first, so that no long text is decoded for nothing.
    if base64.len() != N.div_ceil(3) * 4 {
        return None;
    }
    STANDARD.decode(base64).ok()?.try_into().ok()
}

/// An Ed25519 secret key. It is wiped when dropped, and neither shows nor compares what it holds.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Random`] when that fails.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| KeyError::Random)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The key of a known seed: for tests that need the same bytes every time.
    #[cfg(test)]
    pub(crate) fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl Clone for SecretKey {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}
