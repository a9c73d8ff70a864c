//! A closure that answers something else than yes or no.

use tower_warder::RequireLayer;
use tower_warder::testing::TestUser;

fn main() {
    let _ = RequireLayer::<TestUser>::from_fn(|user, _| user.name.clone());
}
