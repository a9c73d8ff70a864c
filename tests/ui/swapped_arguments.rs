//! The loader before the verifier.

use tower_warder::testing::{self, TestUser, StaticUserLoader};
use tower_warder::AuthLayer;

fn main() {
    let users = StaticUserLoader::new([("jane", TestUser::approved("Jane"))]);
    let _ = AuthLayer::new(users, testing::verifier());
}
