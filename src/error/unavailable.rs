//! Causes of 503: a store, a key server or a deny list that gave no result.

use std::error::Error;
use std::fmt;

/// The call took longer than [`AuthLayer::timeout_with`](crate::AuthLayer::timeout_with).
#[derive(Debug)]
pub(crate) struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store, the key source or the deny list took too long")
    }
}

impl Error for TooLong {}

/// Cause that is logged once for the whole outage, not for each request.
#[derive(Debug)]
pub(crate) struct Reported(pub(crate) &'static str);

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Reported {}
