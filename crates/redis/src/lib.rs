//! Redis for [`tower_warder`]: what several instances of a service have to share.
//!
//! - [`RedisChannel`] announces changed users, so that the
//!   [`UserCache`](tower_warder::cache::UserCache) of each instance drops them at once.
//! - [`RedisDenyList`] is a [`DenyList`](tower_warder::jwt::DenyList): tokens that are revoked one by
//!   one, for example at log-out.
//! - [`RedisThrottleStore`] counts attempts to log in, to register, to change a password and to renew
//!   tokens, for the [`Throttle`](tower_warder_accounts::throttle::Throttle) of
//!   `tower-warder-accounts`. Needs the feature `throttle`.
//!
//! All take a [`redis::Client`], which only holds the address: connections are opened when they are
//! needed, and again after errors. [`redis`] is re-exported so that the versions agree. The client has
//! to name one server, the primary; Redis Cluster and Sentinel are not supported.
//!
//! # TLS
//!
//! `rediss://HOST` needs the feature `rustls`: rustls with aws-lc-rs and the certificates of the
//! system. If another dependency brings a second provider of cryptography, choose one at the start of
//! the program with `rustls::crypto::CryptoProvider::install_default`: otherwise each connection
//! fails. For another TLS library or other certificates, depend on `redis` and switch on its features.
//!
//! # When Redis fails
//!
//! | | while Redis is down | afterwards |
//! |---|---|---|
//! | [`RedisChannel`] | the cache is bypassed: every request loads its user | the cache starts empty |
//! | [`RedisDenyList`] | 503 for requests that need an identity | as before, if Redis has kept its data |
//! | [`RedisThrottleStore`] | each instance counts by itself | as before, if Redis has kept its data |
//!
//! A connection attempt takes at most 1 second and is shared by all requests that wait for it; a
//! response takes at most 500 milliseconds. Attempts of the throttle wait at most 100 milliseconds for
//! each of the two. Neither errors nor the log contain the password of the URL.

#![forbid(unsafe_code)]

// Each module imports only from those above it.
mod connection;
mod deny_list;
#[cfg(feature = "throttle")]
mod throttle;
mod publisher;
mod channel;

pub use ::redis;

pub use self::channel::RedisChannel;
pub use self::deny_list::RedisDenyList;
#[cfg(feature = "throttle")]
pub use self::throttle::RedisThrottleStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
