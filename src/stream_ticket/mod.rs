//! One-time tickets that replace a token in the URI of a WebSocket or an event stream.
//!
//! [`StreamTickets`] is the store of the tickets of one process, [`StreamTicket`] a single one.
//! [`Identity::issue_stream_ticket`](crate::Identity::issue_stream_ticket) issues them.

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

/// One-time tickets of one process, for
/// [`AuthLayer::stream_tickets`](crate::AuthLayer::stream_tickets).
///
/// `EventSource` and `WebSocket` cannot send headers, and URIs are written to logs. A ticket stands for
/// the token of the request that asked for it ([`Identity::issue_stream_ticket`]), for one use within
/// 30 seconds. The request that redeems it is verified with that token: the ticket expires with the
/// token, its key and its generation, and the account's status is checked as for any request.
///
/// A ticket is accepted in the query or as a subprotocol, on the paths that the
/// [`CredentialSource`](crate::credentials::CredentialSource) lists for these. It is not accepted in a
/// header or a cookie, or on another path. Tokens are accepted there as well.
///
/// Only the newest 16 tickets of one user are valid, so that one user cannot evict the tickets of
/// others. Tickets are kept in memory: with several processes, a ticket has to be redeemed at the
/// instance that issued it, so configure the load balancer with session affinity.
///
/// ```
/// use tower_warder::credentials::CredentialSource;
/// use tower_warder::stream_ticket::StreamTickets;
/// use tower_warder::{AuthLayer, HmacSecret, JwtVerifier};
/// # use tower_warder::error::ConfigError;
/// # use tower_warder::testing;
///
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
    /// Creates a store of at most `capacity` tickets that were not redeemed yet, each with its token.
    /// The oldest are evicted first.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::build(capacity, DEFAULT_LIFETIME, Clock::system())
    }

    /// Lifetime of a ticket. Defaults to 30 seconds.
    ///
    /// Like the other setter, this returns a store that shares nothing with earlier clones.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        Self::build(self.0.capacity, lifetime, self.0.clock.clone())
    }

    /// Clock that measures ages. Defaults to the uptime of the system clock, so setting the date
    /// extends no ticket.
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

    /// Issues a ticket for `token`, whose claims are `claims`.
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
        open.make_space(&entry.owner, inner.capacity);
        open.put(entry);
        record::ticket_issued();
        Ok(ticket)
    }

    /// Redeems a ticket: returns its token and invalidates the ticket.
    pub(crate) fn redeem(&self, ticket: &str) -> Option<Arc<str>> {
        let digest = digest(ticket);
        let taken = self.0.lock().take(&digest);
        let valid = taken.filter(|entry| self.0.keeps(entry))?;
        record::ticket_redeemed();
        Some(valid.token)
    }
}

impl Inner {
    /// The open tickets, after expired ones were removed.
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

impl_debug! { self: StreamTickets, capacity = self.0.capacity, lifetime = self.0.lifetime }

/// One-time replacement of a token: 256 random bits, sent as `?token=` or as a subprotocol.
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

    /// Returns `true` if the text has the prefix of a ticket. No JSON Web Token has it.
    pub(crate) fn looks_like(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Text of the ticket. It needs no encoding in a query.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Remaining lifetime, at most that of its token.
    pub const fn expires_in(&self) -> Duration {
        self.expires_in
    }
}

// Tickets are credentials.
impl fmt::Debug for StreamTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamTicket")
            .field("text", &"[redacted]")
            .field("expires_in", &self.expires_in)
            .finish()
    }
}

/// Tickets that were not redeemed yet, by age, by digest and by owner.
#[derive(Default)]
struct Open {
    next: u64,
    entries: BTreeMap<u64, Entry>,
    numbers: HashMap<[u8; 32], u64>,
    owners: HashMap<Owner, VecDeque<u64>>,
}

struct Entry {
    // Reading this memory reveals no ticket, and the time of a comparison reveals nothing either.
    digest: [u8; 32],
    owner: Owner,
    token: Arc<str>,
    issued: Duration,
}

impl Open {
    /// Evicts a ticket if there is no space for one more of this owner.
    fn make_space(&mut self, owner: &Owner, capacity: usize) {
        let owned = self.owners.get(owner);
        let oldest = match owned {
            Some(owned) if owned.len() >= MAX_PER_USER => owned.front(),
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
        let owned = self.owners.entry(entry.owner.clone()).or_default();
        owned.push_back(number);
        self.entries.insert(number, entry);
    }

    fn take(&mut self, digest: &[u8; 32]) -> Option<Entry> {
        let number = *self.numbers.get(digest)?;
        self.remove(number)
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        self.numbers.remove(&entry.digest);
        if let Some(owned) = self.owners.get_mut(&entry.owner) {
            owned.retain(|other| *other != number);
            if owned.is_empty() {
                self.owners.remove(&entry.owner);
            }
        }
        Some(entry)
    }
}

/// User that a ticket was issued to.
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

/// Maximum of open tickets of one user. A page opens a few streams at a time.
const MAX_PER_USER: usize = 16;

#[cfg(test)]
mod tests;
