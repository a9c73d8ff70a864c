//! `rediss://` addresses.

use tokio::io::AsyncReadExt;
use tower_warder::error::AuthErrorKind;
use tower_warder::testing;
use tower_warder_redis::RedisDenyList;

use crate::{client, silent_server};

#[tokio::test]
async fn tls_address_is_connected_by_tls() {
    let (server, url) = silent_server().await;
    let list = RedisDenyList::new(client(&url.replace("redis:", "rediss:")));
    let token = testing::token("jane");
    let claims = testing::verifier().verify_token(&token).unwrap();
    let first_byte = async { server.accept().await.unwrap().0.read_u8().await.unwrap() };
    let (first_byte, done) = tokio::join!(first_byte, list.deny(&claims));
    // The content type of a handshake (RFC 8446, section 5.1).
    assert_eq!(first_byte, 22);
    assert_eq!(done.unwrap_err().kind(), AuthErrorKind::Unavailable);
}
