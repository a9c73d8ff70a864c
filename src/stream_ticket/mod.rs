//! Tickets: what stands for a token in a URI, for a moment and once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::clock::{self, Clock};
use crate::error::AuthError;
use crate::jwt::Claims;
use crate::metrics::record;

/// The tickets of one process, to be given to [`AuthLayer::stream_tickets`](crate::AuthLayer::stream_tickets).
///
/// `EventSource` and `WebSocket` cannot send headers, and what stands in a URI is written down in
/// logs. A ticket stands for the token of who asked for it ([`Identity::issue_stream_ticket`]), once and for 30
/// seconds. Whoever redeems it is judged by that token: it outlives neither the token nor its key,
/// nor its generation, and the account's status is read as ever.
///
/// A ticket is taken where a [`CredentialSource`](crate::credentials::CredentialSource) reads the paths that you list, in
/// the query or as subprotocol, and nowhere else: neither in the header or a cookie, nor on another
/// path. Tokens are taken there as well.
///
/// Of one user's tickets only the newest 16 are good, so that nobody drives out those of others.
/// They live in memory: with several processes, a ticket has to be redeemed where it was issued,
/// so let the load balancer keep a client at its node.
///
/// ```
/// # use tower_warder::{AuthLayer, HmacSecret, JwtVerifier, testing};
/// # use tower_warder::credentials::CredentialSource;
/// # use tower_warder::error::ConfigError;
/// # use tower_warder::stream_ticket::StreamTickets;
/// # fn example(users: impl tower_warder::UserLoader<User = testing::TestUser>) -> Result<(), ConfigError> {
/// let layer = AuthLayer::new(JwtVerifier::hs256(&HmacSecret::generate()), users)
///     .credentials(CredentialSource::header().with_query_token("/api/events")?)
///     .stream_tickets(StreamTickets::new(10_000));
/// # Ok(())
/// # }
/// ```
///
/// [`Identity::issue_stream_ticket`]: crate::Identity::issue_stream_ticket
#[derive(Clone)]
pub struct StreamTickets(Arc<Inner>);

struct Inner {
    capacity: usize,
    lifetime: Duration,
    clock: Clock,
    open: Mutex<Open>,
}

impl StreamTickets {
    /// Keeps so many tickets that were not redeemed yet, each with its token; the oldest make room.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::build(capacity, DEFAULT_LIFETIME, Clock::system())
    }

    /// How long a ticket is good for. Defaults to 30 seconds.
    ///
    /// Like the other setter, this shares nothing with earlier clones.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        Self::build(self.0.capacity, lifetime, self.0.clock.clone())
    }

    /// Judges ages by this clock. Defaults to the system's, of which it is the uptime: setting the
    /// date prolongs nothing.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self::build(self.0.capacity, self.0.lifetime, clock)
    }

    fn build(capacity: usize, lifetime: Duration, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            capacity: capacity.max(1),
            lifetime,
            clock,
            open: Mutex::default(),
        }))
    }

    /// A ticket that stands for `token`, which says `claims`.
    pub(crate) fn issue(&self, token: &str, claims: &Claims) -> Result<StreamTicket, AuthError> {
        let inner = &*self.0;
        let left = claims.expires_at().duration_since(inner.clock.now());
        let ticket = StreamTicket::random(inner.lifetime.min(left.unwrap_or_default()))?;
        let entry = Entry {
            digest: digest(ticket.as_str()),
            owner: Owner::of(claims),
            token: token.into(),
            issued: inner.clock.uptime(),
        };
        let mut open = inner.lock();
        open.make_room(&entry.owner, inner.capacity);
        open.put(entry);
        record::ticket_issued();
        Ok(ticket)
    }

    /// The token that the ticket stands for; the ticket is used up then.
    pub(crate) fn redeem(&self, ticket: &str) -> Option<Arc<str>> {
        let digest = digest(ticket);
        let taken = self.0.lock().take(&digest);
        let good = taken.filter(|entry| self.0.keeps(entry))?;
        record::ticket_redeemed();
        Some(good.token)
    }
}

impl Inner {
    /// What is open, without what has expired.
    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing that is done under the lock panics halfway.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((number, oldest)) = open.entries.first_key_value()
            && !self.keeps(oldest)
        {
            let number = *number;
            open.remove(number);
        }
        open
    }

    fn keeps(&self, entry: &Entry) -> bool {
        clock::is_young(entry.issued, self.clock.uptime(), self.lifetime)
    }
}

impl fmt::Debug for StreamTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets")
            .field("capacity", &self.0.capacity)
            .field("lifetime", &self.0.lifetime)
            .finish_non_exhaustive()
    }
}

/// Stands for a token, once: 256 random bits, to be sent as `?token=` or as a subprotocol.
pub struct StreamTicket {
    text: String,
    expires_in: Duration,
}

impl StreamTicket {
    fn random(expires_in: Duration) -> Result<Self, AuthError> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits).map_err(AuthError::unavailable)?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits));
        Ok(Self { text, expires_in })
    }

    /// Whether this is meant to be a ticket. No JSON Web Token is.
    pub(crate) fn looks_like(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Its text, which needs no encoding in a query.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How long it is good for: not longer than its token.
    pub const fn expires_in(&self) -> Duration {
        self.expires_in
    }
}

// Tickets are credentials.
impl fmt::Debug for StreamTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("text", &"[redacted]")
            .field("expires_in", &self.expires_in)
            .finish()
    }
}

/// The tickets that were not redeemed yet: by their age, by what they are, by whose they are.
#[derive(Default)]
struct Open {
    next: u64,
    entries: BTreeMap<u64, Entry>,
    numbers: HashMap<[u8; 32], u64>,
    owners: HashMap<Owner, VecDeque<u64>>,
}

struct Entry {
    // Whoever reads this memory can redeem nothing, and comparing it tells nothing by its time.
    digest: [u8; 32],
    owner: Owner,
    token: Arc<str>,
    issued: Duration,
}

impl Open {
    /// For one more of this owner.
    fn make_room(&mut self, owner: &Owner, capacity: usize) {
        let theirs = self.owners.get(owner);
        let oldest = match theirs {
            Some(theirs) if theirs.len() >= MAX_EACH => theirs.front(),
            _ if self.entries.len() >= capacity => self.entries.keys().next(),
            _ => None,
        };
        if let Some(number) = oldest.copied() {
            self.remove(number);
        }
    }

    fn put(&mut self, entry: Entry) {
        let number = self.next;
        self.next += 1;
        self.numbers.insert(entry.digest, number);
        let theirs = self.owners.entry(entry.owner.clone()).or_default();
        theirs.push_back(number);
        self.entries.insert(number, entry);
    }

    fn take(&mut self, digest: &[u8; 32]) -> Option<Entry> {
        let number = *self.numbers.get(digest)?;
        self.remove(number)
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        self.numbers.remove(&entry.digest);
        if let Some(theirs) = self.owners.get_mut(&entry.owner) {
            theirs.retain(|other| *other != number);
            if theirs.is_empty() {
                self.owners.remove(&entry.owner);
            }
        }
        Some(entry)
    }
}

/// Who asked for a ticket.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Owner {
    issuer: Option<Arc<str>>,
    subject: Arc<str>,
}

impl Owner {
    fn of(claims: &Claims) -> Self {
        Self {
            issuer: claims.issuer().map(Into::into),
            subject: claims.subject().into(),
        }
    }
}

fn digest(ticket: &str) -> [u8; 32] {
    Sha256::digest(ticket).into()
}

const PREFIX: &str = "ticket_";

const DEFAULT_LIFETIME: Duration = Duration::from_secs(30);

/// Tickets of one user. A page opens a few streams at a time.
const MAX_EACH: usize = 16;

#[cfg(test)]
mod tests;
