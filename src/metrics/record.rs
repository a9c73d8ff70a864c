//! Recording of metrics: a function for each event, a drop guard for each state.
//!
//! Each entry of the list below exists with and without the feature `metrics`, so that callers need
//! no `cfg`. Without it the functions are empty and the guards have no size.

#[cfg(feature = "metrics")]
use self::recorder::{InGauge, LoadTimer, count_rejection};
#[cfg(feature = "metrics")]
use ::metrics::{counter, gauge};

use crate::error::AuthError;
#[cfg(feature = "metrics")]
use crate::error::AuthErrorKind;

macro_rules! record {
    () => {};
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $type:ty),*) { $($body:tt)* } $($rest:tt)*) => {
        $(#[$meta])*
        #[inline]
        pub(crate) fn $name($($arg: $type),*) {
            #[cfg(feature = "metrics")]
            {
                $($body)*
            }
            #[cfg(not(feature = "metrics"))]
            let _ = ($($arg,)*);
        }
        record! { $($rest)* }
    };
    ($(#[$meta:meta])* struct $name:ident($state:ty) = $begin:expr; $($rest:tt)*) => {
        $(#[$meta])*
        pub(crate) struct $name {
            #[cfg(feature = "metrics")]
            _state: $state,
        }

        $(#[$meta])*
        impl $name {
            #[inline]
            pub(crate) fn begin() -> Self {
                Self {
                    #[cfg(feature = "metrics")]
                    _state: $begin,
                }
            }
        }
        record! { $($rest)* }
    };
}

// Names and labels of events on the hot path (a request with a cached user) are literals: their keys
// are built at compile time. A load and a rejection build theirs each time.
record! {
    /// A credential was rejected. A request without one is not counted here.
    fn rejected(error: &AuthError) {
        if error.kind() != AuthErrorKind::MissingCredential {
            count_rejection(error);
        }
    }

    /// A guard or an extractor rejected a request. A rejected credential is already counted.
    fn rejected_anonymous(error: &AuthError) {
        if error.kind() == AuthErrorKind::MissingCredential {
            count_rejection(error);
        }
    }

    /// A call of the loader, from now until this is dropped. Abandoned unless [`loaded`] ends it.
    struct Load(LoadTimer) = LoadTimer::start();

    fn loaded(load: Load, outcome: Loaded) {
        let mut load = load;
        load._state.outcome = outcome.label();
    }

    fn user_cache_hit() {
        counter!("tower_warder_user_cache_lookups_total", "outcome" => "hit").increment(1);
    }

    fn user_cache_miss() {
        counter!("tower_warder_user_cache_lookups_total", "outcome" => "miss").increment(1);
    }

    fn user_cache_bypassed() {
        counter!("tower_warder_user_cache_lookups_total", "outcome" => "bypass").increment(1);
    }

    /// A channel of invalidations that is not connected, until it is dropped.
    struct ChannelDown(InGauge) = InGauge::enter(gauge!("tower_warder_user_cache_channels_down"));

    fn token_cache_hit() {
        counter!("tower_warder_token_cache_lookups_total", "outcome" => "hit").increment(1);
    }

    fn token_cache_miss() {
        counter!("tower_warder_token_cache_lookups_total", "outcome" => "miss").increment(1);
    }

    /// Keys were fetched from a key server.
    #[cfg(feature = "jwks")]
    fn keys_fetched(done: bool) {
        let outcome = if done { "ok" } else { "failed" };
        counter!("tower_warder_key_fetches_total", "outcome" => outcome).increment(1);
    }

    fn ticket_issued() {
        counter!("tower_warder_tickets_issued_total").increment(1);
    }

    fn ticket_redeemed() {
        counter!("tower_warder_tickets_redeemed_total").increment(1);
    }

    /// A caller that waits for a permit to hash, until it is dropped.
    #[cfg(feature = "password")]
    struct HashWaiting(InGauge) = InGauge::enter(gauge!("tower_warder_password_hashes_waiting"));

    /// A permit to hash that is in use, until it is dropped.
    #[cfg(feature = "password")]
    struct HashRunning(InGauge) = InGauge::enter(gauge!("tower_warder_password_hashes_running"));

    /// A caller had no place in the queue for a permit to hash, or waited for too long.
    #[cfg(feature = "password")]
    fn hash_queue_full() {
        counter!("tower_warder_password_queue_full_total").increment(1);
    }

    /// Timer of a hash. Begins on the caller's thread: that of the worker may have another recorder.
    #[cfg(feature = "password")]
    struct HashTimer(::metrics::Histogram) =
        ::metrics::histogram!("tower_warder_password_hash_duration_seconds");
}

/// Records a log-in. Called by `tower-warder-accounts`.
#[inline]
pub fn logged_in(outcome: LogIn) {
    #[cfg(feature = "metrics")]
    counter!("tower_warder_logins_total", "outcome" => outcome.label()).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = outcome;
}

/// Records an attempt that was throttled. Called by `tower-warder-accounts`.
#[inline]
pub fn throttled(route: ThrottledRoute) {
    #[cfg(feature = "metrics")]
    counter!("tower_warder_throttled_total", "route" => route.as_str()).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = route;
}

#[cfg(feature = "password")]
impl HashTimer {
    /// Runs `work` and records its duration.
    #[inline]
    pub(crate) fn time<T>(self, work: impl FnOnce() -> T) -> T {
        #[cfg(feature = "metrics")]
        let began = std::time::Instant::now();
        let done = work();
        #[cfg(feature = "metrics")]
        self._state.record(began.elapsed());
        done
    }
}

/// Outcomes and their labels.
macro_rules! outcomes {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $label:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis enum $name {
            $($(#[$doc])* $variant,)*
        }

        #[cfg(feature = "metrics")]
        impl $name {
            const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }
        }
    };
}

outcomes! {
    /// Outcome of a call of the loader.
    pub(crate) enum Loaded {
        Found = "found",
        Unknown = "unknown",
        /// The loader rejected the token.
        Refused = "refused",
        /// The store did not answer, or the loader panicked.
        Failed = "failed",
    }
}

outcomes! {
    /// Outcome of a log-in.
    pub enum LogIn {
        /// It succeeded.
        Done = "ok",
        /// Address and password do not match.
        WrongCredentials = "wrong_credentials",
        /// The account waits for approval.
        Pending = "pending",
        /// The account is disabled.
        Disabled = "disabled",
        /// The password is correct, and the log-in needs another step.
        Challenged = "challenged",
        /// There were too many attempts.
        Throttled = "throttled",
        /// The application rejected it.
        Vetoed = "vetoed",
        /// The store or the hasher did not answer.
        Unavailable = "unavailable",
    }
}

/// What was attempted too often.
#[derive(Clone, Copy, Debug)]
pub enum ThrottledRoute {
    /// A log-in, by token or by cookie.
    Login,
    /// A registration.
    Register,
    /// A change of the caller's password, or another action that the password confirms.
    Password,
    /// A renewal of tokens.
    Refresh,
    /// A password that is set by a one-time token: reset, invitation, registration.
    PasswordReset,
    /// A request for a mail with which a new password can be set.
    ForgotPassword,
    /// A verification of an address, or a request for its mail.
    VerifyEmail,
    /// A change of an address, or a request for its mail.
    ChangeEmail,
    /// A change of the display name.
    DisplayName,
}

impl ThrottledRoute {
    /// Label in metrics and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Register => "register",
            Self::Password => "password",
            Self::Refresh => "refresh",
            Self::PasswordReset => "password_reset",
            Self::ForgotPassword => "forgot_password",
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::DisplayName => "display_name",
        }
    }
}

/// Calls of the application's recorder.
#[cfg(feature = "metrics")]
mod recorder {
    use std::time::Instant;

    use ::metrics::{Gauge, counter, histogram};

    use crate::error::AuthError;

    pub(super) fn count_rejection(error: &AuthError) {
        let (code, reason) = (error.code(), error.reason());
        counter!("tower_warder_rejections_total", "code" => code, "reason" => reason).increment(1);
    }

    /// Records a load when dropped.
    pub(crate) struct LoadTimer {
        began: Instant,
        pub(super) outcome: &'static str,
    }

    impl LoadTimer {
        pub(super) fn start() -> Self {
            Self {
                began: Instant::now(),
                outcome: "abandoned",
            }
        }
    }

    impl Drop for LoadTimer {
        fn drop(&mut self) {
            counter!("tower_warder_loads_total", "outcome" => self.outcome).increment(1);
            histogram!("tower_warder_load_duration_seconds").record(self.began.elapsed());
        }
    }

    /// Adds one to a gauge until it is dropped. Keeps the gauge, so that start and end go to the same
    /// recorder, or to none if none was installed at the start.
    pub(crate) struct InGauge(Gauge);

    impl InGauge {
        pub(super) fn enter(gauge: Gauge) -> Self {
            gauge.increment(1.0);
            Self(gauge)
        }
    }

    impl Drop for InGauge {
        fn drop(&mut self) {
            self.0.decrement(1.0);
        }
    }
}
