//! `tower-warder`: with a user, with claims only, verification alone, and a rejection.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tower_warder::cache::UserCache;
use tower_warder::keys::{Algorithm, VerifyingKey};
use tower_warder::{AuthLayer, Claims, CurrentUser, JwtVerifier};

use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::users::{User, Users};
use crate::support::{keys, tokens};

pub(crate) fn rows() -> Vec<Row> {
    let token = tokens::hs256(tokens::SUBJECT);
    let bad = tokens::bad_signature();
    vec![
        requests::row(
            "tower-warder, CurrentUser",
            with_user(tokens::verifier()),
            bearer(&token),
            StatusCode::OK,
        ),
        requests::row(
            "tower-warder, CurrentUser, cached",
            with_caches(tokens::verifier()),
            bearer(&token),
            StatusCode::OK,
        ),
        requests::row(
            "tower-warder, Claims",
            with_claims(tokens::verifier()),
            bearer(&token),
            StatusCode::OK,
        ),
        requests::row(
            "tower-warder, bad signature",
            with_user(tokens::verifier()),
            bearer(&bad),
            StatusCode::UNAUTHORIZED,
        ),
        verified("tower-warder, verify_token", tokens::verifier(), token),
    ]
}

pub(crate) fn asymmetric() -> Vec<Row> {
    let algorithms = [
        (Algorithm::ES256, keys::P256_PUBLIC),
        (Algorithm::RS256, keys::RSA_PUBLIC),
        (Algorithm::EdDSA, keys::ED25519_PUBLIC),
    ];
    let rows = algorithms.map(|(algorithm, public)| {
        let key = VerifyingKey::from_pem(algorithm, public).unwrap();
        let verifier = tokens::demanding(JwtVerifier::new(key));
        let token = tokens::signed(algorithm);
        let router = with_user(verifier.clone());
        let name = |what| format!("tower-warder, {what}, {}", algorithm.as_str());
        [
            requests::row(&name("CurrentUser"), router, bearer(&token), StatusCode::OK),
            requests::row(
                &name("CurrentUser, cached"),
                with_caches(verifier.clone()),
                bearer(&token),
                StatusCode::OK,
            ),
            verified(&name("verify_token"), verifier, token),
        ]
    });
    rows.into_iter().flatten().collect()
}

fn with_user(verifier: JwtVerifier) -> Router {
    Router::new()
        .route("/me", get(async |_: CurrentUser<User>| "ok"))
        .layer(AuthLayer::new(verifier, Users::ten_thousand()))
}

fn with_caches(verifier: JwtVerifier) -> Router {
    Router::new()
        .route("/me", get(async |_: CurrentUser<User>| "ok"))
        .layer(caching(verifier))
}

/// Layer that caches tokens and users, with twice as many places as there are.
pub fn caching(verifier: JwtVerifier) -> AuthLayer<User> {
    AuthLayer::new(verifier.cache(20_000), Users::ten_thousand()).user_cache(UserCache::new(20_000))
}

fn with_claims(verifier: JwtVerifier) -> Router {
    Router::new()
        .route("/me", get(async |_: Claims| "ok"))
        .layer(AuthLayer::new(verifier, Users::ten_thousand()))
}

fn verified(name: &str, verifier: JwtVerifier, token: String) -> Row {
    Row::new(name, move || verifier.verify_token(&token).unwrap())
}
