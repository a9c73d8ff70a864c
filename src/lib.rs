#![doc = include_str!("docs/crate.md")]
#![forbid(unsafe_code)]
// The pages link to items of all features.
#![cfg_attr(
    not(all(
        feature = "axum",
        feature = "jsonwebtoken",
        feature = "jwks",
        feature = "metrics",
        feature = "password",
        feature = "testing",
        feature = "utoipa",
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

// In the order in which a request meets them; each module imports only from those above it.
#[macro_use]
mod macros;
pub mod error;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(not(feature = "metrics"))]
mod metrics;
pub mod clock;
mod util;
pub mod key_files;
pub mod jwt;
pub mod stream_ticket;
pub mod credentials;
pub mod user;
pub mod cache;
pub mod policy;
mod identity;
pub mod layer;
pub mod response;
pub mod require;
#[cfg(feature = "axum")]
pub mod extract;
#[cfg(feature = "password")]
pub mod password;
#[cfg(all(feature = "axum", feature = "password"))]
pub mod login;
#[cfg(feature = "utoipa")]
pub mod openapi;
#[cfg(feature = "testing")]
pub mod testing;
#[doc(hidden)]
pub mod private;
#[cfg(all(
    any(doc, doctest),
    feature = "axum",
    feature = "jsonwebtoken",
    feature = "jwks",
    feature = "metrics",
    feature = "password",
    feature = "testing",
    feature = "utoipa",
))]
pub mod docs;

pub use async_trait::async_trait;

pub use error::{AuthError, BoxError};
#[cfg(feature = "axum")]
pub use extract::{AdminUser, Require};
pub use identity::Identity;
pub use jwt::keys::HmacSecret;
pub use jwt::{Claims, JwtIssuer, JwtVerifier, jwks, keys};
pub use layer::AuthLayer;
pub use require::RequireLayer;
pub use user::{AuthUser, CurrentUser, UserLoader, UserStatus};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
