//! A user type without `AuthUser`, in an extractor.

use tower_warder::CurrentUser;

struct User;

async fn me(_: CurrentUser<User>) {}

fn main() {}
