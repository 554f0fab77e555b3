//! The body of `cargo publish`: two frames, each a 32-bit little-endian length and so many bytes; JSON, then the .crate.

use bytes::{Buf as _, Bytes};
use cargo_namespaces::api::NewCrate;
use cargo_namespaces::limits::{MAX_INDEX_LINE, MAX_PACKED};

/// Most bytes of the JSON: a README comes with it.
const MAX_JSON: usize = 4 * MAX_INDEX_LINE;
/// Most bytes of a publish.
pub const MAX_BODY: u64 = MAX_PACKED + MAX_JSON as u64 + 8;
/// The body of a publish cannot be taken apart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FramesError {
    /// A frame does not end where it says.
    #[error("the body of the publish is broken: {0}")]
    Broken(&'static str),
    /// The first frame is not the JSON of a publish.
    #[error("the body of the publish is broken: its JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The .crate is larger than any that is taken.
    #[error(
        "the .crate is larger than {} MiB, the most that this registry takes.\n\
         Leave large files out of the package with `exclude` in Cargo.toml; `cargo package --list` shows what is in it.",
        MAX_PACKED / (1024 * 1024)
    )]
    TooLarge,
}

/// Whether the beginning of a publish of `announced` bytes can be that of the two frames: what cannot is not read on.
///
/// # Errors
/// It cannot.
pub fn begins_well(mut bytes: &[u8], announced: u64) -> Result<(), FramesError> {
    let total = announced;
    let Some(json) = length(&mut bytes) else { return Ok(()) };
    let fits = json <= MAX_JSON as u64 && 8 + json <= total;
    let archive =
        bytes.get(usize::try_from(json).unwrap_or(usize::MAX)..).and_then(|mut rest| length(&mut rest));
    if !fits || archive.is_some_and(|archive| 8 + json + archive != total) {
        return Err(FramesError::Broken("its frames are not as long as they and the request say"));
    }
    Ok(())
}

fn length(bytes: &mut &[u8]) -> Option<u64> {
    (bytes.len() >= 4).then(|| u64::from(bytes.get_u32_le()))
}

/// Takes the body apart.
///
/// # Errors
/// It is not of the two frames, or the JSON does not parse.
pub fn parse(mut body: Bytes) -> Result<(NewCrate, Bytes), FramesError> {
    let json =
        frame(&mut body).filter(|json| json.len() <= MAX_JSON).ok_or(FramesError::Broken("its JSON"))?;
    let archive = frame(&mut body).filter(|_| body.is_empty()).ok_or(FramesError::Broken("its .crate"))?;
    if archive.len() as u64 > MAX_PACKED {
        return Err(FramesError::TooLarge);
    }
    Ok((serde_json::from_slice(&json)?, archive))
}

fn frame(body: &mut Bytes) -> Option<Bytes> {
    if body.len() < 4 {
        return None;
    }
    let length = usize::try_from(body.get_u32_le()).ok()?;
    (length <= body.len()).then(|| body.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(json: &[u8], archive: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        for part in [json, archive] {
            body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
            body.extend(part);
        }
        body
    }

    #[test]
    fn two_frames_and_nothing_else() {
        let json = br#"{"name":"a","vers":"1.0.0","deps":[],"features":{}}"#;
        let whole = framed(json, b"crate");
        let (new, archive) = parse(whole.clone().into()).unwrap();
        assert_eq!((new.name.as_str(), &archive[..]), ("a", &b"crate"[..]));
        for cut in 0..whole.len() {
            assert!(parse(Bytes::copy_from_slice(&whole[..cut])).is_err(), "{cut}");
        }
        let mut longer = whole;
        longer.push(0);
        assert!(parse(longer.into()).is_err());
        assert!(parse(framed(b"{}", b"x").into()).is_err());
        assert!(parse(vec![255; 64].into()).is_err());
    }

    #[test]
    fn frames_that_do_not_add_up_are_not_read_to_their_end() {
        let whole = framed(b"{}", b"crate");
        for cut in 0..=whole.len() {
            begins_well(&whole[..cut], whole.len() as u64).unwrap();
        }
        assert!(begins_well(&whole[..4], 5).is_err());
        assert!(begins_well(&whole[..10], whole.len() as u64 + 1).is_err());
        assert!(begins_well(&u32::MAX.to_le_bytes(), u64::from(u32::MAX)).is_err());
    }
}
