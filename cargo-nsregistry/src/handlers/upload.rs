//! Reading the bodies of requests, within their bounds of size and time, and of the memory for all of them.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::error::ApiError;
use crate::publish::frames::{FramesError, MAX_BODY};
use crate::upload_budget::Upload;

/// How far a client may fall behind the slowest accepted line. So long it may send nothing, and so long a small request may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// What the slowest accepted line carries in a second, in bytes. A client that sends less for longer than [`BODY_TIMEOUT`] is cut
/// off.
const SLOWEST: usize = 64 * 1024;
/// The reserved capacity is at most this many times what has arrived: the system provides memory only for what is written.
const GROWTH: usize = 16;

/// Returns how many bytes the client announces, which is checked before the first is read.
///
/// # Errors
/// No length, or too large a one.
pub fn announced(headers: &HeaderMap) -> Result<u64, ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        None => {
            Err(ApiError::new(StatusCode::LENGTH_REQUIRED, "length", "the request has no `Content-Length`"))
        }
        Some(length) if length > MAX_BODY => Err(FramesError::TooLarge.into()),
        Some(length) => Ok(length),
    }
}

/// Reads the whole body, within its bounds of size and time. It takes memory from the budget for what has arrived, not for what was
/// announced, so that a client that sends nothing takes nothing from others.
///
/// # Errors
/// The body breaks off, is too slow, is longer than `most`, is refused by `plausible`, which sees what has arrived so far, or others
/// leave no memory for it.
pub async fn collect(
    body: Body,
    most: u64,
    plausible: impl Fn(&[u8]) -> Result<(), FramesError>,
    upload: &mut Upload<'_>,
) -> Result<Bytes, ApiError> {
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    let mut left = BODY_TIMEOUT;
    loop {
        let asked = Instant::now();
        let next = tokio::select! {
            next = tokio::time::timeout(left, stream.next()) => next.map_err(|_| late())?,
            busy = upload.gives_way() => return Err(busy.into()),
        };
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|error| {
            ApiError::bad_request("broken-off", format!("the request was interrupted: {error}"))
        })?;
        if (bytes.len() + chunk.len()) as u64 > most {
            return Err(too_long(most));
        }
        // The time that it waits for other uploads does not count.
        let earned = Duration::from_secs(1).mul_f64(chunk.len() as f64 / SLOWEST as f64);
        left = (left.saturating_sub(asked.elapsed()) + earned).min(BODY_TIMEOUT);
        upload.take(chunk.len()).await?;
        if bytes.capacity() - bytes.len() < chunk.len() {
            bytes.reserve(capacity(bytes.len() + chunk.len(), most) - bytes.len());
        }
        bytes.extend_from_slice(&chunk);
        plausible(&bytes)?;
    }
    upload.has_come();
    Ok(bytes.freeze())
}

/// Returns a capacity for what has arrived and for more, so that the buffer seldom moves.
fn capacity(come: usize, most: u64) -> usize {
    come.saturating_mul(GROWTH).min(usize::try_from(most.min(MAX_BODY)).unwrap_or(usize::MAX)).max(come)
}

fn late() -> ApiError {
    let detail = format!(
        "the request did not arrive in time: it stood still for {} seconds, or came slower than {} KiB a second; try again",
        BODY_TIMEOUT.as_secs(),
        SLOWEST / 1024
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow", detail)
}

fn too_long(most: u64) -> ApiError {
    let detail = format!("the request is longer than the {most} bytes that it may have");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload_budget::UploadBudget;

    #[test]
    fn two_gibibytes_are_refused_before_they_come() {
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, "2147483648".parse().unwrap())]);
        assert!(announced(&headers).unwrap_err().detail().contains("larger than 64 MiB"));
        assert!(announced(&HeaderMap::new()).is_err());
    }

    fn any(_: &[u8]) -> Result<(), FramesError> {
        Ok(())
    }

    #[test]
    fn room_is_for_what_has_come_and_not_for_what_was_announced() {
        assert_eq!(capacity(1000, MAX_BODY), 16_000);
        assert_eq!(capacity(1000, 4000), 4000);
        assert_eq!(capacity(1 << 26, MAX_BODY), usize::try_from(MAX_BODY).unwrap());
    }

    #[tokio::test]
    async fn more_than_announced_is_not_read() {
        let budget = UploadBudget::new(400);
        let mut upload = budget.upload(Vec::new());
        assert!(collect(Body::from(vec![0; 11]), 10, any, &mut upload).await.is_err());
        let bytes = collect(Body::from(vec![0; 10]), 10, any, &mut upload).await.unwrap();
        assert_eq!(bytes.len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_or_stalls_is_cut_and_takes_no_room_meanwhile() {
        let budget = UploadBudget::new(1 << 30);
        let first = usize::try_from(MAX_BODY).unwrap() / 2;
        let drip = |first: usize| {
            let stream = futures_util::stream::unfold(first, |length| async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from(vec![0; length])), 1))
            });
            Body::from_stream(stream)
        };
        // Nor does it earn time to come by having been fast.
        for body in [drip(1), drip(first)] {
            let begin = Instant::now();
            let mut upload = budget.upload(Vec::new());
            let error = collect(body, MAX_BODY, any, &mut upload).await.unwrap_err();
            assert!(error.detail().contains("in time"));
            assert!(begin.elapsed() < BODY_TIMEOUT + Duration::from_secs(3));
        }
        let stall = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let begin = Instant::now();
        assert!(collect(stall, MAX_BODY, any, &mut budget.upload(Vec::new())).await.is_err());
        assert!(begin.elapsed() < BODY_TIMEOUT + Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_that_is_fast_enough_takes_the_time_that_it_needs() {
        let budget = UploadBudget::new(1 << 30);
        let steady = futures_util::stream::unfold(0, |at| async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            let chunk = Bytes::from(vec![0; 20 * SLOWEST]);
            (at < 10).then_some((Ok::<_, std::io::Error>(chunk), at + 1))
        });
        let bytes = collect(Body::from_stream(steady), MAX_BODY, any, &mut budget.upload(Vec::new())).await;
        assert_eq!(bytes.unwrap().len(), 200 * SLOWEST);
    }
}
