//! JSON Web Tokens (RFC 7519): verification, claims, issuing and revocation.

mod limits;
mod numeric_date;
mod base64url;
mod compact;
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
