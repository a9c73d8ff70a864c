//! A closure that does not return a decision.

use tower_warder::RequireLayer;
use tower_warder::testing::TestUser;

fn main() {
    let _ = RequireLayer::<TestUser>::from_fn(|user, _| user.name.clone());
}
