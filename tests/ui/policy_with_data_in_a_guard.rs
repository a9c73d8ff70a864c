//! A policy that needs data cannot be named in a type.

use tower_warder::testing::TestUser;
use tower_warder::{Guarded, Scope};

async fn orders(_: Guarded<Scope, TestUser>) {}

fn main() {}
