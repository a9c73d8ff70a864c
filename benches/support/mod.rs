//! Tokens, users, requests and rows of all benchmarks.
//!
//! Also compiled into `benches/peers`, so that all peers do the same work.

pub mod allocations;
pub mod keys;
pub mod requests;
pub mod row;
#[cfg(target_os = "linux")]
pub mod steps;
pub mod tokens;
pub mod users;
