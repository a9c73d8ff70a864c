//! No authentication, and a layer that does nothing: the baseline of the others.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tower::layer::util::Identity as EmptyLayer;

use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;

pub(crate) fn rows() -> Vec<Row> {
    let token = bearer(&tokens::hs256(tokens::SUBJECT));
    let old = axum07::Router::new().route("/me", axum07::routing::get(async || "ok"));
    vec![
        requests::row("no auth", router(), token.clone(), StatusCode::OK),
        requests::row(
            "empty layer",
            router().layer(EmptyLayer::new()),
            token.clone(),
            StatusCode::OK,
        ),
        requests::row("no auth, axum 0.7", old, token, StatusCode::OK),
    ]
}

fn router() -> Router {
    Router::new().route("/me", get(async || "ok"))
}
