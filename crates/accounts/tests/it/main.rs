//! Integration tests of the account routes and the public API.

#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

use tower_warder_test_support as support;
use tower_warder_test_support::accounts::{server, staged};

mod actor;
mod answers;
mod api_description;
mod audit;
mod audit_store;
mod bodies;
mod cached;
mod cancelled;
mod concurrency;
mod cookie;
mod cookie_example;
mod debug_output;
mod email_change;
mod email_verification;
mod forgot_password;
mod hooks;
mod invitations;
mod issuers;
mod last_admin;
mod listing;
mod login;
mod login_error;
mod login_example;
#[cfg(feature = "metrics")]
mod metrics;
mod openapi;
mod own_account;
mod password_forms;
mod password_policy;
mod password_reset;
mod paths;
mod recent_login;
mod registration;
mod registration_modes;
mod secrecy;
mod sessions;
mod store_failures;
mod throttle;
mod temporary_password;
mod ticket;
mod tokens;
