//! What every bench needs: tokens, users, requests, and the list of what is measured.
//!
//! Also compiled into `benches/peers`, so that everybody does the same work.

pub mod allocations;
pub mod keys;
pub mod requests;
pub mod row;
#[cfg(target_os = "linux")]
pub mod steps;
pub mod tokens;
pub mod users;
