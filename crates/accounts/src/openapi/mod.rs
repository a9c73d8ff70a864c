//! The routes described, for applications that describe their API with [utoipa].
//!
//! Each piece is what utoipa has a place for: [`AccountsApi`] is nested where the routes are, and
//! [`CookieApi`], [`TicketApi`] and [`SessionsApi`] under the same prefix if their routes are
//! mounted. [`AuthErrorResponses`](tower_warder::openapi::AuthErrorResponses) and
//! [`SecuritySchemes`](tower_warder::openapi::SecuritySchemes) are for the application's own routes.
//!
//! ```
//! use tower_warder::openapi::{AuthErrorResponses, SecuritySchemes};
//! use tower_warder_accounts::openapi::AccountsApi;
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

mod schema;
mod operation;
mod accounts;
mod cookie;
mod ticket;
mod sessions;

pub use accounts::AccountsApi;
pub use cookie::CookieApi;
pub use sessions::SessionsApi;
pub use ticket::TicketApi;
