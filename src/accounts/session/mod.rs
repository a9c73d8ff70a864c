//! Sessions: log-ins that go on by refresh tokens.

mod token;
mod model;
mod store;
mod memory;
mod sessions;
mod input;

pub use input::{PasswordChange, RefreshGrant};
pub use memory::InMemorySessionStore;
pub use model::{PreviousToken, Rotation, Session, SessionPublic};
pub use sessions::Sessions;
pub(crate) use sessions::TARGET;
pub use store::SessionStore;
pub(crate) use token::RefreshToken;
