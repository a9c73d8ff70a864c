//! Tokens: what they say, who signed them, how they are judged and how they are made.

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
mod keys;
mod key_set;
mod key_ring;
mod token_cache;
#[cfg(feature = "jwks")]
mod jwks;
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
#[cfg(feature = "jwks")]
pub use jwks::{JwksBuilder, JwksClient, RemoteJwks};
pub use jwt_verifier::JwtVerifier;
pub use key_ring::KeyRing;
pub use keys::{Algorithm, SigningKey, VerifyingKey};
pub use multi_issuer::MultiIssuerVerifier;
pub use verifier::{Verification, Verifier};
