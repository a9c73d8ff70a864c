//! Items for the other crates of this workspace. They are unstable: any version may change them.

pub use tower_warder::private::network;

pub use crate::request::{FormFields, read_form};
