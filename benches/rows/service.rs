//! One request through a plain tower service that asks for the identity: no router, no response body.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use tower::{Layer, service_fn};
use tower_warder::cache::UserCache;
use tower_warder::policy::Approved;
use tower_warder::{AuthLayer, Identity};

use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;
use crate::support::users::{User, Users};

pub(crate) fn rows() -> Vec<Row> {
    let token = tokens::hs256(tokens::SUBJECT);
    vec![
        requests::row(
            "no auth",
            service_fn(without_auth),
            bearer(&token),
            StatusCode::OK,
        ),
        requests::row(
            "claims",
            auth().layer(service_fn(with_claims)),
            bearer(&token),
            StatusCode::OK,
        ),
        asked("user", &token, StatusCode::OK),
        requests::row(
            "user, in the user cache",
            auth()
                .user_cache(UserCache::new(20_000).ttl(Duration::from_secs(3600)))
                .layer(service_fn(with_user)),
            bearer(&token),
            StatusCode::OK,
        ),
        asked("refused, garbage", "garbage", StatusCode::UNAUTHORIZED),
        asked(
            "refused, oversized",
            &tokens::oversized(),
            StatusCode::UNAUTHORIZED,
        ),
        asked(
            "refused, bad signature",
            &tokens::bad_signature(),
            StatusCode::UNAUTHORIZED,
        ),
        asked(
            "refused, expired",
            &tokens::expired(),
            StatusCode::UNAUTHORIZED,
        ),
    ]
}

fn asked(name: &str, token: &str, expected: StatusCode) -> Row {
    let service = auth().layer(service_fn(with_user));
    requests::row(name, service, bearer(token), expected)
}

fn auth() -> AuthLayer<User> {
    AuthLayer::new(tokens::verifier(), Users::ten_thousand())
}

async fn without_auth(_: Request) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::empty()))
}

async fn with_claims(request: Request) -> Result<Response<Body>, Infallible> {
    let identity = Identity::<User>::from_extensions(request.extensions()).expect("the layer");
    let mut response = Response::new(Body::empty());
    if let Err(error) = identity.claims().await {
        *response.status_mut() = error.status();
    }
    Ok(response)
}

async fn with_user(request: Request) -> Result<Response<Body>, Infallible> {
    let identity = Identity::<User>::from_extensions(request.extensions()).expect("the layer");
    let mut response = Response::new(Body::empty());
    if let Err(error) = identity.require(&Approved).await {
        *response.status_mut() = error.status();
    }
    Ok(response)
}
