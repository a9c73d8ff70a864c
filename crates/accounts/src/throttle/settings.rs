//! Settings of the throttle.

use std::fmt;
use std::sync::{Arc, Mutex};

use tower_warder::HmacSecret;
use tower_warder::credentials::AuthCookie;

use super::bucket::ThrottleStore;
use super::limit::Limit;
use super::shared_store::SharedStore;
use super::table::Table;

/// Limits of attempts. On by default: [`Accounts::throttle`](crate::Accounts::throttle) replaces it,
/// [`Accounts::throttle_off`](crate::Accounts::throttle_off) switches it off.
///
/// | what is limited | by | default |
/// |---|---|---|
/// | wrong passwords | client address and account | [`per_pair`](Self::per_pair): 10 an hour, 15 at once |
/// | wrong passwords, from clients that have not logged in to the account before | account | [`per_account`](Self::per_account): 20 an hour |
/// | wrong passwords, from clients that have not | client address | [`failures_per_address`](Self::failures_per_address): 5 a minute, 50 at once |
/// | wrong passwords, from a device that has | device | [`per_device`](Self::per_device): 5 a minute, 15 at once |
/// | log-ins; failed renewals of tokens; failed uses of one-time tokens | client address | [`per_address`](Self::per_address): 100 a minute |
/// | log-ins from known devices | account | `per_address` |
/// | registrations | client address | [`per_registrant`](Self::per_registrant): 10 an hour |
/// | requests for mail | client address | `per_registrant` |
/// | requested mail of one purpose | address, also one without an account | one in 5 minutes: a further request has no effect |
/// | wrong passwords of a change of the password or address, a deletion or an export | user | `per_device` |
/// | changes of the display name | user | `per_device` |
/// | wrong passwords, from clients that have not logged in to the account before; registrations | all clients | [`overall`](Self::overall): 10 a second, 5000 at once |
///
/// Too many attempts are answered 429 with `Retry-After`, before the password is hashed, and equally
/// for known and unknown accounts. The response does not tell which limit was reached, nor how many
/// attempts are left. An attempt is counted when it begins, and given back if the password was right
/// or the store failed. A client that waits gets another attempt: no account is ever locked. The
/// delay grows from none to 3 minutes for an account, and 6 for an address and an account.
///
/// **Known devices.** A log-in sets a signed `HttpOnly` cookie, which is valid for 180 days and gives
/// no access. With it, or with a valid bearer token of the account, a client is counted by itself and
/// not with the others, so that an attacker with many addresses cannot keep the owner out. Clients
/// that are no browsers may keep the cookie, too. What revokes the tokens of an account makes its
/// devices unknown, except the one that changed the password or logged out everywhere. A browser is
/// known to the four accounts that logged in last.
///
/// An attacker with two addresses or more can still delay log-ins to an account from new devices, for
/// as long as the attack lasts. To delay all log-ins from new devices, the limit of all clients has to be
/// reached: with the defaults this takes 100 addresses, or networks of IPv6, for a while, and more than
/// 120 for good; for all registrations it takes 500 and 3600. With fewer addresses an attack delays others
/// in the queue of the hasher, by one hash for each address at most; after a wrong password an address
/// comes after others. Log-ins from new devices that share the address of an attacker are delayed, too.
///
/// **The queue of the hasher** is shared fairly, so that what is within the limits does not keep others
/// waiting: an account has one place, an address four, and known devices, users who change their
/// password and admins have a quarter of the places for themselves. Addresses without a wrong password
/// come first. See
/// [`PasswordHasher::for_caller`](tower_warder::password::PasswordHasher::for_caller). A log-in without
/// a place, or that has waited for 5 seconds, is answered 503 with `Retry-After`.
///
/// **Client addresses** come from [`ConnectInfo`](axum::extract::ConnectInfo): serve the router with
/// `into_make_service_with_connect_info::<SocketAddr>()`. IPv6 addresses are counted by their /64.
/// Behind a proxy set [`Accounts::trusted_proxies`](crate::Accounts::trusted_proxies). Requests without
/// an address, and those from a loopback address that is not a trusted proxy, are not limited by
/// address: they may come from any number of clients. The former is logged once at WARN.
///
/// Counts are in memory, in a table of 1 MiB, which attacks within the limit of all clients fill by
/// half at most; a restart resets them. See [`store`](Self::store) for
/// several instances.
#[doc(alias = "rate limit")]
#[doc(alias = "brute force")]
#[derive(Clone)]
#[must_use]
pub struct Throttle {
    pub(super) pair: Limit,
    pub(super) device: Limit,
    pub(super) account: Limit,
    pub(super) address: Limit,
    pub(super) address_failures: Limit,
    pub(super) registration: Limit,
    pub(super) overall: Limit,
    pub(super) cookie: Option<AuthCookie>,
    pub(super) secret: HmacSecret,
    pub(super) store: Option<Arc<SharedStore>>,
    pub(super) table: Arc<Mutex<Table>>,
}

impl Throttle {
    /// Creates a throttle with the default limits.
    pub fn new() -> Self {
        Self {
            // Ten typing errors and more in a row. Less than the account's, so that one address cannot
            // use up the attempts of others.
            pair: Limit::per_hour(10).burst(15),
            // Typing errors likewise, and no more than 7215 guesses a day.
            device: Limit::per_minute(5).burst(15),
            // 500 guesses a day with any number of addresses.
            account: Limit::per_hour(20),
            // An office behind one address whose users all log in in the morning.
            address: Limit::per_minute(100),
            // The typing errors of the same office. With a hundred addresses 500 guesses a minute, which
            // the limit of all clients admits.
            address_failures: Limit::per_minute(5).burst(50),
            // A household or a small office.
            registration: Limit::per_hour(10),
            // As many guesses as one core verifies, so that guesses at all accounts from many addresses
            // are bounded. At once so many that it takes a hundred addresses: what is less is left to the
            // hasher, which is fair, as a count of all clients cannot be.
            overall: Limit::per_second(10).burst(5000),
            cookie: AuthCookie::new(DEVICE_COOKIE).ok(),
            secret: HmacSecret::generate(),
            store: None,
            table: Arc::new(Mutex::new(Table::new())),
        }
    }

    /// Sets the limit of wrong passwords for each client address and account. Defaults to 10 an hour,
    /// 15 at once.
    pub const fn per_pair(mut self, limit: Limit) -> Self {
        self.pair = limit;
        self
    }

    /// Sets the limit of wrong passwords for each device that has logged in to the account before, and
    /// for each user who changes the password, the address or the display name, or deletes or exports the
    /// account. Defaults to 5 a minute, 15 at once.
    pub const fn per_device(mut self, limit: Limit) -> Self {
        self.device = limit;
        self
    }

    /// Sets the limit of wrong passwords for each account, from clients that have not logged in to it
    /// before. Defaults to 20 an hour.
    pub const fn per_account(mut self, limit: Limit) -> Self {
        self.account = limit;
        self
    }

    /// Sets the limit of log-ins for each client address, successful ones included. Defaults to 100 a
    /// minute.
    pub const fn per_address(mut self, limit: Limit) -> Self {
        self.address = limit;
        self
    }

    /// Sets the limit of wrong passwords for each client address, from clients that have not logged in to
    /// the account before. Defaults to 5 a minute, 50 at once.
    pub const fn failures_per_address(mut self, limit: Limit) -> Self {
        self.address_failures = limit;
        self
    }

    /// Sets the limit of registrations for each client address, and that of its requests for mail.
    /// Defaults to 10 an hour.
    pub const fn per_registrant(mut self, limit: Limit) -> Self {
        self.registration = limit;
        self
    }

    /// Sets the limit of failed log-ins of all clients together, and that of all registrations. Known
    /// devices do not count. Defaults to 10 a second, 5000 at once. Who reaches it keeps all new devices
    /// out, so it has to be more than what a few addresses may try.
    pub const fn overall(mut self, limit: Limit) -> Self {
        self.overall = limit;
        self
    }

    /// Sets the cookie of known devices. Defaults to `__Host-tower_warder_device`, which browsers
    /// accept over TLS only. It is not set if a page of another origin sent the log-in, unless that is
    /// a [trusted one](AuthCookie::trusted_origin) of this cookie.
    pub fn device_cookie(mut self, cookie: AuthCookie) -> Self {
        self.cookie = Some(cookie);
        self
    }

    /// Sets the secret for the cookies of known devices and the keys of [buckets](super::Bucket).
    /// Defaults to a new one in each process, so that a restart makes all devices unknown. Several
    /// instances need the same one.
    pub fn secret(mut self, secret: HmacSecret) -> Self {
        self.secret = secret;
        self
    }

    /// Sets a store that several instances share, such as `RedisThrottleStore` of
    /// `tower-warder-redis`. Defaults to none: each instance counts by itself.
    pub fn store(mut self, store: impl ThrottleStore) -> Self {
        self.store = Some(Arc::new(SharedStore::new(store)));
        self
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("per_pair", &self.pair)
            .field("per_device", &self.device)
            .field("per_account", &self.account)
            .field("per_address", &self.address)
            .field("failures_per_address", &self.address_failures)
            .field("per_registrant", &self.registration)
            .field("overall", &self.overall)
            .finish_non_exhaustive()
    }
}

const DEVICE_COOKIE: &str = "tower_warder_device";
