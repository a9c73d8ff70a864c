//! Reader of request bodies, with limits on size, time, and the number of incomplete bodies.

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
/// Of a body that is too large, up to [`MAX_DROPPED_BYTES`] are read and dropped: a client that is
/// still sending when the connection closes does not see the response. The deadline applies to that,
/// too.
///
/// # Errors
///
/// 400 if the body ends early, 408 if it does not arrive in time, 413 if it is too large.
pub(super) async fn read(request: Request<Body>) -> Result<Zeroizing<Vec<u8>>, Response> {
    let version = request.version();
    let mut reader = Reader::new(request.into_body());
    if reader.read_in_time(&INCOMPLETE_BODIES).await?.is_none() {
        return Err(reader.timed_out(version));
    }
    if reader.is_too_large() {
        return Err(answer::problem(answer::TOO_LARGE));
    }
    Ok(reader.bytes)
}

/// A body, and the bytes that were read of it.
struct Reader {
    body: Body,
    /// Zeroized on drop, because it contains passwords. Best effort only: the buffers of the
    /// connection, and copies that other code makes, are not.
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

    /// Returns `None` if the body does not arrive in time.
    async fn read_in_time(
        &mut self,
        incomplete: &IncompleteBodies,
    ) -> Result<Option<()>, Response> {
        let mut reading = pin!(self.read());
        // Most bodies arrive with their heads; those need neither a timer nor a slot.
        if let Some(read) = poll_immediate(reading.as_mut()).await {
            return read.map(Some);
        }
        let mut slot = incomplete.join();
        let (evicted, late) = (pin!(slot.evicted()), pin!(sleep(DEADLINE)));
        match future::select(reading, future::select(evicted, late)).await {
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
                // Allocated once: a vector that grows leaves copies of the password behind.
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

/// Slots of the incomplete bodies. When all are taken, a new body evicts the oldest: a body that is
/// sent without pause is recent, so an attacker that leaves many bodies incomplete evicts its own.
struct IncompleteBodies {
    capacity: usize,
    slots: Mutex<Slots>,
}

struct Slots {
    next: u64,
    /// Dropping the sender notifies the owner of the slot.
    taken: BTreeMap<u64, oneshot::Sender<Infallible>>,
}

impl IncompleteBodies {
    const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            slots: Mutex::new(Slots {
                next: 0,
                taken: BTreeMap::new(),
            }),
        }
    }

    fn join(&self) -> Slot<'_> {
        let (sender, evicted) = oneshot::channel();
        let mut slots = self.lock();
        let number = slots.next;
        slots.next += 1;
        if slots.taken.len() >= self.capacity {
            slots.taken.pop_first();
        }
        slots.taken.insert(number, sender);
        Slot {
            number,
            evicted,
            incomplete: self,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // No code under the lock panics halfway, so a poisoned state is consistent.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of an incomplete body, released on drop.
struct Slot<'a> {
    number: u64,
    evicted: oneshot::Receiver<Infallible>,
    incomplete: &'a IncompleteBodies,
}

impl Slot<'_> {
    /// Resolves when another body takes the slot.
    async fn evicted(&mut self) {
        let _ = (&mut self.evicted).await;
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.incomplete.lock().taken.remove(&self.number);
    }
}

/// Shared by all routes of the process: incomplete bodies take at most 8 MiB of memory.
static INCOMPLETE_BODIES: IncompleteBodies = IncompleteBodies::new(1024);

/// Twice the longest password with each of its bytes percent-encoded or escaped.
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

    /// A body that sends one byte, and then nothing.
    fn stopped() -> Reader {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
        Reader::new(Body::from_stream(first.chain(stream::pending())))
    }

    /// A body that sends its second byte later.
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
    async fn oldest_incomplete_body_is_evicted() {
        let incomplete = IncompleteBodies::new(2);
        let start = Instant::now();
        let (mut first, mut second, mut third) = (stopped(), stopped(), slow(SECOND));
        let early = async {
            let read = first.read_in_time(&incomplete).await;
            (read.unwrap(), start.elapsed())
        };
        let late = async {
            sleep(SECOND).await;
            let read = second.read_in_time(&incomplete).await;
            (read.unwrap(), start.elapsed())
        };
        let newest = async {
            sleep(2 * SECOND).await;
            let read = third.read_in_time(&incomplete).await;
            (read.unwrap(), start.elapsed())
        };
        let (early, late, newest) = futures_util::join!(early, late, newest);
        assert_eq!(early, (None, 2 * SECOND));
        assert_eq!(late, (None, SECOND + DEADLINE));
        assert_eq!(newest, (Some(()), 3 * SECOND));
        assert!(incomplete.lock().taken.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_reader_releases_its_slot() {
        let incomplete = IncompleteBodies::new(1);
        let mut reader = stopped();
        assert!(
            poll_immediate(reader.read_in_time(&incomplete))
                .await
                .is_none()
        );
        let mut reading = Box::pin(reader.read_in_time(&incomplete));
        assert!(poll_immediate(reading.as_mut()).await.is_none());
        assert_eq!(incomplete.lock().taken.len(), 1);
        drop(reading);
        assert!(incomplete.lock().taken.is_empty());
    }

    #[tokio::test]
    async fn buffer_is_allocated_once() {
        let incomplete = IncompleteBodies::new(0);
        for (body, capacity) in [
            (Body::from("x".repeat(300)), 300),
            (Body::from("x".repeat(MAX_BYTES + 1)), MAX_BYTES),
            (
                Body::from_stream(stream::iter([Ok::<_, Infallible>("xyz")])),
                MAX_BYTES,
            ),
        ] {
            let mut reader = Reader::new(body);
            assert_eq!(reader.read_in_time(&incomplete).await.unwrap(), Some(()));
            assert_eq!(reader.bytes.capacity(), capacity);
        }
    }

    const SECOND: Duration = Duration::from_secs(1);
}
