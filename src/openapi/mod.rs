//! The API described, for applications that describe theirs with [utoipa].
//!
//! Each piece is what utoipa has a place for: [`AccountsApi`] is nested where the routes are, and
//! [`CookieApi`], [`TicketApi`] and [`SessionsApi`] under the same prefix if their routes are
//! mounted; [`AuthErrorResponses`] are the responses of a route behind a door, [`SecuritySchemes`] is a modifier
//! that says how a client proves who it is. The document is OpenAPI 3.1.
//!
#![cfg_attr(feature = "accounts", doc = "```")]
#![cfg_attr(not(feature = "accounts"), doc = "```text")]
//! use tower_warder::openapi::{AccountsApi, AuthErrorResponses, SecuritySchemes};
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
//! #[openapi(
//!     paths(orders),
//!     nest((path = "/api/auth", api = AccountsApi)),
//!     modifiers(&SECURITY),
//! )]
//! struct Api;
//!
//! const SECURITY: SecuritySchemes =
//!     SecuritySchemes::new().bearer().password_flow("/api/auth/login");
//!
//! let document = Api::openapi();
//! assert!(document.paths.get_path_item("/api/auth/me").is_some());
//! ```
//!
//! Without the macros it is `document.nest("/api/auth", AccountsApi::openapi())` and
//! `SECURITY.modify(&mut document)`.
//!
//! Of two schemas with one name in one document utoipa keeps that of the application: give yours
//! another name (`#[schema(as = …)]`) if it means something else.
//!
//! [utoipa]: https://docs.rs/utoipa

mod security;
mod refusal;
#[cfg(feature = "accounts")]
mod schema;
#[cfg(feature = "accounts")]
mod operation;
#[cfg(feature = "accounts")]
mod accounts;
#[cfg(feature = "accounts")]
mod cookie;
#[cfg(feature = "accounts")]
mod ticket;
#[cfg(feature = "accounts")]
mod sessions;

#[cfg(feature = "accounts")]
pub use accounts::AccountsApi;
#[cfg(feature = "accounts")]
pub use cookie::CookieApi;
pub use refusal::AuthErrorResponses;
pub use security::SecuritySchemes;
#[cfg(feature = "accounts")]
pub use sessions::SessionsApi;
#[cfg(feature = "accounts")]
pub use ticket::TicketApi;
