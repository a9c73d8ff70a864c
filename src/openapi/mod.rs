//! OpenAPI descriptions of error responses and security schemes, for applications that use [utoipa].
//!
//! [`AuthErrorResponses`] describes the error responses of a protected route, [`SecuritySchemes`] is
//! a modifier that adds the security schemes to a document. The document is OpenAPI 3.1. The routes of
//! `tower-warder-accounts` are described by that crate.
//!
//! ```
//! use tower_warder::openapi::{AuthErrorResponses, SecuritySchemes};
//! use utoipa::OpenApi;
//!
//! /// Orders of the user.
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
//! Without the macros, call `SECURITY.modify(&mut document)`.
//!
//! [utoipa]: https://docs.rs/utoipa

pub(crate) mod security;
pub(crate) mod rejection;
mod status;

pub use rejection::AuthErrorResponses;
pub use security::SecuritySchemes;
