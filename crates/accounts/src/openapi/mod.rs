//! OpenAPI descriptions of the routes, for applications that use [utoipa].
//!
//! [`AccountsApi`] is nested where the account routes are mounted; [`CookieApi`], [`TicketApi`],
//! [`SessionsApi`], [`RefreshApi`], [`PasswordResetApi`], [`ForgotPasswordApi`], [`InvitationApi`],
//! [`RegistrationApi`], [`EmailVerificationApi`], [`EmailChangeApi`], [`OwnAccountApi`] and
//! [`AuditApi`] go under the same prefix if their routes are mounted.
//! [`AuthErrorResponses`](tower_warder::openapi::AuthErrorResponses) and
//! [`SecuritySchemes`](tower_warder::openapi::SecuritySchemes) describe the application's own
//! routes.
//!
//! ```
//! use tower_warder::openapi::{AuthErrorResponses, SecuritySchemes};
//! use tower_warder_accounts::openapi::AccountsApi;
//! use utoipa::OpenApi;
//!
//! /// The orders of the current user.
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
//! Without the macros, call `document.nest("/api/auth", AccountsApi::openapi())` and
//! `SECURITY.modify(&mut document)`.
//!
//! If two schemas in a document have the same name, utoipa keeps the one of the application: rename
//! yours (`#[schema(as = …)]`) if it describes something else.
//!
//! [utoipa]: https://docs.rs/utoipa

mod schema;
mod operation;
mod accounts;
mod cookie;
mod ticket;
mod refresh;
mod registration;
mod sessions;
mod password_reset;
mod own_account;
mod forgot_password;
mod email_verification;
mod email_change;
mod invitation;
mod audit;

pub use accounts::AccountsApi;
pub use audit::AuditApi;
pub use cookie::CookieApi;
pub use email_change::EmailChangeApi;
pub use email_verification::EmailVerificationApi;
pub use forgot_password::ForgotPasswordApi;
pub use invitation::InvitationApi;
pub use own_account::OwnAccountApi;
pub use password_reset::PasswordResetApi;
pub use refresh::RefreshApi;
pub use registration::RegistrationApi;
pub use sessions::SessionsApi;
pub use ticket::TicketApi;
