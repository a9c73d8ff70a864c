//! Sessions that are renewed by refresh tokens.

mod token;
mod model;
mod store;
mod in_memory;
mod sessions;
mod input;

pub use in_memory::InMemorySessionStore;
pub use input::PasswordChange;
pub(crate) use input::RefreshGrant;
pub use model::{PreviousToken, Rotation, Session, SessionPublic};
pub use sessions::Sessions;
pub(crate) use sessions::TARGET;
pub use store::SessionStore;
pub(crate) use token::RefreshToken;
