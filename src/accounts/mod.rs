//! Accounts with e-mail and password.

mod email;
mod password;
mod status;
mod model;
mod fault;
mod body;
mod input;

pub use email::{Email, InvalidEmail};
pub use fault::{Fault, FaultKind, Place};
pub use input::{PasswordReset, UserCreate, UserLogin, UserUpdate};
pub use model::{Token, User, UserPublic};
pub use password::{InvalidPassword, Password};
pub use status::UnknownStatus;
