//! What this crate counts (feature `metrics`), through the facade [`metrics`](https://docs.rs/metrics).
//!
//! Nothing here collects or serves anything: install a recorder, such as that of
//! `metrics-exporter-prometheus`, at the start of the application. Each metric appears in it when
//! the thing that it counts happens for the first time.
//!
//! | name | kind | labels | counts |
//! |---|---|---|---|
//! | `tower_warder_rejections_total` | counter | `code`, `reason` | requests that were refused |
//! | `tower_warder_loads_total` | counter | `outcome`: `found`, `unknown`, `refused`, `failed`, `abandoned` | calls of [`UserLoader::load_user`](crate::UserLoader::load_user) that ended |
//! | `tower_warder_load_duration_seconds` | histogram | | how long each of them took |
//! | `tower_warder_user_cache_lookups_total` | counter | `outcome`: `hit`, `miss`, `bypass` | users looked up in a [`UserCache`](crate::cache::UserCache), or not, because it stood aside |
//! | `tower_warder_user_cache_channels_down` | gauge | | channels that a cache [follows](crate::cache::UserCache::subscribe) and that are not connected: it stands aside |
//! | `tower_warder_token_cache_lookups_total` | counter | `outcome`: `hit`, `miss` | tokens looked up in the [cache](crate::JwtVerifier::cache) of a verifier |
//! | `tower_warder_key_fetches_total` | counter | `outcome`: `ok`, `failed` | times that a `RemoteJwks` asked its key server |
//! | `tower_warder_tickets_issued_total` | counter | | [tickets](crate::stream_ticket::StreamTickets) that were issued |
//! | `tower_warder_tickets_redeemed_total` | counter | | tickets that were redeemed |
//! | `tower_warder_password_hashes_running` | gauge | | permits to hash that are taken |
//! | `tower_warder_password_hashes_waiting` | gauge | | callers who wait for one |
//! | `tower_warder_password_queue_full_total` | counter | | callers who could not even wait: `PasswordError::Busy` |
//! | `tower_warder_password_hash_duration_seconds` | histogram | | how long each hash, or verification, took once it had a thread |
//! | `tower_warder_logins_total` | counter | `outcome`: `ok`, `wrong_credentials`, `pending`, `disabled`, `unavailable` | log-ins that `Accounts` of `tower-warder-accounts` judged |
//!
//! Labels have no other values than those that stand on this page, whatever is sent: never a
//! subject, a path, a key, an issuer or an address.
//!
//! # Refusals
//!
//! `code` is [`AuthError::code`](crate::AuthError::code) of the answer: `not_authenticated`,
//! `invalid_token`, `account_pending`, `account_disabled`, `invalid_request`, `cross_origin`,
//! `forbidden`, `unavailable`, `misconfigured`. `reason` says more than the client may know:
//!
//! | `reason` | why |
//! |---|---|
//! | `credential` | it is not one bearer token |
//! | `duplicate_cookie` | the cookie came twice: another host or path of the domain set one, too |
//! | `size`, `header_size` | the token or its header is too large |
//! | `segments`, `base64`, `header`, `claims` | it is no strict JSON Web Token |
//! | `algorithm`, `critical`, `type`, `unknown_key` | the header asks for what is not configured |
//! | `no_key_id`, `no_type` | it names no key (`kid`), and no single one fits; it has no type, and one is demanded |
//! | `signature` | no key of ours made it: somebody tries, or a secret is not the same everywhere |
//! | `no_subject`, `no_expiry`, `no_issuer`, `no_audience` | a claim is missing that is demanded |
//! | `subject_type`, `expiry_type`, `not_before_type`, `issued_at_type`, `issuer_type`, `audience_type`, `scope_type`, `generation_type` | a claim is of another JSON type |
//! | `expiry_range`, `not_before_range`, `issued_at_range` | a time is out of range, often because it is in milliseconds |
//! | `subject` | the subject is empty, too long or has control characters |
//! | `expired`, `not_yet_valid`, `issued_in_future` | its times; the last two are often clocks that differ |
//! | `issuer`, `audience` | it is of another issuer, or for another audience |
//! | `required_claim`, `other_subject` | a `Validation` of `jsonwebtoken` demands a claim that it does not have, or another subject |
//! | `no_issuer_rule` | the verifier has fetched keys (`RemoteJwks`) and no rule for their issuer |
//! | `unexpected_audience` | it has an audience, and the verifier names none |
//! | `ticket` | the ticket is unknown, used, expired, or asks for another one |
//! | `denied`, `no_token_id` | it is on the [deny list](crate::jwt::DenyList), or has no name to be found there by |
//! | `generation` | it was revoked by a later generation |
//! | `issued_too_early` | its `iat` is before [`AuthUser::tokens_valid_since`](crate::AuthUser::tokens_valid_since) |
//! | `unknown_subject` | there is no such user |
//! | `foreign_issuer` | it is of another issuer than the accounts |
//! | `custom_claims` | the application cannot read its own claims |
//! | `account_pending`, `account_disabled` | the account's status, also where it is not disclosed |
//! | `timeout` | store, key source or deny list took longer than [`AuthLayer::timeout_with`](crate::AuthLayer::timeout_with) |
//! | `no_layer`, `layer_inside`, `other_user_type` | the route has no [`AuthLayer`](crate::AuthLayer) outside of what asks for the user, it is inside of the guard, or it is for another user type |
//! | `no_tickets` | the route issues tickets, and its layer has none |
//! | `none` | the code says all, or the application gave an error of its own |
//!
//! A request is counted once, when it is judged for the first time, however many extractors ask.
//! Where nobody asks, on a public route, nothing is judged or counted. A handler that asks several
//! policies by hand counts each of them that says no, and the end of a stream by
//! [`Identity::until_unauthorized`](crate::Identity::until_unauthorized) is the refusal that ended it.
//!
//! Who brings no credential is counted where a door turns them away (the extractors, a
//! [`RequireLayer`](crate::RequireLayer)), and not where a handler asks an
//! [`Identity`](crate::Identity) by hand: there strangers are often welcome.
//!
//! # Loads
//!
//! One load is one call of the loader, also if many requests wait for it. `refused` is a loader
//! that returned an [`AuthError`](crate::AuthError) about the token, `failed` one that returned
//! any other error or panicked. `abandoned` was given up before it ended: it took too long, or
//! nobody waited for it any more. Each request that waited too long is a refusal of its own, with
//! the reason `timeout`.
//!
//! A `miss` of a cache is a look-up that had to ask further: the store, or whoever asks it already;
//! the keys.
//!
//! Without a recorder a hit of a cache costs next to nothing more; with one, what that recorder
//! takes for a counter. `benches/README.md` has what was measured.
//!
//! # Example
//!
//! ```
//! # use metrics_exporter_prometheus::PrometheusBuilder;
//! let recorder = PrometheusBuilder::new().build_recorder();
//! let handle = recorder.handle();
//! metrics::set_global_recorder(recorder)?;
//! tower_warder::metrics::describe();
//! // Serve `handle.render()`, at an address that strangers do not reach.
//! # drop(handle);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod record;

#[cfg(feature = "metrics")]
use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Tells the recorder what the metrics mean, and their units. Call it once, after the recorder is
/// installed; without it everything is counted as well.
#[cfg(feature = "metrics")]
pub fn describe() {
    describe_counter!(
        "tower_warder_rejections_total",
        Unit::Count,
        "Requests that were refused"
    );
    describe_counter!(
        "tower_warder_loads_total",
        Unit::Count,
        "Calls of the user loader that ended"
    );
    describe_histogram!(
        "tower_warder_load_duration_seconds",
        Unit::Seconds,
        "How long the user loader took"
    );
    describe_counter!(
        "tower_warder_user_cache_lookups_total",
        Unit::Count,
        "Users looked up in a user cache"
    );
    describe_gauge!(
        "tower_warder_user_cache_channels_down",
        Unit::Count,
        "Channels of invalidations that are not connected"
    );
    describe_counter!(
        "tower_warder_token_cache_lookups_total",
        Unit::Count,
        "Tokens looked up in the cache of a verifier"
    );
    describe_counter!(
        "tower_warder_key_fetches_total",
        Unit::Count,
        "Times that a key server was asked for its keys"
    );
    describe_counter!(
        "tower_warder_tickets_issued_total",
        Unit::Count,
        "Tickets that were issued"
    );
    describe_counter!(
        "tower_warder_tickets_redeemed_total",
        Unit::Count,
        "Tickets that were redeemed"
    );
    describe_gauge!(
        "tower_warder_password_hashes_running",
        Unit::Count,
        "Permits to hash a password that are taken"
    );
    describe_gauge!(
        "tower_warder_password_hashes_waiting",
        Unit::Count,
        "Callers who wait for a permit to hash a password"
    );
    describe_counter!(
        "tower_warder_password_queue_full_total",
        Unit::Count,
        "Callers turned away because too many waited to hash a password"
    );
    describe_histogram!(
        "tower_warder_password_hash_duration_seconds",
        Unit::Seconds,
        "How long hashing or verifying a password took"
    );
    describe_counter!(
        "tower_warder_logins_total",
        Unit::Count,
        "Log-ins that were judged"
    );
}
