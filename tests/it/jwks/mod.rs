//! Remote key sets, with paused time.

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

/// New RSA key of the backend, as DER: this crate does not generate RSA keys.
fn new_rsa() -> Vec<u8> {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    der.as_ref().to_vec()
}

const ED25519: &str = include_str!("../../keys/ed25519.pem");
const P256: &str = include_str!("../../keys/p256.pem");
const RSA: &str = include_str!("../../keys/rsa-2048.pem");

const URL: &str = "https://login.example/keys";

/// Issuer of the tokens.
const ISSUER: &str = "https://login.example/realms/shop";

/// Key with this id.
fn key(key_id: &str) -> SigningKey {
    let key = SigningKey::from_pem(Algorithm::EdDSA, ED25519).unwrap();
    key.key_id(key_id)
}

fn token(key: SigningKey) -> String {
    JwtIssuer::new(key).issuer(ISSUER).issue("7").unwrap()
}

/// Token signed by the key with this id.
fn named(key_id: &str) -> String {
    token(key(key_id))
}

/// Server that publishes keys with these ids, and a key set that has fetched them.
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

/// Runs the background task until it is idle, without advancing the time.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Advances the time, and runs the background task before and after.
async fn pass(time: Duration) {
    settle().await;
    tokio::time::advance(time).await;
    settle().await;
}

/// Outcome for a request that waits until it is known.
async fn outcome_of(verifier: &impl Verifier, token: &str) -> Outcome {
    match verifier.verify(token) {
        Verification::Ready(verified) => outcome(verified),
        Verification::Pending(verified) => outcome(verified.await),
        _ => panic!("neither ready nor pending"),
    }
}

/// Outcome for a request, if it is known without waiting.
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
