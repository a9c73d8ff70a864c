//! The loader first.

use tower_warder::testing::{self, TestUser, Users};
use tower_warder::AuthLayer;

fn main() {
    let users = Users::new([("jane", TestUser::approved("Jane"))]);
    let _ = AuthLayer::new(users, testing::verifier());
}
