//! Users in memory, so that not every request asks the store.

mod invalidation;
mod in_flight;
mod subscribe;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{FutureExt, Shared};

use self::in_flight::{Found, InFlightLoad, Key, Load, tells_of};
use self::invalidation::Channels;
use crate::clock::{self, Clock};
use crate::jwt::Claims;
use crate::metrics::record;
use crate::user::{self, AuthUser, UserLoader};
use crate::util::keyed_notify::{Watcher, Watchers};
use crate::util::set_associative::{self, SetAssociativeCache};

pub use self::invalidation::Invalidation;

/// Users that were loaded a moment ago, to be given to
/// [`AuthLayer::user_cache`](crate::AuthLayer::user_cache).
///
/// A status that changes in the store is seen after the [time to live](Self::ttl) at the
/// latest, or at once if whoever changes it calls [`invalidate`](Self::invalidate): keep a clone,
/// which is a handle to the same cache. `Accounts` of `tower-warder-accounts` does that for its
/// own changes. What other processes change is heard with [`subscribe`](Self::subscribe).
///
/// A hit waits for nobody and takes no lock. Many requests that miss the same user at once are one
/// load. Errors are never kept. A cached user whose
/// [`token_generation`](AuthUser::token_generation) or
/// [`tokens_valid_since`](AuthUser::tokens_valid_since) excludes the token is loaded anew before the
/// token is refused.
///
/// Users are kept by the token's issuer and [`UserLoader::cache_key`], the subject by default: give
/// each loader a cache of its own.
///
/// ```
/// # use std::time::Duration;
/// # use tower_warder::{AuthLayer, HmacSecret, JwtVerifier, testing};
/// # use tower_warder::cache::UserCache;
/// # fn example(users: impl tower_warder::UserLoader<User = testing::TestUser>) {
/// let cache = UserCache::new(10_000).ttl(Duration::from_secs(30));
/// let layer = AuthLayer::new(JwtVerifier::hs256(&HmacSecret::generate()), users)
///     .user_cache(cache.clone());
///
/// // Wherever the user with the subject 7 is disabled:
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

/// What was found, and when somebody began to look.
struct Entry<U> {
    key: Key,
    user: Option<Arc<U>>,
    began: Duration,
}

impl<U> UserCache<U> {
    /// A cache of about so many users: rounded up to a power of two, and at least 8. Those who do
    /// not come again make room first; give it about twice as many places as there are users at a
    /// time. The places are there from the beginning, and take their memory.
    pub fn new(capacity: usize) -> Self {
        Self::build(Settings {
            capacity,
            ttl: DEFAULT_TIME_TO_LIVE,
            negative_ttl: Duration::ZERO,
            clock: Clock::system(),
            on_invalidate: None,
        })
    }

    /// How long a user is good for, from the moment when the load began: the longest time that a
    /// change in the store goes unseen. A load that takes longer serves only those who came before.
    /// Defaults to 5 seconds.
    ///
    /// Like the other setters, this makes a cache that shares nothing with earlier clones.
    #[must_use]
    pub fn ttl(&self, ttl: Duration) -> Self {
        self.but(|settings| settings.ttl = ttl)
    }

    /// How long it is remembered that a user is unknown. Defaults to zero: each request asks again.
    #[must_use]
    pub fn negative_ttl(&self, ttl: Duration) -> Self {
        self.but(|settings| settings.negative_ttl = ttl)
    }

    /// Judges ages by this clock. Defaults to the system's, of which it is the uptime: setting the
    /// date prolongs nothing.
    #[must_use]
    pub fn clock(&self, clock: Clock) -> Self {
        self.but(|settings| settings.clock = clock)
    }

    /// Tells others whom this process invalidates: `tell` is called after each
    /// [`invalidate`](Self::invalidate) and [`invalidate_all`](Self::invalidate_all), not for what
    /// a channel said that the cache [follows](Self::subscribe). It must not block: let it put the
    /// word into a queue from which a task sends it. Defaults to nothing; a database that tells of
    /// changes itself makes it superfluous.
    #[must_use]
    pub fn on_invalidate(&self, tell: impl Fn(Invalidation) + Send + Sync + 'static) -> Self {
        self.but(|settings| settings.on_invalidate = Some(Arc::new(tell)))
    }

    /// Forgets the users of this [key](UserLoader::cache_key), the subject by default, of whatever
    /// issuer. Once it returns, no request is answered by what was known before: also a load that
    /// had begun serves only those who wait for it already. Streams of this user are
    /// [checked](crate::Identity::until_unauthorized) at once.
    pub fn invalidate(&self, key: &str) {
        self.forget(key);
        if let Some(tell) = &self.0.settings.on_invalidate {
            tell(Invalidation::Key(key.to_owned()));
        }
    }

    /// Forgets all users, in the same way.
    pub fn invalidate_all(&self) {
        self.forget_all();
        if let Some(tell) = &self.0.settings.on_invalidate {
            tell(Invalidation::All);
        }
    }

    fn forget(&self, key: &str) {
        let mut set = self.0.table.lock(set_associative::hash(key.as_bytes()));
        set.state.retain(|flight| *flight.key.name != *key);
        set.remove(|entry| *entry.key.name == *key);
        drop(set);
        self.0.watchers.notify(key);
    }

    fn forget_all(&self) {
        for mut set in self.0.table.lock_each() {
            set.state.clear();
            set.remove(|_| true);
        }
        self.0.watchers.notify_all();
    }

    fn but(&self, change: impl FnOnce(&mut Settings)) -> Self {
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
    /// What is known of the user, if that speaks about this token.
    pub(crate) fn get(
        &self,
        loader: &dyn UserLoader<User = U>,
        claims: &Claims,
    ) -> Option<Option<Arc<U>>> {
        if self.0.channels.any_is_silent() {
            return None;
        }
        let name = user::cache_key(loader, claims)?;
        let now = self.0.settings.clock.uptime();
        let found = self
            .0
            .table
            .get(set_associative::hash(name.as_bytes()), |entry| {
                let speaks = entry.key.is(claims.issuer(), &name)
                    && self.0.settings.keeps(entry, now)
                    && entry
                        .user
                        .as_deref()
                        .is_none_or(|user| user::is_for(claims, user));
                speaks.then(|| entry.user.clone())
            });
        found.inspect(|_| record::user_cache_hit())
    }

    /// Asks the store, or waits with whoever asks it already.
    pub(crate) async fn load(
        &self,
        loader: &Arc<dyn UserLoader<User = U>>,
        claims: &Claims,
    ) -> Found<U> {
        if self.0.channels.any_is_silent() {
            record::user_cache_bypassed();
            return user::load(&**loader, claims).await;
        }
        record::user_cache_miss();
        let Some(name) = user::cache_key(&**loader, claims) else {
            return user::load(&**loader, claims).await;
        };
        let (load, joined) = self.join_or_start(loader, claims, &name);
        let found = load.await;
        if joined && !tells_of(claims, &found) {
            return user::load(&**loader, claims).await;
        }
        found
    }

    /// Hears when what this loader finds for the claims is invalidated.
    pub(crate) fn watch(
        &self,
        loader: &dyn UserLoader<User = U>,
        claims: &Claims,
    ) -> Option<Watcher> {
        let name = user::cache_key(loader, claims)?;
        Some(self.0.watchers.watch(&name))
    }

    /// Lets nobody else join the load of this user: it takes too long.
    pub(crate) fn abandon(&self, loader: &dyn UserLoader<User = U>, claims: &Claims) {
        if let Some(name) = user::cache_key(loader, claims) {
            let mut set = self.0.table.lock(set_associative::hash(name.as_bytes()));
            set.state
                .retain(|flight| !flight.key.is(claims.issuer(), &name));
        }
    }

    /// The load of this user, and whether somebody else began it.
    fn join_or_start(
        &self,
        loader: &Arc<dyn UserLoader<User = U>>,
        claims: &Claims,
        name: &str,
    ) -> (Shared<Load<U>>, bool) {
        let hash = set_associative::hash(name.as_bytes());
        let now = self.0.settings.clock.uptime();
        let mut set = self.0.table.lock(hash);
        // What a load has read that began too long ago, nobody may have who comes now.
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
    /// Keeps what was found, unless it was invalidated meanwhile.
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
            // Nothing new is known.
            Err(_) => return,
        };
        let entry = Entry {
            key: key.clone(),
            user,
            began,
        };
        let is_worthless = |other: &Entry<U>| !self.settings.keeps(other, now);
        set.put(hash, entry, is_predecessor, is_worthless);
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

impl<U> fmt::Debug for UserCache<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserCache")
            .field("capacity", &self.0.table.capacity())
            .field("ttl", &self.0.settings.ttl)
            .finish_non_exhaustive()
    }
}

const DEFAULT_TIME_TO_LIVE: Duration = Duration::from_secs(5);
