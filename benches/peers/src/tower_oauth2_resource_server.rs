//! `tower-oauth2-resource-server`: claims as a layer, no user; keys from a JSON Web Key Set.

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::FutureExt;
use jsonwebtoken::Header;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use tower_oauth2_resource_server::server::OAuth2ResourceServer;
use tower_oauth2_resource_server::tenant::TenantConfiguration;
use tower_oauth2_resource_server::validation::ClaimsValidationSpec;
use tower_warder::keys::Algorithm;

use crate::jsonwebtoken_decode::Claims;
use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;

pub(crate) fn rows() -> Vec<Row> {
    vec![row("tower-oauth2-resource-server", Algorithm::HS256)]
}

pub(crate) fn asymmetric() -> Vec<Row> {
    let algorithms = [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA];
    let rows = algorithms.map(|algorithm| {
        let name = format!("tower-oauth2-resource-server, {}", algorithm.as_str());
        row(&name, algorithm)
    });
    rows.into()
}

fn row(name: &str, algorithm: Algorithm) -> Row {
    let (algorithm, key) = tokens::signing_key(algorithm);
    let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
    jwk.common.key_id = Some(KEY_ID.to_owned());
    let keys = serde_json::to_string(&JwkSet { keys: vec![jwk] }).unwrap();
    let audiences = vec![tokens::AUDIENCE.to_owned()];
    let tenant = TenantConfiguration::static_builder(keys)
        .claims_validation(ClaimsValidationSpec::recommended(
            tokens::ISSUER,
            &audiences,
        ))
        // HMAC has to be allowed explicitly.
        .allowed_algorithms(&[algorithm])
        .build()
        .unwrap();
    let server = OAuth2ResourceServer::<Claims>::builder().add_tenant(tenant);
    let server = server.build().now_or_never().expect("nothing to fetch");
    let router = Router::new()
        .route("/me", get(async |_: Extension<Claims>| "ok"))
        .layer(server.unwrap().into_layer());

    // A token without a key id is rejected.
    let mut header = Header::new(algorithm);
    header.kid = Some(KEY_ID.to_owned());
    let token = bearer(&tokens::with_header(&header, &key));
    requests::row(name, router, token, StatusCode::OK)
}

const KEY_ID: &str = "2026-01";
