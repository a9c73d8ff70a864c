//! JSON Web Key Sets (RFC 7517, section 5).
//!
//! [`JwksEndpoint`] publishes the public keys of a [`KeyRing`](crate::keys::KeyRing) for other
//! services. With the feature `jwks`, `RemoteJwks` fetches the keys of another issuer, from a URL or
//! by OpenID Connect Discovery, and keeps them up to date.

mod endpoint;
#[cfg(feature = "jwks")]
mod error;
#[cfg(feature = "jwks")]
mod url;
#[cfg(feature = "jwks")]
mod client;
#[cfg(feature = "jwks")]
mod document;
#[cfg(feature = "jwks")]
mod fetch;
#[cfg(feature = "jwks")]
mod remote;
#[cfg(feature = "jwks")]
mod refresh;
#[cfg(feature = "jwks")]
mod builder;

#[cfg(feature = "jwks")]
pub use builder::JwksBuilder;
#[cfg(feature = "jwks")]
pub use client::JwksClient;
pub use endpoint::JwksEndpoint;
#[cfg(feature = "jwks")]
pub use remote::RemoteJwks;
