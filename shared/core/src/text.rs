//! The one door between text and a type that exists only parsed.
//!
//! A type with `parse(&str)` and `Display` gets the rest from here: `FromStr`, and a serde form that is its text and
//! goes through `parse`. So a deserialised value is a valid one, and there is no second way in.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Implements `FromStr`, `Serialize` (the `Display` text) and `Deserialize` (through `parse`) for `$type`.
macro_rules! string_form {
    ($type:ty, $error:ty) => {
        impl std::str::FromStr for $type {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use string_form;

/// The longest piece of a stranger's text that an error repeats, in characters: enough to recognise it by.
const EXCERPT_CHARS: usize = 80;

/// The start of `text`, for an error message. Errors show it with `{:?}`, which escapes control and bidi characters.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a package URL leaves as it is: ASCII letters, digits and `-._~:`. (The package-URL specification, "Character encoding": the
/// colon shall not be encoded.)
const PURL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// `text` percent-encoded as a package URL wants it.
pub(crate) fn percent_encode_purl(text: &str) -> String {
    utf8_percent_encode(text, PURL).to_string()
}

/// Undoes [`percent_encode_purl`]. `None` when an escape is broken or the bytes are no UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    // A browser would leave a broken escape as it stands, and so does the library.
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    let whole = |rest: &str| rest.as_bytes().get(..2).is_some_and(hex);
    let decoded = text.split('%').skip(1).all(whole).then(|| percent_decode_str(text));
    Some(decoded?.decode_utf8().ok()?.into_owned())
}
