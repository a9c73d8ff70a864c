//! The routes of accounts, and stores that do what a test says.

pub mod described;
pub mod direction;
pub mod server;
pub mod staged;
