//! Accounts with e-mail and password: the model, the rules and where they are kept.
//!
//! [`AccountStore`] is the one trait that an application implements for its database; its rules
//! are published as a test, `testing::account_store_contract`. [`InMemoryAccountStore`] keeps accounts as
//! long as the process lives. Refresh tokens and sessions are there for who asks for them:
//! [`Accounts::sessions`], over a [`SessionStore`].

#![forbid(unsafe_code)]

// In the order in which they build on one another; each module imports only from those above it.
mod email;
mod password;
mod model;
mod validation_error;
mod form;
mod json;
mod body;
mod input;
mod actor;
mod user_change;
mod store;
mod in_memory;
mod subject;
mod error;
mod password_policy;
mod bootstrap;
mod invalidate_on_drop;
mod answer;
mod request_body;
mod request;
mod session;
mod service;
mod session_service;
mod routes;
mod session_routes;
mod cookie;
mod ticket;
#[cfg(feature = "utoipa")]
pub mod openapi;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(doc, doctest))]
pub mod docs;

pub use actor::{Actor, NotAdmin};
pub use bootstrap::BootstrapPolicy;
pub use cookie::{cookie_login, cookie_logout, cookie_routes};
pub use email::{Email, InvalidEmail};
pub use error::AccountError;
pub use in_memory::InMemoryAccountStore;
pub use input::{PasswordReset, UserCreate, UserLogin, UserUpdate};
pub use model::{Token, User, UserPublic};
pub use password::{InvalidPassword, Password};
pub use password_policy::{CommonPasswords, PasswordPolicy, PasswordPolicyError};
pub use request::{AccountId, Form, FromJson, JsonBody};
pub use routes::{
    count_pending, delete, login, me, register, reset_password, routes, update, users,
};
pub use service::Accounts;
pub use session::{
    InMemorySessionStore, PasswordChange, PreviousToken, RefreshGrant, Rotation, Session,
    SessionPublic, SessionStore, Sessions,
};
pub use session_routes::{
    SessionId, change_password, end_session, list_sessions, logout, logout_all, refresh,
    session_routes,
};
pub use store::{AccountStore, AdminGrant, NewUser, Page, StoreError};
pub use subject::SubjectClaim;
pub use ticket::{stream_ticket, ticket_routes};
pub use user_change::{LastAdminError, UserChange};
pub use validation_error::{Location, ValidationError, ValidationErrorKind};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
