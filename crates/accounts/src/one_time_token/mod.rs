//! One-time tokens, for links.

mod secret;
mod model;
mod store;
mod in_memory;
mod tokens;
mod input;
mod email_input;
mod email_change;

pub use email_change::EmailChange;
pub use email_input::EmailConfirmation;
pub use in_memory::InMemoryOneTimeTokenStore;
pub use input::{MailRequest, OneTimePasswordReset};
pub use model::{OneTimeToken, TokenPurpose};
pub use store::OneTimeTokenStore;
pub use tokens::{NewOneTimeToken, OneTimeTokens};
