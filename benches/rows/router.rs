//! One request through an axum router with a trivial handler.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tower::layer::util::Identity as EmptyLayer;
use tower_warder::{AuthLayer, Claims, CurrentUser, Empty, RequireLayer};

use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;
use crate::support::users::{User, Users};

pub(crate) fn rows() -> Vec<Row> {
    let token = bearer(&tokens::hs256(tokens::SUBJECT));
    let ok = |name, router, credential| requests::row(name, router, credential, StatusCode::OK);
    vec![
        ok("no auth", plain(), token.clone()),
        ok(
            "empty layer",
            plain().layer(EmptyLayer::new()),
            token.clone(),
        ),
        ok("public, no token", plain().layer(auth()), None),
        ok("public, token", plain().layer(auth()), token.clone()),
        ok("Claims", claims().layer(auth()), token.clone()),
        ok("CurrentUser", user().layer(auth()), token.clone()),
        ok("RequireLayer", door().layer(auth()), token),
        refused("garbage", "garbage"),
        refused("oversized", &tokens::oversized()),
        refused("bad signature", &tokens::bad_signature()),
        refused("expired", &tokens::expired()),
    ]
}

/// The rows, and what is told by times alone.
pub(crate) fn timed() -> Vec<Row> {
    let mut rows = rows();
    rows.push(many());
    #[cfg(feature = "aws-lc-rs")]
    rows.extend(asymmetric());
    rows
}

/// A token of its own for each of 10 000 users.
fn many() -> Row {
    let router = user().layer(auth());
    let credentials: Vec<_> = tokens::many().map(|token| bearer(&token)).collect();
    let next = AtomicUsize::new(0);
    Row::new("CurrentUser, 10 000 tokens", move || {
        // A stride without a common factor: each in its turn, and never the neighbour.
        let index = next.fetch_add(7919, Ordering::Relaxed) % credentials.len();
        requests::send(&router, &credentials[index])
    })
}

/// Turned away by a `RequireLayer` without a response body.
fn refused(what: &str, token: &str) -> Row {
    let name = format!("refused, {what}");
    let router = door().layer(auth());
    requests::row(&name, router, bearer(token), StatusCode::UNAUTHORIZED)
}

#[cfg(feature = "aws-lc-rs")]
fn asymmetric() -> impl Iterator<Item = Row> {
    use super::verification::ASYMMETRIC;
    ASYMMETRIC.into_iter().map(|(algorithm, public)| {
        let key = tower_warder::VerifyingKey::from_pem(algorithm, public).unwrap();
        let verifier = tokens::demanding(tower_warder::TokenVerifier::new(key));
        let name = format!("CurrentUser, {}", algorithm.as_str());
        let router = user().layer(AuthLayer::new(verifier, Users::new()));
        let token = bearer(&tokens::signed(algorithm));
        requests::row(&name, router, token, StatusCode::OK)
    })
}

fn auth() -> AuthLayer<User> {
    AuthLayer::new(tokens::verifier(), Users::new())
}

fn plain() -> Router {
    Router::new().route("/me", get(async || "ok"))
}

fn claims() -> Router {
    Router::new().route("/me", get(async |_: Claims| "ok"))
}

fn user() -> Router {
    Router::new().route("/me", get(async |_: CurrentUser<User>| "ok"))
}

fn door() -> Router {
    plain().layer(RequireLayer::<User>::approved().rejection(Empty))
}
