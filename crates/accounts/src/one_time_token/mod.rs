//! One-time tokens, for links.

mod secret;
mod model;
mod store;
mod in_memory;
mod tokens;
mod input;

pub use in_memory::InMemoryOneTimeTokenStore;
pub use input::{ForgotPassword, OneTimePasswordReset};
pub use model::{OneTimeToken, TokenPurpose};
pub use store::OneTimeTokenStore;
pub use tokens::{NewOneTimeToken, OneTimeTokens};
