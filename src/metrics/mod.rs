//! Metrics of this crate (feature `metrics`), through the facade [`metrics`](https://docs.rs/metrics).
//!
//! This module neither collects nor serves metrics: install a recorder at the start of the
//! application, such as that of `metrics-exporter-prometheus`. Each metric appears when its event
//! happens for the first time. [`describe`] registers descriptions and units.
//!
//! | name | kind | labels | counts |
//! |---|---|---|---|
//! | `tower_warder_rejections_total` | counter | `code`, `reason` | requests that were rejected |
//! | `tower_warder_loads_total` | counter | `outcome`: `found`, `unknown`, `refused`, `failed`, `abandoned` | calls of [`UserLoader::load_user`](crate::UserLoader::load_user) that ended |
//! | `tower_warder_load_duration_seconds` | histogram | | duration of each of these calls |
//! | `tower_warder_user_cache_lookups_total` | counter | `outcome`: `hit`, `miss`, `bypass` | look-ups of users in a [`UserCache`](crate::cache::UserCache); `bypass` if the cache was bypassed |
//! | `tower_warder_user_cache_channels_down` | gauge | | channels that a cache [subscribes](crate::cache::UserCache::subscribe) to and that are not connected: the cache is bypassed |
//! | `tower_warder_token_cache_lookups_total` | counter | `outcome`: `hit`, `miss` | look-ups of tokens in the [cache](crate::JwtVerifier::cache) of a verifier |
//! | `tower_warder_key_fetches_total` | counter | `outcome`: `ok`, `failed` | fetches of keys by a `RemoteJwks` |
//! | `tower_warder_tickets_issued_total` | counter | | issued [tickets](crate::stream_ticket::StreamTickets) |
//! | `tower_warder_tickets_redeemed_total` | counter | | redeemed tickets |
//! | `tower_warder_password_hashes_running` | gauge | | permits to hash that are in use |
//! | `tower_warder_password_hashes_waiting` | gauge | | callers that wait for a permit |
//! | `tower_warder_password_queue_full_total` | counter | | callers rejected because the queue was full or had no more places for them, or because they waited for too long: `PasswordError::Busy` |
//! | `tower_warder_password_hash_duration_seconds` | histogram | | duration of each hash or verification, once it had a thread |
//! | `tower_warder_logins_total` | counter | `outcome`: `ok`, `wrong_credentials`, `pending`, `disabled`, `challenged`, `throttled`, `vetoed`, `unavailable` | log-ins at `Accounts` of `tower-warder-accounts` |
//! | `tower_warder_throttled_total` | counter | `route`: `login`, `register`, `password`, `refresh`, `password_reset`, `forgot_password`, `verify_email`, `change_email`, `display_name` | attempts at `Accounts` beyond a limit: answered 429, or 202 without a mail |
//!
//! Labels have only the values on this page, whatever clients send: never a subject, a path, a key,
//! an issuer or an address.
//!
//! # Rejections
//!
//! `code` is the [`AuthError::code`](crate::AuthError::code) of the response: `not_authenticated`,
//! `invalid_token`, `account_pending`, `account_disabled`, `invalid_request`, `cross_origin`,
//! `forbidden`, `email_not_verified`, `insufficient_user_authentication`, `unavailable`, `misconfigured`. `reason` says more than the client is told:
//!
//! | `reason` | meaning |
//! |---|---|
//! | `credential` | the request does not have exactly one well-formed bearer token |
//! | `duplicate_cookie` | the cookie was sent twice: another host or path of the domain set one, too |
//! | `size`, `header_size` | the token or its header is too large |
//! | `segments`, `base64`, `header`, `claims` | the token is not a strictly valid JSON Web Token |
//! | `algorithm`, `critical`, `type`, `unknown_key` | the header asks for something that is not configured |
//! | `no_key_id`, `no_type` | the token names no key (`kid`) and not exactly one key fits; it has no type although one is required |
//! | `signature` | no configured key made the signature: an attack, or a secret that differs between instances |
//! | `no_subject`, `no_expiry`, `no_issuer`, `no_audience` | a required claim is missing |
//! | `subject_type`, `expiry_type`, `not_before_type`, `issued_at_type`, `issuer_type`, `audience_type`, `scope_type`, `generation_type` | a claim has the wrong JSON type |
//! | `expiry_range`, `not_before_range`, `issued_at_range` | a time is out of range, often because it is in milliseconds |
//! | `subject` | the subject is empty, too long or has control characters |
//! | `expired`, `not_yet_valid`, `issued_in_future` | the token's times; the last two are often caused by clock skew |
//! | `issuer`, `audience` | the token is from another issuer, or for another audience |
//! | `required_claim`, `other_subject` | a `Validation` of `jsonwebtoken` requires a claim that is missing, or another subject |
//! | `no_issuer_rule` | the verifier uses fetched keys (`RemoteJwks`) without a rule for their issuer |
//! | `unexpected_audience` | the token has an audience, and the verifier names none |
//! | `ticket` | the ticket is unknown, used or expired, or was used to ask for another ticket |
//! | `denied`, `no_token_id` | the token is on the [deny list](crate::jwt::DenyList), or has no ID to look up there |
//! | `session_ended` | the session of a log-in by cookie was ended, or has expired |
//! | `generation` | the token was revoked by a later generation |
//! | `issued_too_early` | the token's `iat` is before [`AuthUser::tokens_valid_since`](crate::AuthUser::tokens_valid_since) |
//! | `login_too_old`, `login_in_future`, `no_login_time` | `auth_time` does not satisfy a [`RecentLogin`](crate::policy::RecentLogin) |
//! | `unknown_subject` | the user does not exist |
//! | `foreign_issuer` | the token is from another issuer than the accounts |
//! | `custom_claims` | the application's own claims cannot be deserialized |
//! | `account_pending`, `account_disabled` | the account's status, even if it is not disclosed |
//! | `timeout` | loader, key source or deny list took longer than [`AuthLayer::timeout_with`](crate::AuthLayer::timeout_with) |
//! | `no_layer`, `layer_inside`, `other_user_type` | the route has no [`AuthLayer`](crate::AuthLayer), the layer is inside of the guard, or it is for another user type |
//! | `no_tickets` | the route issues tickets, but its layer has no [`StreamTickets`](crate::stream_ticket::StreamTickets) |
//! | `none` | the code says everything, or the application returned an error of its own |
//!
//! A rejected request is counted once, when it is verified for the first time, however many
//! extractors it passes. On a public route, where no extractor or guard asks for the identity,
//! nothing is verified or counted. A handler that checks several policies by hand counts each one
//! that fails. A stream that is ended by
//! [`Identity::until_unauthorized`](crate::Identity::until_unauthorized) counts with the reason that
//! ended it.
//!
//! A request without a credential is counted if an extractor or a
//! [`RequireLayer`](crate::RequireLayer) rejects it. It is not counted if a handler asks an
//! [`Identity`](crate::Identity) by hand, because such handlers often serve anonymous requests.
//!
//! # Loads
//!
//! One load is one call of the loader, even if many requests wait for it. `refused` means that the
//! loader returned an [`AuthError`](crate::AuthError) about the token, `failed` that it returned any
//! other error or panicked. `abandoned` means that the load was dropped before it ended, because it
//! took too long or no request waited for it any more. Each request that waited too long is a
//! rejection of its own, with the reason `timeout`.
//!
//! A `miss` is a look-up that the cache could not answer: the user is loaded (or a load under way is
//! joined), or the token is verified.
//!
//! Without a recorder a cache hit costs almost nothing more; with one, it costs what that recorder
//! needs for a counter. `benches/README.md` has measurements.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "metrics")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use metrics_exporter_prometheus::PrometheusBuilder;
//!
//! let recorder = PrometheusBuilder::new().build_recorder();
//! let handle = recorder.handle();
//! metrics::set_global_recorder(recorder)?;
//! tower_warder::metrics::describe();
//! // Serve `handle.render()` at an address that is not public.
//! # drop(handle);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "metrics"))]
//! # fn main() {}
//! ```

pub(crate) mod record;

#[cfg(feature = "metrics")]
use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Registers descriptions and units of all metrics with the recorder.
///
/// Call it once, after the recorder is installed. Metrics are recorded without it, too.
#[cfg(feature = "metrics")]
pub fn describe() {
    macro_rules! describe {
        ($($describe:ident, $unit:ident: $($name:literal = $text:literal;)+)+) => {
            $($($describe!($name, Unit::$unit, $text);)+)+
        };
    }

    describe! {
        describe_counter, Count:
            "tower_warder_rejections_total" = "Requests that were rejected";
            "tower_warder_loads_total" = "Calls of the user loader that ended";
            "tower_warder_user_cache_lookups_total" = "Users looked up in a user cache";
            "tower_warder_token_cache_lookups_total" =
                "Tokens looked up in the cache of a verifier";
            "tower_warder_key_fetches_total" = "Fetches of keys from a key server";
            "tower_warder_tickets_issued_total" = "Tickets that were issued";
            "tower_warder_tickets_redeemed_total" = "Tickets that were redeemed";
            "tower_warder_password_queue_full_total" =
                "Callers rejected because they had no place in the queue to hash a password, or waited for too long";
            "tower_warder_logins_total" = "Log-ins";
            "tower_warder_throttled_total" = "Attempts that were throttled";
        describe_gauge, Count:
            "tower_warder_user_cache_channels_down" =
                "Channels of invalidations that are not connected";
            "tower_warder_password_hashes_running" =
                "Permits to hash a password that are in use";
            "tower_warder_password_hashes_waiting" =
                "Callers that wait for a permit to hash a password";
        describe_histogram, Seconds:
            "tower_warder_load_duration_seconds" = "Duration of calls of the user loader";
            "tower_warder_password_hash_duration_seconds" =
                "Duration of hashing or verifying a password";
    }
}
