//! Without the feature `metrics`: nothing.

use super::outcome::Loaded;
#[cfg(feature = "accounts")]
use super::outcome::LogIn;
use crate::error::AuthError;

#[inline]
pub(crate) const fn refused(_: &AuthError) {}

#[inline]
pub(crate) const fn turned_away(_: &AuthError) {}

pub(crate) struct Load;

impl Load {
    #[inline]
    pub(crate) const fn begin() -> Self {
        Self
    }

    #[inline]
    pub(crate) const fn end(self, _: Loaded) {}
}

#[inline]
pub(crate) const fn user_cache_hit() {}

#[inline]
pub(crate) const fn user_cache_miss() {}

#[inline]
pub(crate) const fn user_cache_bypassed() {}

pub(crate) struct ChannelDown;

impl ChannelDown {
    #[inline]
    pub(crate) const fn begin() -> Self {
        Self
    }
}

#[inline]
pub(crate) const fn token_cache_hit() {}

#[inline]
pub(crate) const fn token_cache_miss() {}

#[cfg(feature = "jwks")]
#[inline]
pub(crate) const fn keys_fetched(_: bool) {}

#[inline]
pub(crate) const fn ticket_issued() {}

#[inline]
pub(crate) const fn ticket_redeemed() {}

#[cfg(feature = "password")]
pub(crate) struct HashWaiting;

#[cfg(feature = "password")]
impl HashWaiting {
    #[inline]
    pub(crate) const fn begin() -> Self {
        Self
    }
}

#[cfg(feature = "password")]
pub(crate) struct HashRunning;

#[cfg(feature = "password")]
impl HashRunning {
    #[inline]
    pub(crate) const fn begin() -> Self {
        Self
    }
}

#[cfg(feature = "password")]
#[inline]
pub(crate) const fn hash_queue_full() {}

#[cfg(feature = "password")]
pub(crate) struct HashTimer;

#[cfg(feature = "password")]
impl HashTimer {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self
    }

    #[inline]
    pub(crate) fn time<T>(self, work: impl FnOnce() -> T) -> T {
        work()
    }
}

#[cfg(feature = "accounts")]
#[inline]
pub(crate) const fn logged_in(_: LogIn) {}
