//! Attempts, and the buckets that each is counted in.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tower_warder::clock::Clock;
use tower_warder::private::{
    LogLimits, ThrottledRoute, hmac_sha256, log_limited, throttled, uptime,
};

use super::TARGET;
use super::bucket::{Bucket, BucketKind};
use super::client::Client;
use super::device::Device;
use super::limit::Limit;
use super::settings::Throttle;
use super::table::{Exceeded, Table};

/// An attempt that is counted. Dropped, it stays counted: also if its client does not wait for the
/// response.
#[must_use]
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    clock: &'a Clock,
    refunded: Vec<Bucket>,
    is_shared: bool,
}

/// Too many attempts: when to try again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManyAttempts {
    pub(crate) retry_after: Duration,
}

impl Throttle {
    /// Begins a log-in to an account, by its address as it was entered. `device` is the id of one that
    /// is known to the account.
    pub(crate) async fn login<'a>(
        &'a self,
        account: &str,
        device: Option<&str>,
        client: &Client,
        clock: &'a Clock,
    ) -> Result<Attempt<'a>, TooManyAttempts> {
        let (refunded, kept) =
            match device {
                Some(device) => (
                    vec![self.bucket(BucketKind::Device, self.device, &[device, account])],
                    Some(self.bucket(BucketKind::Devices, self.address, &[account])),
                ),
                None => {
                    let mut refunded = vec![
                        self.bucket(BucketKind::Account, self.account, &[account]),
                        self.overall_of(ThrottledRoute::Login),
                    ];
                    let address = client.address.map(|address| address.to_string());
                    refunded.extend(address.map(|address| {
                        self.bucket(BucketKind::Pair, self.pair, &[&address, account])
                    }));
                    // So that few addresses do not use up what all clients have together.
                    let kind = BucketKind::AddressFailures;
                    refunded.extend(self.bucket_of(client, kind, self.address_failures));
                    (
                        refunded,
                        self.bucket_of(client, BucketKind::Address, self.address),
                    )
                }
            };
        self.begin(ThrottledRoute::Login, refunded, kept, clock)
            .await
    }

    /// Begins a registration.
    pub(crate) async fn register<'a>(
        &'a self,
        client: &Client,
        clock: &'a Clock,
    ) -> Result<Attempt<'a>, TooManyAttempts> {
        let route = ThrottledRoute::Register;
        let mut refunded = vec![self.overall_of(route)];
        refunded.extend(self.bucket_of(client, BucketKind::Registration, self.registration));
        self.begin(route, refunded, None, clock).await
    }

    /// Begins a password change of a user.
    pub(crate) async fn change_password<'a>(
        &'a self,
        user_id: i64,
        clock: &'a Clock,
    ) -> Result<Attempt<'a>, TooManyAttempts> {
        let route = ThrottledRoute::Password;
        let user = self.bucket(BucketKind::Password, self.device, &[&user_id.to_string()]);
        self.begin(route, vec![user], None, clock).await
    }

    /// Begins a change of a user's display name.
    pub(crate) async fn set_display_name<'a>(
        &'a self,
        user_id: i64,
        clock: &'a Clock,
    ) -> Result<Attempt<'a>, TooManyAttempts> {
        let route = ThrottledRoute::DisplayName;
        let user = user_id.to_string();
        let user = self.bucket(BucketKind::DisplayName, self.device, &[&user]);
        self.begin(route, vec![user], None, clock).await
    }

    /// Begins a renewal of tokens.
    pub(crate) async fn refresh<'a>(
        &'a self,
        client: &Client,
        clock: &'a Clock,
    ) -> Result<Attempt<'a>, TooManyAttempts> {
        let route = ThrottledRoute::Refresh;
        // Not all clients together: a renewal is no guess and hashes no password, so that a flood
        // would only keep others from renewing theirs.
        let buckets = self.bucket_of(client, BucketKind::Refresh, self.address);
        self.begin(route, buckets.into_iter().collect(), None, clock)
            .await
    }

    /// Begins a use of a one-time token.
    pub(crate) async fn use_token<'a>(
        &'a self,
        route: ThrottledRoute,
        client: &Client,
        clock: &'a Clock,
    ) -> Result<Attempt<'a>, TooManyAttempts> {
        // Not all clients together: only who has a token has a password hashed.
        let buckets = self.bucket_of(client, BucketKind::OneTimeToken, self.address);
        self.begin(route, buckets.into_iter().collect(), None, clock)
            .await
    }

    /// Counts a request for a mail to an account, and returns `true` if there was none of this route
    /// lately: those of one route must not use up the mail of another.
    pub(crate) async fn may_mail(
        &self,
        route: ThrottledRoute,
        account: &str,
        client: &Client,
        clock: &Clock,
    ) -> Result<bool, TooManyAttempts> {
        let address = self.bucket_of(client, BucketKind::MailAddress, self.registration);
        // Both stay counted: each may have caused a mail.
        let _ = self.begin(route, Vec::new(), address, clock).await?;
        let account = self.bucket(
            BucketKind::MailAccount,
            PER_MAILBOX,
            &[route.as_str(), account],
        );
        let mail = self.begin(route, vec![account], None, clock).await;
        Ok(mail.is_ok())
    }

    /// Counts a mail about a registration to an address, and returns `true` if there was none lately.
    pub(crate) async fn may_mail_registration(&self, email: &str, clock: &Clock) -> bool {
        // Not the bucket of `may_mail`: requests that send nothing to an address without an account
        // would keep its owner from registering.
        let parts = ["registration", email];
        let mailbox = self.bucket(BucketKind::MailAccount, PER_MAILBOX, &parts);
        let mail = self.begin(ThrottledRoute::Register, vec![mailbox], None, clock);
        mail.await.is_ok()
    }

    /// Returns the device, if its cookie was signed for this account.
    pub(crate) fn device(&self, account: &str, client: &Client, now: SystemTime) -> Option<Device> {
        let mut sent = client.devices.iter();
        sent.find_map(|value| Device::verify(value, account, &self.secret, now))
    }

    /// The bucket of a client address, if there is one.
    fn bucket_of(&self, client: &Client, kind: BucketKind, limit: Limit) -> Option<Bucket> {
        let address = client.address?.to_string();
        Some(self.bucket(kind, limit, &[&address]))
    }

    fn overall_of(&self, route: ThrottledRoute) -> Bucket {
        self.bucket(BucketKind::Overall, self.overall, &[route.as_str()])
    }

    fn bucket(&self, kind: BucketKind, limit: Limit, parts: &[&str]) -> Bucket {
        // No part but the last may contain any character.
        let parts = parts.join(" ");
        let text = format!("tower-warder: throttle {kind:?} {parts}");
        let mut key = [0; 16];
        // Half of the digest is enough to tell buckets apart.
        let digest = hmac_sha256(&self.secret, text.as_bytes());
        key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Bucket { key, limit, kind }
    }

    /// Counts the attempt in all buckets, or in none.
    async fn begin<'a>(
        &'a self,
        route: ThrottledRoute,
        refunded: Vec<Bucket>,
        kept: Option<Bucket>,
        clock: &'a Clock,
    ) -> Result<Attempt<'a>, TooManyAttempts> {
        let mut buckets = refunded.clone();
        buckets.extend(kept);
        let shared = match &self.store {
            Some(store) if !buckets.is_empty() => store.take(&buckets).await,
            _ => None,
        };
        let is_shared = shared.is_some();
        let (kind, retry_after) = match shared {
            Some(None) => (None, None),
            Some(Some(wait)) => (None, Some(wait)),
            None => match self.table().take(&buckets, nanos(clock)) {
                Ok(()) => (None, None),
                Err(Exceeded { kind, wait }) => (Some(kind), Some(Duration::from_nanos(wait))),
            },
        };
        if let Some(retry_after) = retry_after {
            static LIMITS: LogLimits = LogLimits::new();

            throttled(route);
            log_limited!(
                LIMITS.of((route.as_str(), kind)),
                info,
                target: TARGET,
                route = route.as_str(),
                limit = kind.map(BucketKind::as_str),
                "too many attempts"
            );
            return Err(TooManyAttempts { retry_after });
        }
        Ok(Attempt {
            throttle: self,
            clock,
            refunded,
            is_shared,
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No code under the lock panics halfway, so a poisoned state is consistent.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// Gives the attempt back: it was no guess.
    pub(crate) async fn refund(self) {
        match (&self.throttle.store, self.is_shared) {
            (Some(store), true) => store.refund(&self.refunded).await,
            _ => {
                let now = nanos(self.clock);
                self.throttle.table().refund(&self.refunded, now);
            }
        }
    }
}

fn nanos(clock: &Clock) -> u64 {
    u64::try_from(uptime(clock).as_nanos()).unwrap_or(u64::MAX)
}

/// One in five minutes.
const PER_MAILBOX: Limit = Limit::per_hour(12).burst(1);

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tower_warder::testing::FixedClock;
    use tower_warder_test_support::Log;

    use super::*;

    fn client(number: u32) -> Client {
        Client {
            address: Some(Ipv4Addr::from_bits(number).into()),
            ..Client::default()
        }
    }

    #[tokio::test]
    async fn flood_leaves_other_clients_their_attempts() {
        let throttle = Throttle::new();
        let time = FixedClock::new();
        let clock = time.clock();
        // A new address and a new account each time: as many as are admitted at once, and then one by
        // one, until as many slots become free as are taken.
        let mut admitted = 0;
        for number in 0..30_000 {
            if number >= 5000 {
                time.advance(Duration::from_millis(100));
            }
            let (account, client) = (format!("user{number}"), client(number));
            let attempt = throttle.login(&account, None, &client, &clock).await;
            admitted += u32::from(attempt.is_ok());
            let _ = throttle.register(&client, &clock).await;
            // The most slots are taken just before those of the beginning become free.
            if [5000, 6700, 29_999].contains(&number) {
                others_have_their_attempts(&throttle, &time, number).await;
            }
        }
        assert_eq!(admitted, 30_000);
    }

    #[tokio::test]
    async fn hundred_addresses_are_needed_to_delay_others() {
        let throttle = Throttle::new();
        let time = FixedClock::new();
        let clock = time.clock();
        let mut account = 0;
        let mut guess = async |address: u32| {
            account += 1;
            let account = format!("user{account}");
            let client = client(address);
            let attempt = throttle.login(&account, None, &client, &clock).await;
            attempt.is_ok()
        };
        for second in 0..60 {
            for address in 0..99 {
                while guess(address).await {}
            }
            assert!(guess(1000 + second).await, "{second}");
            time.advance(Duration::from_secs(1));
        }
        // With more of them, the limit of all clients is reached.
        for address in 100..300 {
            while guess(address).await {}
        }
        assert!(!guess(2000).await);
        time.advance(Duration::from_millis(100));
        assert!(guess(2000).await);
    }

    /// An attempt of a client with this number.
    enum Try {
        Login(&'static str, u32),
        KnownDevice(&'static str, u32),
        Register(u32),
        ChangePassword(i64),
        SetDisplayName(i64),
        Refresh(u32),
        UseToken(u32),
    }

    impl Try {
        async fn begin<'a>(
            &self,
            throttle: &'a Throttle,
            clock: &'a Clock,
        ) -> Result<Attempt<'a>, TooManyAttempts> {
            let route = ThrottledRoute::PasswordReset;
            match *self {
                Self::Login(account, number) => {
                    throttle.login(account, None, &client(number), clock).await
                }
                Self::KnownDevice(id, number) => {
                    let client = client(number);
                    throttle.login("jane", Some(id), &client, clock).await
                }
                Self::Register(number) => throttle.register(&client(number), clock).await,
                Self::ChangePassword(user) => throttle.change_password(user, clock).await,
                Self::SetDisplayName(user) => throttle.set_display_name(user, clock).await,
                Self::Refresh(number) => throttle.refresh(&client(number), clock).await,
                Self::UseToken(number) => throttle.use_token(route, &client(number), clock).await,
            }
        }
    }

    #[tokio::test]
    async fn each_limit_applies_to_its_attempts_alone() {
        type Set = fn(Throttle, Limit) -> Throttle;
        use Try::{
            ChangePassword, KnownDevice, Login, Refresh, Register, SetDisplayName, UseToken,
        };

        // Of each row, the second attempt is in the same bucket as the first, and the third is not.
        // The last value tells whether a refund of the first one admits another.
        let rows: [(Set, [Try; 3], bool); 13] = [
            (
                Throttle::per_pair,
                [Login("jane", 1), Login("jane", 1), Login("jane", 2)],
                true,
            ),
            (
                Throttle::per_account,
                [Login("jane", 1), Login("jane", 2), Login("paul", 1)],
                true,
            ),
            (
                Throttle::failures_per_address,
                [Login("jane", 1), Login("paul", 1), Login("jane", 2)],
                true,
            ),
            (
                Throttle::per_address,
                [Login("jane", 1), Login("paul", 1), Login("jane", 2)],
                false,
            ),
            (
                Throttle::per_device,
                [
                    KnownDevice("a", 1),
                    KnownDevice("a", 2),
                    KnownDevice("b", 1),
                ],
                true,
            ),
            (
                Throttle::per_address,
                [KnownDevice("a", 1), KnownDevice("b", 2), Login("jane", 1)],
                false,
            ),
            (
                Throttle::overall,
                [Login("jane", 1), Login("paul", 2), KnownDevice("a", 1)],
                true,
            ),
            (
                Throttle::overall,
                [Register(1), Register(2), Login("jane", 1)],
                true,
            ),
            (
                Throttle::per_registrant,
                [Register(1), Register(1), Register(2)],
                true,
            ),
            (
                Throttle::per_device,
                [ChangePassword(1), ChangePassword(1), ChangePassword(2)],
                true,
            ),
            (
                Throttle::per_device,
                [SetDisplayName(1), SetDisplayName(1), SetDisplayName(2)],
                true,
            ),
            (
                Throttle::per_address,
                [Refresh(1), Refresh(1), Refresh(2)],
                true,
            ),
            (
                Throttle::per_address,
                [UseToken(1), UseToken(1), UseToken(2)],
                true,
            ),
        ];
        for (row, (set, [first, second, other], is_refunded)) in rows.into_iter().enumerate() {
            let throttle = set(Throttle::new(), Limit::per_hour(1));
            let time = FixedClock::new();
            let clock = time.clock();
            let attempt = first.begin(&throttle, &clock).await.unwrap();
            let wait = second.begin(&throttle, &clock).await.err();
            let wait = wait.map(|exceeded| exceeded.retry_after.as_secs());
            assert_eq!(wait, Some(3600), "{row}");
            assert!(other.begin(&throttle, &clock).await.is_ok(), "{row}");
            attempt.refund().await;
            let again = second.begin(&throttle, &clock).await;
            assert_eq!(again.is_ok(), is_refunded, "{row}");
        }
    }

    #[tokio::test]
    async fn rejection_is_logged_with_its_limit() {
        let log = Log::record();
        let throttle = Throttle::new().per_device(Limit::per_hour(1));
        let clock = FixedClock::new().clock();
        for is_admitted in [true, false] {
            let attempt = throttle.set_display_name(7, &clock).await;
            assert_eq!(attempt.is_ok(), is_admitted);
        }
        let limit = "limit=\"display names of the account\"";
        assert!(log.text().contains(limit), "{}", log.text());
    }

    async fn others_have_their_attempts(throttle: &Throttle, time: &FixedClock, number: u32) {
        let clock = time.clock();
        time.advance(Duration::from_secs(1));
        for number in number..number + 200 {
            let (account, client) = (format!("other{number}"), client(1_000_000 + number));
            for _ in 0..10 {
                let attempt = throttle.login(&account, None, &client, &clock).await;
                attempt.unwrap().refund().await;
            }
            let _ = throttle.register(&client, &clock).await.unwrap();
            time.advance(Duration::from_millis(100));
        }
    }
}
