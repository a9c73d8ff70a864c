//! The API described, for applications that describe theirs with [utoipa].
//!
//! [`AuthErrorResponses`] are the responses of a route behind a door, [`SecuritySchemes`] is a modifier
//! that says how a client proves who it is. The document is OpenAPI 3.1. The routes of accounts are
//! described by the crate `tower-warder-accounts`.
//!
//! ```
//! use tower_warder::openapi::{AuthErrorResponses, SecuritySchemes};
//! use utoipa::OpenApi;
//!
//! /// The orders of who asks.
//! #[utoipa::path(
//!     get,
//!     path = "/api/orders",
//!     responses((status = 200, body = Vec<String>), AuthErrorResponses),
//!     security(("bearer" = [])),
//! )]
//! async fn orders() { /* … */ }
//!
//! #[derive(OpenApi)]
//! #[openapi(paths(orders), modifiers(&SECURITY))]
//! struct Api;
//!
//! const SECURITY: SecuritySchemes =
//!     SecuritySchemes::new().bearer().password_flow("/api/auth/login");
//!
//! let document = serde_json::to_value(Api::openapi()).unwrap();
//! let schemes = &document["components"]["securitySchemes"];
//! assert_eq!(schemes["bearer"]["scheme"], "bearer");
//! ```
//!
//! Without the macros it is `SECURITY.modify(&mut document)`.
//!
//! [utoipa]: https://docs.rs/utoipa

pub(crate) mod security;
pub(crate) mod refusal;
mod status;

pub use refusal::AuthErrorResponses;
pub use security::SecuritySchemes;
