//! `axum-jwt-auth`: claims as an extractor, no user.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::routing::get;
use axum_jwt_auth::{Decoder, LocalDecoder};
use jsonwebtoken10::{Algorithm, DecodingKey, Validation};

use crate::jsonwebtoken_decode::Claims;
use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;

#[derive(Clone, FromRef)]
struct App {
    decoder: Decoder<Claims>,
}

pub(crate) fn rows() -> Vec<Row> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[tokens::AUDIENCE]);
    validation.set_issuer(&[tokens::ISSUER]);
    validation.validate_nbf = true;
    let decoder = LocalDecoder::builder()
        .keys(vec![DecodingKey::from_secret(tokens::SECRET.as_bytes())])
        .validation(validation)
        .build()
        .unwrap();
    let router = Router::new()
        .route("/me", get(async |_: axum_jwt_auth::Claims<Claims>| "ok"))
        .with_state(App {
            decoder: Arc::new(decoder),
        });
    let token = bearer(&tokens::hs256(tokens::SUBJECT));
    vec![requests::row(
        "axum-jwt-auth",
        router,
        token,
        StatusCode::OK,
    )]
}
