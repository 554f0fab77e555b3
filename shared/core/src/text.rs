//! The one door between text and a type that exists only parsed.
//!
//! A type with `parse(&str)` and `Display` gets the rest from here: `FromStr`, and a serde form that is its text and
//! goes through `parse`. So a deserialised value is a valid one, and there is no second way in.

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

/// Appends `text` percent-encoded as a package URL wants it: ASCII letters, digits and `-._~:` stay, everything else
/// becomes `%XX`. (The package-URL specification, "Character encoding": the colon shall not be encoded.)
pub(crate) fn percent_encode_purl(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Undoes [`percent_encode_purl`]. `None` when an escape is broken or the bytes are no UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}
