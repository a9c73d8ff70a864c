//! Integration tests of the public API.

#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

use tower_warder_test_support as support;

mod bodies;
mod claims_only;
mod cookie_header;
mod error_responses;
mod cors;
mod csrf;
mod deny_list;
mod extractors;
mod ignored_locations;
mod grpc;
mod hyper;
mod identity;
mod introspection;
mod issuers;
#[cfg(feature = "jwks")]
mod jwks;
mod async_verifier;
#[cfg(feature = "legacy-hashes")]
mod legacy_hashes;
mod logged_in;
#[cfg(feature = "metrics")]
mod metrics;
mod loader_failures;
mod policies;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod published;
mod quickstart;
mod secrecy;
mod sources;
mod nested_layers;
mod streams;
mod tickets;
mod tokens;
mod tower_contract;
mod ui;
mod user_cache;
mod verifiers;
