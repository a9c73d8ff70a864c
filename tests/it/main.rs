//! The crate from outside, as a client sees it.

#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

mod support;
mod accounts;
mod accounts_example;
mod api_keys;
mod bodies;
mod claims_only;
mod cookie_example;
mod cookie_header;
mod error_responses;
mod cors;
mod csrf;
mod deny_list;
mod deny_list_example;
mod extractors;
mod ignored_locations;
#[cfg(unix)]
mod failure_injection;
mod grpc;
mod hyper;
mod identity;
mod introspection;
mod issuers;
#[cfg(feature = "jwks")]
mod jwks;
mod async_verifier;
mod login_error;
mod logged_in;
#[cfg(feature = "metrics")]
mod metrics;
mod openapi;
mod loader_failures;
mod policies;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod published;
#[cfg(unix)]
mod python;
mod quickstart;
mod roles;
mod secrecy;
#[cfg(unix)]
mod server;
mod sources;
mod nested_layers;
mod streams;
mod tickets;
mod tokens;
mod tonic;
mod tower_contract;
mod ui;
mod user_cache;
mod verifiers;
