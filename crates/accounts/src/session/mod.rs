//! Sessions, with refresh tokens or in cookies.

mod token;
mod model;
mod store;
mod in_memory;
mod sessions;
mod verifier;
mod input;

pub use in_memory::InMemorySessionStore;
pub use input::PasswordChange;
pub(crate) use input::RefreshGrant;
pub use model::{PreviousToken, Rotation, Session, SessionKind, SessionPublic};
pub(crate) use sessions::SessionEnd;
pub use sessions::Sessions;
pub use store::SessionStore;
pub(crate) use token::RefreshToken;
pub(crate) use verifier::{COOKIE, SESSION_KIND, SessionVerifier};
