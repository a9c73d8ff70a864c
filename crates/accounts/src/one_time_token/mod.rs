//! One-time tokens, for links.

mod model;
mod store;
mod in_memory;

pub use in_memory::InMemoryOneTimeTokenStore;
pub use model::{OneTimeToken, TokenPurpose};
pub use store::OneTimeTokenStore;
