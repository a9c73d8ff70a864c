//! A string in place of a policy.

use tower_warder::RequireLayer;
use tower_warder::testing::TestUser;

fn main() {
    let _ = RequireLayer::<TestUser>::new("orders:read");
}
