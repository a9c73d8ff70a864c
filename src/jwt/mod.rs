//! JSON Web Tokens (RFC 7519): verification, claims, issuing and revocation.
//!
//! [`JwtVerifier`] verifies tokens and [`JwtIssuer`] issues them; the [`Claims`] of a verified token
//! have an accessor for each registered claim. [`MultiIssuerVerifier`] accepts the tokens of several
//! issuers, and [`DenyListVerifier`] rejects tokens that were revoked before they expired. Implement
//! [`Verifier`] for API keys and opaque tokens.
//!
//! Keys and secrets are in [`keys`], remote key sets and the endpoint that publishes your own in
//! [`jwks`].

mod limits;
mod numeric_date;
mod base64url;
mod compact;
mod json_reader;
mod strict_json;
mod header;
mod span;
mod raw_claims;
mod claim_rules;
mod claims;
mod issuer_rule;
mod verifier;
pub mod keys;
mod token_cache;
pub mod jwks;
mod jwt_verifier;
mod deny_list;
mod multi_issuer;
mod issue_error;
mod issue_rules;
mod issuer;
#[cfg(feature = "jsonwebtoken")]
mod interop;

pub use claims::Claims;
pub use deny_list::{DenyList, DenyListVerifier};
pub use issue_error::IssueError;
pub use issuer::{JwtIssuer, TokenBuilder};
pub use jwt_verifier::JwtVerifier;
pub use multi_issuer::MultiIssuerVerifier;
pub use verifier::{Verification, Verifier};
