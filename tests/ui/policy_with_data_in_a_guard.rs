//! A policy with data cannot be named in a type.

use tower_warder::testing::TestUser;
use tower_warder::Require;
use tower_warder::policy::Scope;

async fn orders(_: Require<Scope, TestUser>) {}

fn main() {}
