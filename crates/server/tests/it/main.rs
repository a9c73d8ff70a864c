//! The login server from outside, and its parts without a port.

#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

use tower_warder_test_support as support;

mod app;
#[cfg(unix)]
mod failure_injection;
#[cfg(unix)]
mod python;
#[cfg(unix)]
mod server;
