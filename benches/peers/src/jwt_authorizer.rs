//! `jwt-authorizer`: claims as layer and extractor, no user; for axum 0.7.

use axum::http::StatusCode;
use axum07::Router;
use axum07::routing::get;
use futures_util::FutureExt;
use jwt_authorizer::{IntoLayer, JwtAuthorizer, JwtClaims, Validation};

use crate::jsonwebtoken_decode::Claims;
use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::{keys, tokens};

pub(crate) fn rows() -> Vec<Row> {
    let builder = || JwtAuthorizer::from_secret(tokens::SECRET);
    let token = bearer(&tokens::hs256(tokens::SUBJECT));
    let bad = bearer(&tokens::bad_signature());
    vec![
        requests::row("jwt-authorizer", router(builder()), token, StatusCode::OK),
        requests::row(
            "jwt-authorizer, bad signature",
            router(builder()),
            bad,
            StatusCode::UNAUTHORIZED,
        ),
    ]
}

pub(crate) fn asymmetric() -> Vec<Row> {
    use tower_warder::keys::Algorithm::{ES256, EdDSA, RS256};
    let builders = [
        (ES256, JwtAuthorizer::from_ec_pem_text(keys::P256_PUBLIC)),
        (RS256, JwtAuthorizer::from_rsa_pem_text(keys::RSA_PUBLIC)),
        (EdDSA, JwtAuthorizer::from_ed_pem_text(keys::ED25519_PUBLIC)),
    ];
    let rows = builders.map(|(algorithm, builder)| {
        let name = format!("jwt-authorizer, {}", algorithm.as_str());
        let token = bearer(&tokens::signed(algorithm));
        requests::row(&name, router(builder), token, StatusCode::OK)
    });
    rows.into()
}

fn router(builder: JwtAuthorizer<Claims>) -> Router {
    let validation = Validation::new()
        .aud(&[tokens::AUDIENCE])
        .iss(&[tokens::ISSUER])
        .nbf(true);
    let authorizer = builder.validation(validation).build();
    let authorizer = authorizer
        .now_or_never()
        .expect("nothing to fetch")
        .unwrap();
    Router::new()
        .route("/me", get(async |_: JwtClaims<Claims>| "ok"))
        .layer(authorizer.into_layer())
}
