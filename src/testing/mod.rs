//! Helpers for the tests of an application (feature `testing`).
//!
//! [`logged_in`] runs requests as a given user, [`token`] and [`verifier`] issue and verify tokens,
//! [`StaticUserLoader`] and [`TestUser`] replace a database, and [`FixedClock`] controls the time.
//!
//! Do not use this module in a service: its secret is public.

#![allow(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod clock;
mod session;

pub use clock::FixedClock;
pub use session::{
    LoggedIn, LoggedInLayer, StaticUserLoader, TestUser, issuer, logged_in, token, verifier,
};
