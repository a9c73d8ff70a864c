//! Account routes, and stores that a test controls.

pub mod described;
pub mod direction;
pub mod server;
pub mod staged;
