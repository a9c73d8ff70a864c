//! Keys that somebody else publishes, in time that a test moves.

mod choice;
mod discovery;
mod documents;
mod dropped;
mod flood;
mod outage;
mod providers;
mod python;
mod refreshing;
mod rotation;
mod server;
mod sockets;
mod start;

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use tower_warder::error::AuthErrorKind;
use tower_warder::jwks::RemoteJwks;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::keys::{Algorithm, SigningKey};
use tower_warder::{AuthError, Claims, JwtIssuer, JwtVerifier};

use self::server::{Mood, Server};

/// RSA keys are drawn by the backend: ours are not made for it.
fn new_rsa() -> Vec<u8> {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    der.as_ref().to_vec()
}

const ED25519: &str = include_str!("../../keys/ed25519.pem");
const P256: &str = include_str!("../../keys/p256.pem");
const RSA: &str = include_str!("../../keys/rsa-2048.pem");

const URL: &str = "https://login.example/keys";

/// Whom the tokens name.
const ISSUER: &str = "https://login.example/realms/shop";

/// A key of this id.
fn key(key_id: &str) -> SigningKey {
    let key = SigningKey::from_pem(Algorithm::EdDSA, ED25519).unwrap();
    key.key_id(key_id)
}

fn token(key: SigningKey) -> String {
    JwtIssuer::new(key).issuer(ISSUER).issue("7").unwrap()
}

/// A token that a key of this id signed.
fn named(key_id: &str) -> String {
    token(key(key_id))
}

/// A server that publishes keys of these ids, and who fetched them.
async fn published<const N: usize>(key_ids: [&str; N]) -> (Server, RemoteJwks) {
    let server = Server::publishing(key_ids);
    let keys = RemoteJwks::from_url(URL)
        .client(server.clone())
        .await
        .unwrap();
    (server, keys)
}

fn verifier(keys: &RemoteJwks) -> JwtVerifier {
    JwtVerifier::jwks(keys).issuer(ISSUER)
}

/// Lets the task that fetches do what there is to do, without the time going on.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Lets so much time pass, and the task that fetches do what there is to do before and then.
async fn pass(time: Duration) {
    settle().await;
    tokio::time::advance(time).await;
    settle().await;
}

/// What a request gets that waits as long as it takes.
async fn outcome_of(verifier: &impl Verifier, token: &str) -> Outcome {
    match verifier.verify(token) {
        Verification::Ready(verified) => outcome(verified),
        Verification::Pending(verified) => outcome(verified.await),
        _ => panic!("neither ready nor pending"),
    }
}

/// What a request gets that does not wait, if it does not have to.
fn outcome_now(verifier: &impl Verifier, token: &str) -> Option<Outcome> {
    match verifier.verify(token) {
        Verification::Ready(verified) => Some(outcome(verified)),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    /// 401.
    Rejected,
    /// 503.
    Unavailable,
}

fn outcome(verified: Result<Claims, AuthError>) -> Outcome {
    match verified.map_err(|error| error.kind()) {
        Ok(_) => Outcome::Accepted,
        Err(AuthErrorKind::InvalidToken) => Outcome::Rejected,
        Err(AuthErrorKind::Unavailable) => Outcome::Unavailable,
        Err(other) => panic!("{other:?}"),
    }
}
