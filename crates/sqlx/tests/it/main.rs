//! The stores against real databases: SQLite always, PostgreSQL where `POSTGRES_URL` is set.

#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

mod place;
mod channel;
mod contract;
mod futures;
mod hooks;
mod hooks_example;
mod locked;
mod migrations;
mod plans;
mod profile_example;
mod races;
mod reads;
mod settings;
