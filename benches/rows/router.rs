//! One request through an axum router with a trivial handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tower::layer::util::Identity as EmptyLayer;
use tower_warder::cache::UserCache;
use tower_warder::response::EmptyBody;
use tower_warder::{AuthLayer, Claims, CurrentUser, JwtVerifier, RequireLayer};

use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;
use crate::support::users::{SharedUsers, User, Users};

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
        ok("CurrentUser, shared user", shared(), token.clone()),
        ok(
            "CurrentUser, cached",
            user().layer(cached(tokens::verifier())),
            token.clone(),
        ),
        ok("RequireLayer", guarded().layer(auth()), token),
        requests::row(
            "refused, problem details",
            user().layer(auth()),
            bearer("garbage"),
            StatusCode::UNAUTHORIZED,
        ),
        refused("garbage", "garbage"),
        refused("oversized", &tokens::oversized()),
        refused("bad signature", &tokens::bad_signature()),
        refused("expired", &tokens::expired()),
    ]
}

/// The counted rows, and those that only make sense as times.
pub(crate) fn timed() -> Vec<Row> {
    let mut rows = rows();
    rows.push(many("CurrentUser, 10 000 tokens", user().layer(auth())));
    rows.push(many(
        "CurrentUser, 10 000 tokens, cached",
        user().layer(cached(tokens::verifier())),
    ));
    #[cfg(feature = "aws-lc-rs")]
    rows.extend(asymmetric().chain(asymmetric_cached()));
    rows
}

/// The same token repeatedly, with its user in the cache: for several threads.
pub(crate) fn hot() -> Row {
    let router = user().layer(cached(tokens::verifier()));
    let token = bearer(&tokens::hs256(tokens::SUBJECT));
    requests::row("CurrentUser, cached", router, token, StatusCode::OK)
}

/// The same without authentication: the cost of the router's own reference counts.
pub(crate) fn hot_without() -> Row {
    let token = bearer(&tokens::hs256(tokens::SUBJECT));
    requests::row("no auth", plain(), token, StatusCode::OK)
}

/// A token of its own for each of 10 000 users.
fn many(name: &str, router: Router) -> Row {
    let credentials: Vec<_> = tokens::many().map(|token| bearer(&token)).collect();
    for credential in &credentials {
        let answer = requests::send(&router, credential);
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let next = AtomicUsize::new(0);
    Row::new(name, move || {
        // A stride without a common factor: each token in turn, and never its neighbour.
        let index = next.fetch_add(7919, Ordering::Relaxed) % credentials.len();
        requests::send(&router, &credentials[index])
    })
}

/// A request that a `RequireLayer` rejects without a response body.
fn refused(what: &str, token: &str) -> Row {
    let name = format!("refused, {what}");
    let router = guarded().layer(auth());
    requests::row(&name, router, bearer(token), StatusCode::UNAUTHORIZED)
}

#[cfg(feature = "aws-lc-rs")]
fn asymmetric() -> impl Iterator<Item = Row> {
    use super::verification::{ASYMMETRIC, demanding};
    ASYMMETRIC.into_iter().map(|pair| {
        let (algorithm, _) = pair;
        let token = bearer(&tokens::signed(algorithm));
        let name = format!("CurrentUser, {}", algorithm.as_str());
        let router = user().layer(AuthLayer::new(demanding(pair), Users::ten_thousand()));
        requests::row(&name, router, token, StatusCode::OK)
    })
}

/// The cache saves the signature; the rest costs the same for every algorithm.
#[cfg(feature = "aws-lc-rs")]
pub(crate) fn asymmetric_cached() -> impl Iterator<Item = Row> {
    use super::verification::{ASYMMETRIC, demanding};
    ASYMMETRIC.into_iter().map(|pair| {
        let (algorithm, _) = pair;
        let name = format!("CurrentUser, {}, cached", algorithm.as_str());
        let token = bearer(&tokens::signed(algorithm));
        let router = user().layer(cached(demanding(pair)));
        requests::row(&name, router, token, StatusCode::OK)
    })
}

fn auth() -> AuthLayer<User> {
    AuthLayer::new(tokens::verifier(), Users::ten_thousand())
}

/// With both caches, each with twice as many places as there are tokens or users.
fn cached(verifier: JwtVerifier) -> AuthLayer<User> {
    AuthLayer::new(verifier.cache(20_000), Users::ten_thousand())
        .user_cache(UserCache::new(20_000).ttl(Duration::from_secs(3600)))
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

/// The loader hands its user over without a clone.
fn shared() -> Router {
    let users = SharedUsers(Users::ten_thousand());
    Router::new()
        .route("/me", get(async |_: CurrentUser<Arc<User>>| "ok"))
        .layer(AuthLayer::new(tokens::verifier(), users))
}

fn guarded() -> Router {
    plain().layer(RequireLayer::<User>::approved().on_rejection(EmptyBody))
}
