//! `tower-http`: one static token, compared with `==`.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tower_http::validate_request::ValidateRequestHeaderLayer;

use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;

pub(crate) fn rows() -> Vec<Row> {
    let token = tokens::hs256(tokens::SUBJECT);
    #[expect(
        deprecated,
        reason = "deprecated as too basic; it is the lower bound of the cost"
    )]
    let layer = ValidateRequestHeaderLayer::bearer(&token);
    let router = Router::new().route("/me", get(async || "ok")).layer(layer);
    vec![requests::row(
        "tower-http static bearer",
        router,
        bearer(&token),
        StatusCode::OK,
    )]
}
