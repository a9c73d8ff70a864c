//! A loader that does not load.

use tower_warder::{AuthLayer, Secret, TokenVerifier};

struct Users;

fn main() {
    let secret = Secret::generate();
    let _ = AuthLayer::new(TokenVerifier::hs256(&secret), Users);
}
