//! Whoever was asked did not answer in time.

use std::error::Error;
use std::fmt;

/// Whoever was asked did not answer in time.
#[derive(Debug)]
pub(crate) struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store, the key source or the deny list took too long")
    }
}

impl Error for TooLong {}
