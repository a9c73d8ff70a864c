//! Tokens: what they say, who signed them, how they are judged and how they are made.

mod base64url;
mod compact;
mod json;
mod header;
mod payload;
mod claim_rules;
mod claims;
mod issuer_rule;
mod verification;
mod key;
mod publication;
mod keyset;
mod ring;
mod cache;
#[cfg(feature = "jwks")]
mod jwks;
#[cfg(not(feature = "jwks"))]
mod no_jwks;
#[cfg(not(feature = "jwks"))]
use no_jwks as jwks;
mod verifier;
mod deny_list;
mod issuers;
mod issue_error;
mod issuer;

use std::time::Duration;

pub use claims::Claims;
pub use deny_list::{DenyList, DenyListVerifier};
pub use issue_error::IssueError;
pub use issuer::{JwtIssuer, TokenBuilder};
pub use issuers::MultiIssuerVerifier;
#[cfg(feature = "jwks")]
pub use jwks::{JwksBuilder, JwksClient, RemoteJwks};
pub use key::{Algorithm, SigningKey, VerifyingKey};
pub use ring::KeyRing;
pub use verification::{Verification, Verifier};
pub use verifier::JwtVerifier;

/// Bytes of a token, before anything of it is decoded.
const MAX_TOKEN: usize = 8 * 1024;

/// How far two clocks may differ, at most.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Bytes of the encoded header, unless a verifier accepts more.
const MAX_HEADER: usize = 1024;
