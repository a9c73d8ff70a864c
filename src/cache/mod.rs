//! In-memory cache of users, so that not every request loads its user from the database.
//!
//! [`UserCache`] is the cache, [`Invalidation`] the message by which other processes report
//! changes.

mod invalidation;
mod in_flight;
mod subscribe;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{FutureExt, Shared};

use self::in_flight::{Found, InFlightLoad, Key, Load, applies_to};
use self::invalidation::Channels;
use crate::clock::{self, Clock};
use crate::jwt::Claims;
use crate::metrics::record;
use crate::user::{self, AuthUser, UserLoader};
use crate::util::keyed_notify::{Watcher, Watchers};
use crate::util::set_associative::{self, SetAssociativeCache};

pub use self::invalidation::Invalidation;

/// Cache of loaded users for [`AuthLayer::user_cache`](crate::AuthLayer::user_cache).
///
/// A change in the database takes effect after the [time to live](Self::ttl) at the latest, or at
/// once if the code that makes the change calls [`invalidate`](Self::invalidate). Keep a clone for
/// that: it is a handle to the same cache. `Accounts` of `tower-warder-accounts` does so for its own
/// changes; [`subscribe`](Self::subscribe) receives those of other processes.
///
/// A hit never waits and takes no lock. Concurrent misses of the same user share one load. Errors
/// are not cached. If the [`token_generation`](AuthUser::token_generation) or
/// [`tokens_valid_since`](AuthUser::tokens_valid_since) of a cached user excludes the token, the user
/// is loaded again before the token is rejected.
///
/// The cache key is the token's issuer and [`UserLoader::cache_key`], by default the subject: give
/// each loader a cache of its own.
///
/// ```
/// use std::time::Duration;
///
/// use tower_warder::cache::UserCache;
/// use tower_warder::{AuthLayer, HmacSecret, JwtVerifier};
/// # use tower_warder::testing;
///
/// # fn example(users: impl tower_warder::UserLoader<User = testing::TestUser>) {
/// let cache = UserCache::new(10_000).ttl(Duration::from_secs(30));
/// let layer = AuthLayer::new(JwtVerifier::hs256(&HmacSecret::generate()), users)
///     .user_cache(cache.clone());
///
/// // After disabling the user with the subject 7:
/// cache.invalidate("7");
/// # }
/// ```
pub struct UserCache<U>(Arc<Inner<U>>);

struct Inner<U> {
    table: SetAssociativeCache<Entry<U>, Vec<InFlightLoad<U>>>,
    flights: AtomicU64,
    watchers: Arc<Watchers>,
    channels: Channels,
    settings: Settings,
}

#[derive(Clone)]
struct Settings {
    capacity: usize,
    ttl: Duration,
    negative_ttl: Duration,
    clock: Clock,
    on_invalidate: Option<Announcement>,
}

type Announcement = Arc<dyn Fn(Invalidation) + Send + Sync>;

/// The result of a load, and when the load began.
struct Entry<U> {
    key: Key,
    user: Option<Arc<U>>,
    began: Duration,
}

impl<U> UserCache<U> {
    /// Creates a cache for about `capacity` users, rounded up to a power of two and at least 8.
    ///
    /// Users that were not looked up again are evicted first. Choose about twice the number of users
    /// that are active at a time. The memory of all places is allocated at once.
    pub fn new(capacity: usize) -> Self {
        Self::build(Settings {
            capacity,
            ttl: DEFAULT_TTL,
            negative_ttl: Duration::ZERO,
            clock: Clock::system(),
            on_invalidate: None,
        })
    }

    /// Time to live of a cached user, counted from the start of its load: the longest time for which
    /// a change in the database goes unnoticed. Requests do not join a load that takes longer.
    /// Defaults to 5 seconds.
    ///
    /// Like the other setters, this returns a cache that shares nothing with earlier clones.
    #[must_use]
    pub fn ttl(&self, ttl: Duration) -> Self {
        self.with(|settings| settings.ttl = ttl)
    }

    /// Time to live of the result that a user is unknown. Defaults to 0 seconds: each request loads
    /// again.
    #[must_use]
    pub fn negative_ttl(&self, ttl: Duration) -> Self {
        self.with(|settings| settings.negative_ttl = ttl)
    }

    /// Clock that measures ages. Defaults to the uptime of the system clock, so setting the date
    /// extends no entry.
    #[must_use]
    pub fn clock(&self, clock: Clock) -> Self {
        self.with(|settings| settings.clock = clock)
    }

    /// Function that announces invalidations of this process to others.
    ///
    /// It is called after each [`invalidate`](Self::invalidate) and
    /// [`invalidate_all`](Self::invalidate_all), but not for messages of a channel that the cache
    /// [subscribes](Self::subscribe) to. It must not block: let it put the message into a queue from
    /// which a task sends it. Defaults to none. It is not needed where the database itself announces
    /// changes.
    #[must_use]
    pub fn on_invalidate(&self, tell: impl Fn(Invalidation) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.on_invalidate = Some(Arc::new(tell)))
    }

    /// Removes the users with this [key](UserLoader::cache_key), by default the subject, of every
    /// issuer.
    ///
    /// After it returns, no new request sees the earlier state: a load that had already begun serves
    /// only the requests that wait for it. Streams of this user are
    /// [checked](crate::Identity::until_unauthorized) at once.
    pub fn invalidate(&self, key: &str) {
        self.remove(key);
        if let Some(tell) = &self.0.settings.on_invalidate {
            tell(Invalidation::Key(key.to_owned()));
        }
    }

    /// Removes all users, in the same way.
    pub fn invalidate_all(&self) {
        self.remove_all();
        if let Some(tell) = &self.0.settings.on_invalidate {
            tell(Invalidation::All);
        }
    }

    fn remove(&self, key: &str) {
        let mut set = self.0.table.lock(set_associative::hash(key.as_bytes()));
        set.state.retain(|flight| *flight.key.name != *key);
        set.remove(|entry| *entry.key.name == *key);
        drop(set);
        self.0.watchers.notify(key);
    }

    fn remove_all(&self) {
        for mut set in self.0.table.lock_each() {
            set.state.clear();
            set.remove(|_| true);
        }
        self.0.watchers.notify_all();
    }

    fn with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.0.settings.clone();
        change(&mut settings);
        Self::build(settings)
    }

    fn build(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            table: SetAssociativeCache::new(settings.capacity),
            flights: AtomicU64::new(0),
            watchers: Arc::default(),
            channels: Channels::default(),
            settings,
        }))
    }
}

impl<U: AuthUser> UserCache<U> {
    /// The cached result for the user, if it holds for this token.
    pub(crate) fn get(
        &self,
        loader: &dyn UserLoader<User = U>,
        claims: &Claims,
    ) -> Option<Option<Arc<U>>> {
        if self.0.channels.any_is_down() {
            return None;
        }
        let name = user::cache_key(loader, claims)?;
        let now = self.0.settings.clock.uptime();
        let found = self
            .0
            .table
            .get(set_associative::hash(name.as_bytes()), |entry| {
                let applies = entry.key.is(claims.issuer(), &name)
                    && self.0.settings.keeps(entry, now)
                    && entry
                        .user
                        .as_deref()
                        .is_none_or(|user| user::is_for(claims, user));
                applies.then(|| entry.user.clone())
            });
        found.inspect(|_| record::user_cache_hit())
    }

    /// Loads the user, or waits for a load that is under way.
    pub(crate) async fn load(
        &self,
        loader: &Arc<dyn UserLoader<User = U>>,
        claims: &Claims,
    ) -> Found<U> {
        if self.0.channels.any_is_down() {
            record::user_cache_bypassed();
            return user::load(&**loader, claims).await;
        }
        record::user_cache_miss();
        let Some(name) = user::cache_key(&**loader, claims) else {
            return user::load(&**loader, claims).await;
        };
        let (load, joined) = self.join_or_start(loader, claims, &name);
        let found = load.await;
        if joined && !applies_to(claims, &found) {
            return user::load(&**loader, claims).await;
        }
        found
    }

    /// Watcher that is notified when the user of these claims is invalidated.
    pub(crate) fn watch(
        &self,
        loader: &dyn UserLoader<User = U>,
        claims: &Claims,
    ) -> Option<Watcher> {
        let name = user::cache_key(loader, claims)?;
        Some(self.0.watchers.watch(&name))
    }

    /// Keeps further requests from joining the load of this user, which takes too long.
    pub(crate) fn abandon(&self, loader: &dyn UserLoader<User = U>, claims: &Claims) {
        if let Some(name) = user::cache_key(loader, claims) {
            let mut set = self.0.table.lock(set_associative::hash(name.as_bytes()));
            set.state
                .retain(|flight| !flight.key.is(claims.issuer(), &name));
        }
    }

    /// The load of this user, and whether another request started it.
    fn join_or_start(
        &self,
        loader: &Arc<dyn UserLoader<User = U>>,
        claims: &Claims,
        name: &str,
    ) -> (Shared<Load<U>>, bool) {
        let hash = set_associative::hash(name.as_bytes());
        let now = self.0.settings.clock.uptime();
        let mut set = self.0.table.lock(hash);
        // The result of a load that began too long ago is already stale for new requests.
        set.state.retain(|flight| {
            flight.is_under_way() && clock::is_young(flight.began, now, self.0.settings.ttl)
        });
        let same = |flight: &&InFlightLoad<U>| flight.key.is(claims.issuer(), name);
        let under_way = set.state.iter().filter(same);
        if let Some(load) = { under_way }.find_map(|flight| flight.load.upgrade()) {
            return (load, true);
        }
        let number = self.0.flights.fetch_add(1, Ordering::Relaxed);
        let (inner, loader, of) = (Arc::clone(&self.0), Arc::clone(loader), claims.clone());
        let alive = Arc::new(());
        let under_way = Arc::downgrade(&alive);
        let load = async move {
            let _alive = alive;
            let found = user::load(&*loader, &of).await;
            inner.store_result(hash, number, &found);
            found
        };
        let load = load.boxed().shared();
        if let Some(weak) = load.downgrade() {
            set.state.push(InFlightLoad {
                number,
                key: Key::of(claims, name),
                began: now,
                load: weak,
                under_way,
            });
        }
        (load, false)
    }
}

impl<U> Inner<U> {
    /// Stores the result, unless it was invalidated meanwhile.
    fn store_result(&self, hash: u64, number: u64, found: &Found<U>) {
        let now = self.settings.clock.uptime();
        let mut set = self.table.lock(hash);
        let flights = set.state.iter();
        let Some(position) = { flights }.position(|flight| flight.number == number) else {
            return;
        };
        let InFlightLoad { key, began, .. } = set.state.swap_remove(position);
        let is_predecessor = |other: &Entry<U>| other.key == key;
        let user = match found {
            Ok(Some(user)) => Some(Arc::clone(user)),
            Ok(None) if !self.settings.negative_ttl.is_zero() => None,
            Ok(None) => return set.remove(is_predecessor),
            // An error says nothing new about the user.
            Err(_) => return,
        };
        let entry = Entry {
            key: key.clone(),
            user,
            began,
        };
        let is_expired = |other: &Entry<U>| !self.settings.keeps(other, now);
        set.put(hash, entry, is_predecessor, is_expired);
    }
}

impl Settings {
    fn keeps<U>(&self, entry: &Entry<U>, now: Duration) -> bool {
        let ttl = match entry.user {
            Some(_) => self.ttl,
            None => self.negative_ttl,
        };
        clock::is_young(entry.began, now, ttl)
    }
}

impl<U> Clone for UserCache<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl_debug! { self: [U] UserCache<U>,
    capacity = self.0.table.capacity(),
    ttl = self.0.settings.ttl,
}

const DEFAULT_TTL: Duration = Duration::from_secs(5);
