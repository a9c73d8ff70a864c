//! The server as a process: environment, other processes on its database, and signals.

mod commands;
pub mod configuration;
#[cfg(target_os = "linux")]
mod connections;
mod concurrency;
mod events;
mod first_admin;
mod health;
mod restore;
mod settings_file;
mod startup;
mod log;
mod log_flood;
mod mail;
mod metrics;
mod postgres;
mod sessions;
pub mod process;
mod rotation;
mod shutdown;
mod streams;
mod throttle;

pub use self::process::{Finished, Server, Start};

/// Fit for HS256.
pub const SECRET: &str = "yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L";

/// Password of every account, unless a test sets another.
pub const PASSWORD: &str = "correct-horse-battery";
