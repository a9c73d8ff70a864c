//! A user type without `AuthUser`, in a guard.

use tower_warder::RequireLayer;
use tower_warder::policy::Admin;

struct User;

fn main() {
    let _ = RequireLayer::<User>::new(Admin);
}
