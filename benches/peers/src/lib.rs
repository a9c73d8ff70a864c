//! Comparison of tower-warder with its alternatives: one file per peer.

use jsonwebtoken::crypto as crypto11;
use jsonwebtoken10::crypto as crypto10;

use crate::support::row::Row;

mod axum_gate;
mod axum_jwt_auth;
mod axum_login;
mod bare;
mod jsonwebtoken_decode;
mod jwt_authorizer;
mod jwt_simple;
pub mod ours;
mod static_bearer;
mod tower_oauth2_resource_server;
pub mod tutorial;
#[path = "../../support/mod.rs"]
pub mod support;

/// Returns the backend that the command line selects: `--aws-lc-rs`, or the default.
pub fn backend() -> Backend {
    match std::env::args().any(|argument| argument == "--aws-lc-rs") {
        true => Backend::AwsLcRs,
        false => Backend::RustCrypto,
    }
}

/// Cryptographic backend of the peers with `jsonwebtoken`.
#[derive(Clone, Copy)]
pub enum Backend {
    /// The faster one for HS256.
    RustCrypto,
    /// The faster one for everything else.
    AwsLcRs,
}

impl Backend {
    /// Installs the backend, once per process and before the first verification.
    pub fn install(self) {
        let (eleven, ten) = match self {
            Self::RustCrypto => (
                &crypto11::rust_crypto::DEFAULT_PROVIDER,
                &crypto10::rust_crypto::DEFAULT_PROVIDER,
            ),
            Self::AwsLcRs => (
                &crypto11::aws_lc::DEFAULT_PROVIDER,
                &crypto10::aws_lc::DEFAULT_PROVIDER,
            ),
        };
        assert!(eleven.install_default().is_ok() && ten.install_default().is_ok());
    }

    /// The rows for which this backend is the faster one for the peers.
    pub fn rows(self) -> Vec<Row> {
        match self {
            Self::RustCrypto => hs256(),
            Self::AwsLcRs => asymmetric(),
        }
    }
}

fn hs256() -> Vec<Row> {
    let rows = [
        bare::rows(),
        static_bearer::rows(),
        ours::rows(),
        axum_jwt_auth::rows(),
        axum_login::rows(),
        tutorial::rows(),
        jwt_authorizer::rows(),
        tower_oauth2_resource_server::rows(),
        axum_gate::rows(),
        jsonwebtoken_decode::rows(),
        jwt_simple::rows(),
    ];
    rows.into_iter().flatten().collect()
}

fn asymmetric() -> Vec<Row> {
    let rows = [
        ours::asymmetric(),
        tutorial::asymmetric(),
        jwt_authorizer::asymmetric(),
        tower_oauth2_resource_server::asymmetric(),
        jsonwebtoken_decode::asymmetric(),
    ];
    rows.into_iter().flatten().collect()
}
