//! A user type that says nothing about its status, at a door of tower.

use tower_warder::RequireLayer;
use tower_warder::policy::Admin;

struct User;

fn main() {
    let _ = RequireLayer::<User>::new(Admin);
}
