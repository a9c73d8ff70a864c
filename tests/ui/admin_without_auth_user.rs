//! A user type that says nothing about its status, at a door of tower.

use tower_warder::{Admin, RequireLayer};

struct User;

fn main() {
    let _ = RequireLayer::<User>::new(Admin);
}
