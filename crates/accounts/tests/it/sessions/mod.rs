//! Refresh tokens and sessions, as a client of them sees them.

mod cancelled;
pub mod client;
mod ends;
mod grace;
mod lifetimes;
mod listing;
mod log;
mod logout;
mod outage;
mod parallel;
mod password;
mod races;
mod refresh;
mod staged;
mod strangers;
