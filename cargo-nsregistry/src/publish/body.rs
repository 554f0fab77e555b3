//! The body of `cargo publish`: two frames, each a 32-bit little-endian length and so many bytes; JSON, then the .crate.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Buf as _, Bytes, BytesMut};
use cargo_namespaces::api::NewCrate;
use cargo_namespaces::limits::{MAX_INDEX_LINE, MAX_PACKED};
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// Most bytes of the JSON: a README comes with it.
const MAX_JSON: usize = 4 * MAX_INDEX_LINE;
/// Most bytes of a publish.
const MAX_BODY: u64 = MAX_PACKED + MAX_JSON as u64 + 8;
/// How long a client may send nothing.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a small request may take to arrive.
const GRACE: Duration = Duration::from_secs(30);
/// What the slowest line carries in a second, in bytes: larger requests may take longer, as far as they say their size.
const SLOWEST: u64 = 64 * 1024;

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

/// Reads the whole body, within its bounds of size and time. Of the `room` for all requests it takes what has arrived, not
/// what was announced: who sends nothing takes no room away from others.
///
/// # Errors
/// It breaks off, stalls, is larger than announced, or there is no room.
pub async fn collect(
    body: Body,
    announced: u64,
    room: &Semaphore,
) -> Result<(Bytes, SemaphorePermit<'_>), ApiError> {
    let late = |_| {
        let detail = "the request did not arrive in time; try again";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow", detail)
    };
    let in_all = GRACE + Duration::from_secs(announced / SLOWEST);
    tokio::time::timeout(in_all, async {
        let mut stream = body.into_data_stream();
        let mut bytes = BytesMut::new();
        let mut taken = room.try_acquire_many(0).map_err(|_| busy())?;
        while let Some(chunk) = tokio::time::timeout(PAUSE, stream.next()).await.map_err(late)? {
            let chunk = chunk.map_err(|error| {
                ApiError::bad_request("broken-off", format!("the request broke off: {error}"))
            })?;
            if (bytes.len() + chunk.len()) as u64 > announced.min(MAX_BODY) {
                return Err(too_long(announced));
            }
            let length = u32::try_from(chunk.len()).map_err(|_| too_long(announced))?;
            taken.merge(room.try_acquire_many(length).map_err(|_| busy())?);
            bytes.extend_from_slice(&chunk);
        }
        Ok((bytes.freeze(), taken))
    })
    .await
    .map_err(late)?
}

fn too_long(most: u64) -> ApiError {
    let detail = format!("the request is longer than the {most} bytes that it may have");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}

fn busy() -> ApiError {
    ApiError::busy("the registry has as many uploads in hand as it can hold; try again in a while")
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
        let room = Semaphore::new(100);
        assert!(collect(Body::from(vec![0; 11]), 10, &room).await.is_err());
        let (bytes, taken) = collect(Body::from(vec![0; 10]), 10, &room).await.unwrap();
        assert_eq!((bytes.len(), room.available_permits()), (10, 90));
        assert!(collect(Body::from(vec![0; 91]), 91, &room).await.unwrap_err().detail().contains("in hand"));
        drop(taken);
        assert_eq!(room.available_permits(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_or_stalls_is_cut_and_takes_no_room_meanwhile() {
        let room = Semaphore::new(100);
        let drip = futures_util::stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        let begin = tokio::time::Instant::now();
        assert!(collect(Body::from_stream(drip), 60, &room).await.unwrap_err().detail().contains("in time"));
        assert!(begin.elapsed() < GRACE + Duration::from_secs(2));
        let stall = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let begin = tokio::time::Instant::now();
        assert!(collect(stall, MAX_BODY, &room).await.is_err());
        assert!(begin.elapsed() < PAUSE + Duration::from_secs(2));
        assert_eq!(room.available_permits(), 100);
    }
}
