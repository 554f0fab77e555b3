//! DSSE envelopes: a payload, its type, and signatures over both.
//!
//! ```json
//! { "payload": "<base64>", "payloadType": "application/vnd.in-toto+json", "signatures": [{ "keyid": "…", "sig": "<base64>" }] }
//! ```
//! What is signed is the pre-authentication encoding, [`pae`]. A key id proves nothing: verification takes the key from
//! elsewhere and tries every signature. Compare payloads, never envelopes; anyone can add a signature.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};

use super::{Predicate, Statement, StatementError, Verified};
use crate::key::{PublicKey, Signature};
use crate::limits::{MAX_ENVELOPE, MAX_ENVELOPE_SIGNATURES, MAX_STATEMENT};

/// The payload type of every envelope here.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// DSSE's pre-authentication encoding: `DSSEv1 <len> <type> <len> <payload>`, lengths in decimal.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// A DSSE envelope whose parts have been decoded and are within the caps; nothing about it is verified yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WireEnvelope", into = "WireEnvelope")]
pub struct Envelope {
    /// The type that is signed along with the payload.
    pub payload_type: String,
    /// The signed bytes.
    pub payload: Vec<u8>,
    /// The signatures, of any algorithm.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// A hint at the key, not to be trusted. We write the key's text.
    pub keyid: Option<String>,
    /// The signature; 64 bytes when it is Ed25519.
    pub sig: Vec<u8>,
}

/// Why an envelope is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Larger than any envelope.
    #[error("the envelope is larger than {MAX_ENVELOPE} bytes")]
    TooLarge,
    /// No JSON of the expected fields.
    #[error("the envelope does not parse")]
    Json(#[source] serde_json::Error),
    /// A field that is no base64.
    #[error("the envelope's {0} is not base64")]
    Base64(&'static str),
    /// None, or more than the cap.
    #[error("the envelope has no signature, or more than {MAX_ENVELOPE_SIGNATURES}")]
    Signatures,
    /// The payload is larger than any statement.
    #[error("the envelope's payload is larger than {MAX_STATEMENT} bytes")]
    Payload,
    /// The payload is something else than a statement.
    #[error("the envelope holds {0:?}, not {PAYLOAD_TYPE}")]
    PayloadType(String),
    /// No key id is a key whose signature holds.
    #[error("none of the envelope's signatures is valid for the key that its key ID names")]
    NoSigner,
    /// No signature by this key holds.
    #[error("the envelope is not signed by {0}")]
    NotSigned(PublicKey),
}

/// The JSON of an envelope.
#[derive(Serialize, Deserialize)]
struct WireEnvelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

impl Envelope {
    /// An envelope around the statement `payload` with signatures made before.
    pub(super) fn new(payload: Vec<u8>, signatures: impl Iterator<Item = (PublicKey, Signature)>) -> Self {
        let signatures = signatures.map(|(key, signature)| EnvelopeSignature {
            keyid: Some(key.to_string()),
            sig: signature.as_bytes().to_vec(),
        });
        Self { payload_type: PAYLOAD_TYPE.to_owned(), payload, signatures: signatures.collect() }
    }

    /// Reads the JSON of an envelope. Base64 may be of either alphabet, as DSSE allows; other fields are ignored.
    ///
    /// # Errors
    /// [`EnvelopeError`]; whether anybody signed is for [`Envelope::verify`] to say.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(EnvelopeError::TooLarge);
        }
        let wire: WireEnvelope = serde_json::from_slice(bytes).map_err(EnvelopeError::Json)?;
        wire.try_into()
    }

    /// The envelope as one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings always serialise")
    }

    /// The envelope as the value of an `Authorization` header: base64url of its JSON, without padding.
    pub fn to_header(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_json())
    }

    /// Reads what [`Envelope::to_header`] wrote.
    ///
    /// # Errors
    /// As [`Envelope::parse`].
    pub fn from_header(text: &str) -> Result<Self, EnvelopeError> {
        if text.len() > MAX_ENVELOPE * 2 {
            return Err(EnvelopeError::TooLarge);
        }
        let json = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        Self::parse(&json.map_err(|_| EnvelopeError::Base64("text"))?)
    }

    /// The key that signed, as the envelope itself names it in a key id. That it signed is checked; who it is, and
    /// whether it may speak, is not known by that.
    ///
    /// # Errors
    /// [`EnvelopeError::PayloadType`] and [`EnvelopeError::NoSigner`].
    pub fn signer(&self) -> Result<Signed, EnvelopeError> {
        let named = |signature: &EnvelopeSignature| PublicKey::parse(signature.keyid.as_deref()?).ok();
        self.find(named)?.ok_or(EnvelopeError::NoSigner)
    }

    /// Checks that the payload is a statement and that one of the signatures is by `key`, strictly.
    ///
    /// # Errors
    /// [`EnvelopeError::PayloadType`] and [`EnvelopeError::NotSigned`].
    pub fn verify(&self, key: &PublicKey) -> Result<Signed, EnvelopeError> {
        self.find(|_| Some(*key))?.ok_or(EnvelopeError::NotSigned(*key))
    }

    /// The first signature that holds under the key which `by` has for it.
    fn find(
        &self,
        by: impl Fn(&EnvelopeSignature) -> Option<PublicKey>,
    ) -> Result<Option<Signed>, EnvelopeError> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType(crate::text::excerpt(&self.payload_type)));
        }
        let signed = pae(&self.payload_type, &self.payload);
        let holds = |signature: &EnvelopeSignature| {
            let (key, bytes) = (by(signature)?, <[u8; 64]>::try_from(signature.sig.as_slice()).ok()?);
            let signature = Signature::from_bytes(bytes);
            key.verify(&signed, &signature).ok()?;
            Some(Signed { key, signature, payload: self.payload.clone() })
        };
        Ok(self.signatures.iter().find_map(holds))
    }

    /// The statement in the envelope, signed by the key that the statement names as its signer, or where it names none, by one that
    /// a key id names.
    ///
    /// # Errors
    /// What the statement or the envelope says.
    pub fn open<P: Predicate>(&self) -> Result<Verified<P>, StatementError> {
        let statement = Statement::<P>::parse(&self.payload)?;
        let signed = match statement.speaker() {
            Some(key) => self.verify(&key)?,
            None => self.signer()?,
        };
        Ok(Verified::of(statement, &signed))
    }
}

/// That a key signed a payload, and with which signature. Only verification makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    key: PublicKey,
    signature: Signature,
    payload: Vec<u8>,
}

impl Signed {
    /// The public key of the signer.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// With which signature.
    pub fn signature(&self) -> Signature {
        self.signature
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The statement that was signed; nothing is verified again.
    ///
    /// # Errors
    /// It is another statement, or none.
    pub fn read<P: Predicate>(&self) -> Result<Verified<P>, StatementError> {
        Verified::read(self)
    }
}

impl TryFrom<WireEnvelope> for Envelope {
    type Error = EnvelopeError;

    fn try_from(wire: WireEnvelope) -> Result<Self, EnvelopeError> {
        if wire.signatures.is_empty() || wire.signatures.len() > MAX_ENVELOPE_SIGNATURES {
            return Err(EnvelopeError::Signatures);
        }
        // Embedded envelopes come without the cap of `parse`.
        if wire.payload.len() > MAX_ENVELOPE {
            return Err(EnvelopeError::TooLarge);
        }
        let payload = decode(&wire.payload).ok_or(EnvelopeError::Base64("payload"))?;
        if payload.len() > MAX_STATEMENT {
            return Err(EnvelopeError::Payload);
        }
        let signatures = wire.signatures.into_iter().map(|signature| {
            let sig = decode(&signature.sig).ok_or(EnvelopeError::Base64("signature"))?;
            Ok(EnvelopeSignature { keyid: signature.keyid, sig })
        });
        Ok(Self {
            payload_type: wire.payload_type,
            payload,
            signatures: signatures.collect::<Result<_, EnvelopeError>>()?,
        })
    }
}

impl From<Envelope> for WireEnvelope {
    fn from(envelope: Envelope) -> Self {
        let signatures = envelope.signatures.into_iter();
        Self {
            payload: STANDARD.encode(&envelope.payload),
            payload_type: envelope.payload_type,
            signatures: signatures
                .map(|signature| WireSignature {
                    keyid: signature.keyid,
                    sig: STANDARD.encode(&signature.sig),
                })
                .collect(),
        }
    }
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    STANDARD.decode(base64).or_else(|_| URL_SAFE.decode(base64)).ok()
}
