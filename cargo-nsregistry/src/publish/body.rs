//! The body of `cargo publish`: two frames, each a 32-bit little-endian length and so many bytes; JSON, then the .crate.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Buf as _, Bytes, BytesMut};
use cargo_namespaces::api::NewCrate;
use cargo_namespaces::limits::{MAX_INDEX_LINE, MAX_PACKED};
use futures_util::StreamExt as _;

use crate::error::ApiError;

/// Most bytes of the JSON: a README comes with it.
const MAX_JSON: usize = 4 * MAX_INDEX_LINE;
/// Most bytes of a publish.
const MAX_BODY: u64 = MAX_PACKED + MAX_JSON as u64 + 8;
/// How long a client may send nothing.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a publish may take to arrive: the largest over a slow line.
const IN_ALL: Duration = Duration::from_secs(600);

/// Bytes that will come, as the client announces them; bounded before a single one is read.
///
/// # Errors
/// No length, or too large a one.
pub fn announced(headers: &HeaderMap) -> Result<u64, ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        None => {
            Err(ApiError::new(StatusCode::LENGTH_REQUIRED, "length", "the request does not say its length"))
        }
        Some(length) if length > MAX_BODY => Err(too_large()),
        Some(length) => Ok(length),
    }
}

fn too_large() -> ApiError {
    let detail = format!(
        "the .crate is larger than {} MiB, the most that this registry takes.\n\
         Leave large files out of the package with `exclude` in Cargo.toml; `cargo package --list` shows what is in it.",
        MAX_PACKED / (1024 * 1024)
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}

/// Reads the whole body, within its bounds of size and time.
///
/// # Errors
/// It breaks off, stalls, or is larger than announced.
pub async fn collect(body: Body, length: u64) -> Result<Bytes, ApiError> {
    let late = |_| {
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow", "the .crate did not arrive in time; try again")
    };
    tokio::time::timeout(IN_ALL, async {
        let mut stream = body.into_data_stream();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = tokio::time::timeout(PAUSE, stream.next()).await.map_err(late)? {
            let chunk = chunk.map_err(|error| {
                ApiError::bad_request("broken-off", format!("the request broke off: {error}"))
            })?;
            if (bytes.len() + chunk.len()) as u64 > length.min(MAX_BODY) {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    })
    .await
    .map_err(late)?
}

/// Takes the body apart.
///
/// # Errors
/// It is not of the two frames, or the JSON does not parse.
pub fn parse(mut body: Bytes) -> Result<(NewCrate, Bytes), ApiError> {
    let wrong =
        |what: &str| ApiError::bad_request("body", format!("the body of the publish is broken: {what}"));
    let json = frame(&mut body).filter(|json| json.len() <= MAX_JSON).ok_or_else(|| wrong("its JSON"))?;
    let archive = frame(&mut body).filter(|_| body.is_empty()).ok_or_else(|| wrong("its .crate"))?;
    if archive.len() as u64 > MAX_PACKED {
        return Err(too_large());
    }
    let new = serde_json::from_slice(&json).map_err(|error| wrong(&format!("its JSON: {error}")))?;
    Ok((new, archive))
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
    fn two_gibibytes_are_refused_before_they_come() {
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, "2147483648".parse().unwrap())]);
        assert!(announced(&headers).unwrap_err().detail().contains("larger than 64 MiB"));
        assert!(announced(&HeaderMap::new()).is_err());
    }

    #[tokio::test]
    async fn more_than_announced_is_not_read() {
        assert!(collect(Body::from(vec![0; 11]), 10).await.is_err());
        assert_eq!(collect(Body::from(vec![0; 10]), 10).await.unwrap().len(), 10);
    }
}
