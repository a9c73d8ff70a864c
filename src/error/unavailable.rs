//! Causes of 503: a store, a key server or a deny list that gave no result.

use std::error::Error;

/// The call took longer than [`AuthLayer::timeout_with`](crate::AuthLayer::timeout_with).
#[derive(Debug)]
pub(crate) struct TooLong;

impl_display! { TooLong: _ => "the store, the key source or the deny list took too long" }

impl Error for TooLong {}

/// Cause that is logged once for the whole outage, not for each request.
#[derive(Debug)]
pub(crate) struct Reported(pub(crate) &'static str);

impl_display! { Reported: Self(reason) => "{reason}" }

impl Error for Reported {}
