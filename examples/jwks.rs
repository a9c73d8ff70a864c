//! Key rotation with JWKS: one service issues tokens, another verifies them with the public keys.
//!
//! Run with `cargo run --example jwks --features jwks`, then:
//!
//! ```text
//! curl localhost:3000/.well-known/jwks.json                          # the public keys
//! OLD=$(curl -s -X POST localhost:3000/login)
//! curl -X POST localhost:3000/rotate/2; sleep 6                      # now another key signs
//! NEW=$(curl -s -X POST localhost:3000/login)
//! curl -i localhost:3001/orders -H "Authorization: Bearer $NEW"      # 200
//! curl -i localhost:3001/orders -H "Authorization: Bearer $OLD"      # 200, until it expires
//! ```

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::time::sleep;
use tower_warder::error::ConfigError;
use tower_warder::jwks::{JwksBuilder, JwksEndpoint, RemoteJwks};
use tower_warder::keys::{Algorithm, KeyRing, SigningKey};
use tower_warder::{AuthLayer, BoxError, Claims, CurrentUser, JwtIssuer, JwtVerifier};

/// How long other services may cache the public keys. Use minutes in production.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(5);
pub(crate) const LIFETIME: Duration = Duration::from_secs(900);

const ISSUER: &str = "http://localhost:3000";

/// The service that issues tokens.
pub(crate) fn login_app() -> Result<Router, ConfigError> {
    let ring = KeyRing::new();
    ring.set_signing_key(new_key("1")?)?;
    let keys = JwksEndpoint::new(&ring).max_age(MAX_AGE);
    Ok(Router::new()
        .route("/login", post(login))
        .route("/rotate/{key_id}", post(rotate))
        .route_service("/.well-known/jwks.json", keys)
        .with_state(ring))
}

/// A real log-in verifies a password.
async fn login(State(ring): State<KeyRing>) -> Result<String, StatusCode> {
    let issuer = JwtIssuer::ring(&ring).issuer(ISSUER).lifetime(LIFETIME);
    let token = issuer.audience("orders").issue("Jane");
    token.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Publishes a key, signs with it when other services have fetched it, and removes the previous key
/// when its last token has expired. Restrict this route to admins.
async fn rotate(State(ring): State<KeyRing>, Path(key_id): Path<String>) -> StatusCode {
    let Ok(key) = new_key(&key_id) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    if ring.add(key.verifying_key()).is_err() {
        return StatusCode::CONFLICT;
    }
    tokio::spawn(async move {
        sleep(MAX_AGE).await;
        let before = ring.signing_key_id();
        let _ = ring.set_signing_key(key);
        sleep(LIFETIME).await;
        before.is_some_and(|before| ring.remove(&before))
    });
    StatusCode::ACCEPTED
}

/// A key that outlives the process is read from a file: see `SigningKey::from_pem`.
fn new_key(key_id: &str) -> Result<SigningKey, ConfigError> {
    Ok(SigningKey::generate(Algorithm::EdDSA)?.key_id(key_id))
}

/// The keys that the other service fetches.
pub(crate) fn keys() -> JwksBuilder {
    RemoteJwks::from_url("http://localhost:3000/.well-known/jwks.json")
        .cooldown(Duration::from_secs(1))
}

/// The service without a secret and without users.
pub(crate) fn orders_app(keys: &RemoteJwks) -> Router {
    let verifier = JwtVerifier::jwks(keys).issuer(ISSUER).audience("orders");
    let auth = AuthLayer::claims_only(verifier).timeout(Duration::from_secs(5));
    Router::new().route("/orders", get(orders)).layer(auth)
}

async fn orders(user: CurrentUser<Claims>) -> String {
    format!("{} has no orders\n", user.subject())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let login_app = login_app()?;
    tokio::spawn(async move { axum::serve(listener, login_app).await });

    let orders_app = orders_app(&keys().await?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3001").await?;
    Ok(axum::serve(listener, orders_app).await?)
}
