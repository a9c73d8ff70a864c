//! The body of a request, within its limits: bytes, time, and how many are waited for at once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use futures_util::future::{self, Either, poll_immediate};
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Version};
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::answer;

/// Reads the whole body: at most [`MAX_BYTES`], within [`DEADLINE`].
///
/// What is too long is read on and dropped for a while, because a sender whose connection breaks
/// does not see the response. That counts to the deadline as well.
///
/// # Errors
///
/// 400 if it breaks off, 408 if it does not arrive in time, 413 if it is too long.
pub(super) async fn read(request: Request<Body>) -> Result<Zeroizing<Vec<u8>>, Response> {
    let version = request.version();
    let mut reader = Reader::new(request.into_body());
    if reader.read_in_time(&WAITING).await?.is_none() {
        return Err(reader.timed_out(version));
    }
    if reader.is_too_large() {
        return Err(answer::problem(answer::TOO_LARGE));
    }
    Ok(reader.bytes)
}

/// A body, and what was read of it.
struct Reader {
    body: Body,
    /// It has passwords, so this buffer is overwritten when it goes. That is the best that can be
    /// done here, not a promise: the connection's own buffers and what is decoded of this one are
    /// not.
    bytes: Zeroizing<Vec<u8>>,
    length: usize,
}

impl Reader {
    fn new(body: Body) -> Self {
        Self {
            body,
            bytes: Zeroizing::default(),
            length: 0,
        }
    }

    /// `None` if the body does not arrive in time.
    async fn read_in_time(&mut self, waiting: &Waiting) -> Result<Option<()>, Response> {
        let mut reading = pin!(self.read());
        // Most bodies come with their heads: they cost no timer and no place.
        if let Some(read) = poll_immediate(reading.as_mut()).await {
            return read.map(Some);
        }
        let mut place = waiting.join();
        let (lost, late) = (pin!(place.lose()), pin!(sleep(DEADLINE)));
        match future::select(reading, future::select(lost, late)).await {
            Either::Left((read, _)) => read.map(Some),
            Either::Right(_) => Ok(None),
        }
    }

    async fn read(&mut self) -> Result<(), Response> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|_| answer::problem(answer::BROKEN_BODY))?;
            let Some(data) = frame.data_ref() else {
                continue;
            };
            if self.length == 0 {
                // Never grows: a vector that moves leaves a copy behind.
                let left = self.body.size_hint().upper().unwrap_or(u64::MAX);
                let left = usize::try_from(left).unwrap_or(usize::MAX);
                let whole = left.saturating_add(data.len());
                self.bytes.reserve_exact(whole.min(MAX_BYTES));
            }
            self.length = self.length.saturating_add(data.len());
            if self.length <= MAX_BYTES {
                self.bytes.extend_from_slice(data);
            } else if self.length > MAX_DROPPED_BYTES {
                break;
            }
        }
        Ok(())
    }

    const fn is_too_large(&self) -> bool {
        self.length > MAX_BYTES
    }

    fn timed_out(&self, version: Version) -> Response {
        if self.is_too_large() {
            return answer::problem(answer::TOO_LARGE);
        }
        let mut response = answer::problem(answer::BODY_TIMEOUT);
        // RFC 9110, section 15.5.9. HTTP/2 has no such header.
        if version < Version::HTTP_2 {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        response
    }
}

/// The bodies that are waited for. Where there are too many, the one that has been waited for the
/// longest loses its place: a body that is sent without pause is a young one, and an attacker who
/// stops in the middle of many drives out their own.
struct Waiting {
    capacity: usize,
    places: Mutex<Places>,
}

struct Places {
    next: u64,
    /// Dropping the sender tells its owner.
    taken: BTreeMap<u64, oneshot::Sender<Infallible>>,
}

impl Waiting {
    const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            places: Mutex::new(Places {
                next: 0,
                taken: BTreeMap::new(),
            }),
        }
    }

    fn join(&self) -> Place<'_> {
        let (sender, lost) = oneshot::channel();
        let mut places = self.lock();
        let number = places.next;
        places.next += 1;
        if places.taken.len() >= self.capacity {
            places.taken.pop_first();
        }
        places.taken.insert(number, sender);
        Place {
            number,
            lost,
            waiting: self,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        // Nothing that is done under the lock panics halfway.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those that are waited for, given back when it is dropped.
struct Place<'a> {
    number: u64,
    lost: oneshot::Receiver<Infallible>,
    waiting: &'a Waiting,
}

impl Place<'_> {
    /// Resolves when another body needs the place.
    async fn lose(&mut self) {
        let _ = (&mut self.lost).await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.lock().taken.remove(&self.number);
    }
}

/// Of all routes in this process: the bodies that are waited for take 8 MiB at most.
static WAITING: Waiting = Waiting::new(1024);

/// The longest password, each of its bytes percent-encoded or escaped, and as much again.
const MAX_BYTES: usize = 8 * 1024;

const MAX_DROPPED_BYTES: usize = 8 * 1024 * 1024;

const DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Bytes;
    use futures_util::stream::{self, StreamExt};
    use tokio::time::Instant;

    use super::*;

    /// Sends a byte, and then nothing.
    fn stopped() -> Reader {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
        Reader::new(Body::from_stream(first.chain(stream::pending())))
    }

    /// Sends its second byte after a while.
    fn slow(after: Duration) -> Reader {
        let bytes = stream::iter(["a", "b"]).then(move |byte| async move {
            if byte == "b" {
                sleep(after).await;
            }
            Ok::<_, Infallible>(Bytes::from_static(byte.as_bytes()))
        });
        Reader::new(Body::from_stream(bytes))
    }

    #[tokio::test(start_paused = true)]
    async fn oldest_of_too_many_bodies_loses_its_place() {
        let waiting = Waiting::new(2);
        let start = Instant::now();
        let (mut first, mut second, mut third) = (stopped(), stopped(), slow(SECOND));
        let early = async {
            let read = first.read_in_time(&waiting).await;
            (read.unwrap(), start.elapsed())
        };
        let late = async {
            sleep(SECOND).await;
            let read = second.read_in_time(&waiting).await;
            (read.unwrap(), start.elapsed())
        };
        let newest = async {
            sleep(2 * SECOND).await;
            let read = third.read_in_time(&waiting).await;
            (read.unwrap(), start.elapsed())
        };
        let (early, late, newest) = futures_util::join!(early, late, newest);
        assert_eq!(early, (None, 2 * SECOND));
        assert_eq!(late, (None, SECOND + DEADLINE));
        assert_eq!(newest, (Some(()), 3 * SECOND));
        assert!(waiting.lock().taken.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_reader_gives_its_place_back() {
        let waiting = Waiting::new(1);
        let mut reader = stopped();
        assert!(
            poll_immediate(reader.read_in_time(&waiting))
                .await
                .is_none()
        );
        let mut reading = Box::pin(reader.read_in_time(&waiting));
        assert!(poll_immediate(reading.as_mut()).await.is_none());
        assert_eq!(waiting.lock().taken.len(), 1);
        drop(reading);
        assert!(waiting.lock().taken.is_empty());
    }

    #[tokio::test]
    async fn buffer_has_the_size_of_the_body_and_never_grows() {
        let waiting = Waiting::new(0);
        for (body, capacity) in [
            (Body::from("x".repeat(300)), 300),
            (Body::from("x".repeat(MAX_BYTES + 1)), MAX_BYTES),
            (
                Body::from_stream(stream::iter([Ok::<_, Infallible>("xyz")])),
                MAX_BYTES,
            ),
        ] {
            let mut reader = Reader::new(body);
            assert_eq!(reader.read_in_time(&waiting).await.unwrap(), Some(()));
            assert_eq!(reader.bytes.capacity(), capacity);
        }
    }

    const SECOND: Duration = Duration::from_secs(1);
}
