//! What an application's own tests need (feature `testing`).
//!
//! Nothing here belongs into a service: the secret is known to everybody.

#![allow(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod clock;
mod session;

pub use clock::FixedClock;
pub use session::{
    LoggedIn, LoggedInLayer, StaticUserLoader, TestUser, issuer, logged_in, token, verifier,
};
