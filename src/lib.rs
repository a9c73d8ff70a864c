#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

// In the order in which a request meets them; each module imports only from those above it.
mod error;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(not(feature = "metrics"))]
mod metrics;
mod clock;
mod util;
pub mod key_files;
mod secret;
mod jwt;
mod stream_ticket;
mod credentials;
mod user;
mod status;
mod cache;
mod policy;
mod identity;
mod layer;
mod response;
mod require;
mod published;
#[cfg(feature = "axum")]
mod extract;
#[cfg(feature = "password")]
mod password;
#[cfg(all(feature = "axum", feature = "password"))]
mod login;
#[cfg(feature = "utoipa")]
pub mod openapi;
#[cfg(feature = "testing")]
pub mod testing;
#[doc(hidden)]
pub mod private;

pub use async_trait::async_trait;

pub use cache::{Invalidation, UserCache};
pub use clock::Clock;
pub use credentials::{AuthCookie, CredentialSource, InvalidCookieValue};
pub use error::{AuthError, AuthErrorKind, BoxError, ConfigError, KeyFileProblem};
#[cfg(feature = "axum")]
pub use extract::{AdminUser, Require, TypedClaims};
pub use identity::Identity;
pub use jwt::{
    Algorithm, Claims, DenyList, DenyListVerifier, IssueError, JwtIssuer, JwtVerifier, KeyRing,
    MultiIssuerVerifier, SigningKey, TokenBuilder, Verification, Verifier, VerifyingKey,
};
#[cfg(feature = "jwks")]
pub use jwt::{JwksBuilder, JwksClient, RemoteJwks};
pub use layer::{AuthLayer, AuthService};
#[cfg(all(feature = "axum", feature = "password"))]
pub use login::LoginError;
#[cfg(feature = "password")]
pub use password::{PasswordError, PasswordHasher, PasswordParams, PasswordVerification};
pub use policy::{Admin, Approved, Decision, Denied, Policy, Scope};
pub use published::JwksEndpoint;
pub use require::{RequireLayer, RequireService, ResponseFuture};
pub use response::{EmptyBody, MakeErrorResponse, ProblemJson};
pub use secret::HmacSecret;
pub use status::UnknownStatus;
pub use stream_ticket::{StreamTicket, StreamTickets};
pub use user::{AuthUser, CurrentUser, UserLoader, UserStatus};
