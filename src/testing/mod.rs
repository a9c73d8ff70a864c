//! What an application's own tests need (feature `testing`).
//!
//! Nothing here belongs into a service: the secret is known to everybody.

#![allow(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod clock;
mod session;
#[cfg(all(test, feature = "accounts"))]
mod defect;
#[cfg(feature = "accounts")]
mod store_contract;
#[cfg(feature = "accounts")]
mod session_contract;

pub use clock::FixedClock;
pub use session::{
    LoggedIn, LoggedInLayer, StaticUserLoader, TestUser, issuer, logged_in, token, verifier,
};
#[cfg(feature = "accounts")]
pub use session_contract::session_store_contract;
#[cfg(feature = "accounts")]
pub use store_contract::account_store_contract;
