//! Tokens: what they say, who signed them, and how they are judged and made.

mod key;

pub use key::{Algorithm, SigningKey, VerifyingKey};
