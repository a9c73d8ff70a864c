//! A closure that answers something else than yes or no.

use tower_warder::RequireLayer;
use tower_warder::testing::TestUser;

fn main() {
    let _ = RequireLayer::<TestUser>::when(|user, _| user.name.clone());
}
