//! A loader type without `UserLoader`.

use tower_warder::{AuthLayer, HmacSecret, JwtVerifier};

struct Users;

fn main() {
    let secret = HmacSecret::generate();
    let _ = AuthLayer::new(JwtVerifier::hs256(&secret), Users);
}
