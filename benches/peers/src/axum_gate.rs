//! `axum-gate`: the token contains the whole account, so no user is looked up.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use axum_gate::accounts::Account;
use axum_gate::codecs::Codec;
use axum_gate::prelude::{
    AccessPolicy, Gate, Group, JsonWebToken, JsonWebTokenOptions, JwtClaims, RegisteredClaims, Role,
};
use jsonwebtoken10::{DecodingKey, EncodingKey};

use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;

type Token = JwtClaims<Account<Role, Group>>;

pub(crate) fn rows() -> Vec<Row> {
    let codec = Arc::new(JsonWebToken::<Token>::new_with_options(
        JsonWebTokenOptions {
            enc_key: EncodingKey::from_secret(tokens::SECRET.as_bytes()),
            dec_key: DecodingKey::from_secret(tokens::SECRET.as_bytes()),
            header: None,
            validation: None,
        },
    ));
    let account = Account::new(tokens::SUBJECT, &[Role::User], &[Group::new("staff")]);
    let claims = RegisteredClaims::new(tokens::ISSUER, 4_102_444_800);
    let token = codec.encode(&JwtClaims::new(account, claims)).unwrap();
    let token = bearer(&String::from_utf8(token).unwrap());

    let gate = Gate::bearer::<JsonWebToken<Token>, Role, Group>(tokens::ISSUER, codec)
        .with_policy(AccessPolicy::require_role(Role::User));
    let router = Router::new()
        .route("/me", get(async |_: Extension<Account<Role, Group>>| "ok"))
        .layer(gate);
    vec![requests::row("axum-gate", router, token, StatusCode::OK)]
}
