//! Refresh tokens and sessions.

mod cancelled;
pub mod client;
mod concurrency;
mod cookie;
mod cookie_ends;
mod cookie_races;
mod lifetimes;
mod listing;
mod log;
mod logout;
mod model;
mod password;
mod races;
mod refresh;
mod reuse;
mod revocation;
mod staged;
mod store_failures;
mod token_types;
