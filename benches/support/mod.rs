//! What every bench needs: tokens, users, requests, and the list of what is measured.
//!
//! Also compiled into `benches/peers`, so that everybody does the same work.

#[cfg(feature = "aws-lc-rs")]
pub mod keys;
pub mod requests;
pub mod row;
pub mod tokens;
pub mod users;
