//! User accounts with e-mail and password for [`tower_warder`]: registration, log-in, approval by
//! an admin, e-mail verification, password resets by link and mail, invitations, deletion, and optional
//! sessions with refresh tokens.
//!
//! [`routes()`] returns the HTTP routes as an axum router; [`Accounts`] has the same operations as
//! methods, and is the [`UserLoader`](tower_warder::UserLoader) of its own tokens. The table "Flows" of
//! the [README](https://docs.rs/crate/tower-warder-accounts/latest) lists what each flow needs.
//!
//! - **Storage**: the crate `tower-warder-sqlx` for SQLite and PostgreSQL; for another database
//!   implement [`AccountStore`] and test it with `testing::account_store_contract`.
//!   [`InMemoryAccountStore`] is for tests and demonstrations.
//! - **Sessions**: [`Accounts::sessions`] over a [`SessionStore`]. [`session_routes()`] lists and ends
//!   them, [`refresh_routes()`] renews tokens.
//! - **Password resets by a link**: [`Accounts::one_time_tokens`] over a [`OneTimeTokenStore`], and
//!   [`password_reset_routes()`]. By mail: [`Accounts::mail`] over a [`Mailer`], and
//!   [`forgot_password_routes()`].
//! - **Verification of addresses** by mail: [`Accounts::email_verification`] and
//!   [`email_verification_routes()`]. **Change of the own address**: [`email_change_routes()`].
//! - **Display name, deletion and export** of an account by its owner: [`own_account_routes()`].
//! - **Registration** by anyone, by mail, or by [invitation](invitation_routes()) only: [`Registration`],
//!   [`registration_routes()`].
//! - **Log-in by cookie**: [`cookie_routes`]. **Tickets** for WebSockets and server-sent events:
//!   [`ticket_routes`].
//! - **Limits of attempts**, on by default: [`throttle`].
//! - **Audit events**: [`AuditEvent`], in the log, in an [`AuditStore`] whose events
//!   [`audit_routes()`] shows to admins, and for an [`AuditLog`] of your own.
//! - **Code of the application** before and after registrations, log-ins and other operations, and
//!   claims of its own in tokens: [`AccountHooks`].
//! - **First admin**: [`BootstrapPolicy`]. **Password rules**: [`PasswordPolicy`].

#![forbid(unsafe_code)]

// In the order in which they build on one another; each module imports only from those above it.
mod email;
mod email_prefix;
mod password;
mod display_name;
mod model;
mod user_query;
mod validation_error;
mod form;
mod list_parameters;
mod json;
mod body;
pub mod throttle;
mod input;
mod own_account_input;
mod actor;
mod store_error;
mod user_change;
mod audit;
mod hooks;
mod store;
mod in_memory;
mod subject;
mod login_challenge;
mod error;
mod password_policy;
mod registration;
mod bootstrap;
mod verification_policy;
mod invalidate_on_drop;
mod answer;
mod request_body;
mod request;
mod session;
mod one_time_token;
mod mail;
mod service;
mod registration_service;
mod login_service;
mod user_service;
mod hook_service;
mod session_service;
mod throttle_service;
mod audit_service;
mod import;
mod password_reset;
mod own_account;
mod invitation;
mod registration_by_mail;
mod pending_accounts;
mod forgot_password;
mod email_verification;
mod email_change;
mod routes;
mod refresh_routes;
mod session_routes;
mod password_reset_routes;
mod own_account_routes;
mod invitation_routes;
mod registration_routes;
mod forgot_password_routes;
mod email_verification_routes;
mod email_change_routes;
mod audit_parameters;
mod audit_routes;
mod cookie;
mod ticket;
#[cfg(feature = "utoipa")]
pub mod openapi;
#[cfg(feature = "testing")]
pub mod testing;
#[doc(hidden)]
pub mod private;
#[cfg(any(doc, doctest))]
pub mod docs;

pub use actor::{Actor, NotAdmin};
pub use audit::{
    AuditActor, AuditEvent, AuditEventKind, AuditLog, AuditRetention, AuditStore, AuditWriter,
    InMemoryAuditStore,
};
pub use audit_routes::audit_routes;
pub use bootstrap::BootstrapPolicy;
pub use cookie::cookie_routes;
pub use display_name::{DisplayName, InvalidDisplayName};
pub use email::{Email, InvalidEmail};
pub use email_change_routes::email_change_routes;
pub use email_prefix::{EmailPrefix, InvalidEmailPrefix};
pub use email_verification_routes::email_verification_routes;
pub use error::AccountError;
pub use forgot_password_routes::forgot_password_routes;
pub use hooks::{AccountHooks, HookContext, HookError};
pub use import::UserImport;
pub use in_memory::InMemoryAccountStore;
pub use input::{PasswordReset, UserCreate, UserLogin, UserUpdate};
pub use invitation::Invitation;
pub use invitation_routes::invitation_routes;
pub use login_challenge::{LoginChallenge, LoginChallengeKind};
pub use mail::{Mail, MailLink, MailPurpose, MailQueue, Mailer};
pub use model::{Token, User, UserPublic};
pub use one_time_token::{
    EmailChange, EmailConfirmation, InMemoryOneTimeTokenStore, MailRequest, NewOneTimeToken,
    OneTimePasswordReset, OneTimeToken, OneTimeTokenStore, OneTimeTokens, TokenPurpose,
};
pub use own_account::AccountExport;
pub use own_account_routes::own_account_routes;
pub use password::{InvalidPassword, Password};
pub use password_policy::{CommonPasswords, PasswordPolicy, PasswordPolicyError};
pub use password_reset_routes::password_reset_routes;
pub use refresh_routes::refresh_routes;
pub use registration::{MailRegistration, Registration};
pub use registration_routes::registration_routes;
pub use routes::routes;
pub use service::Accounts;
pub use session::{
    InMemorySessionStore, PasswordChange, PreviousToken, Rotation, Session, SessionKind,
    SessionPublic, SessionStore, Sessions,
};
pub use session_routes::session_routes;
pub use store::{AccountStore, AdminGrant, NewUser};
pub use store_error::{LastAdminError, StoreError};
pub use subject::SubjectClaim;
pub use ticket::ticket_routes;
pub use user_change::{UserAction, UserChange};
pub use user_query::{UserFilter, UserOrder, UserPage, UserQuery};
pub use verification_policy::EmailVerification;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
