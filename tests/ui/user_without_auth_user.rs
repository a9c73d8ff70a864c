//! A user type that says nothing about its status.

use tower_warder::CurrentUser;

struct User;

async fn me(_: CurrentUser<User>) {}

fn main() {}
