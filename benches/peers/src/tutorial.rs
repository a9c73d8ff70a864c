//! The middleware that tutorials show: `from_fn_with_state` around `jsonwebtoken::decode`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use crate::jsonwebtoken_decode::{Claims, asymmetric_keys, hs256_key, validation};
use crate::support::requests::{self, bearer};
use crate::support::row::Row;
use crate::support::tokens;
use crate::support::users::{User, Users};

pub(crate) fn rows() -> Vec<Row> {
    let token = bearer(&tokens::hs256(tokens::SUBJECT));
    let bad = bearer(&tokens::bad_signature());
    let tuned = from_fn_with_state(tuned_state(Algorithm::HS256, hs256_key()), tuned);
    vec![
        requests::row(
            "tutorial, typical",
            around(router()),
            token.clone(),
            StatusCode::OK,
        ),
        requests::row(
            "tutorial, tuned",
            router().layer(tuned.clone()),
            token,
            StatusCode::OK,
        ),
        requests::row(
            "tutorial, tuned, bad signature",
            router().layer(tuned),
            bad,
            StatusCode::UNAUTHORIZED,
        ),
    ]
}

pub(crate) fn asymmetric() -> Vec<Row> {
    let rows = asymmetric_keys().into_iter();
    rows.map(|(algorithm, key, token)| {
        let name = format!("tutorial, tuned, {algorithm:?}");
        let tuned = from_fn_with_state(tuned_state(algorithm, key), tuned);
        requests::row(&name, router().layer(tuned), bearer(&token), StatusCode::OK)
    })
    .collect()
}

/// Puts the middleware of a tutorial around a router.
pub fn around(router: Router) -> Router {
    router.layer(from_fn_with_state(Arc::new(Users::ten_thousand()), typical))
}

fn router() -> Router {
    Router::new().route("/me", get(async |_: Extension<User>| "ok"))
}

/// Builds key and validation for every request, as in the tutorials.
async fn typical(
    State(users): State<Arc<Users>>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let (key, validation) = (hs256_key(), validation(Algorithm::HS256));
    admit(&users, &key, &validation, request, next).await
}

struct Tuned {
    users: Users,
    key: DecodingKey,
    validation: Validation,
}

fn tuned_state(algorithm: Algorithm, key: DecodingKey) -> Arc<Tuned> {
    Arc::new(Tuned {
        users: Users::ten_thousand(),
        key,
        validation: validation(algorithm),
    })
}

/// Builds key and validation once.
async fn tuned(
    State(state): State<Arc<Tuned>>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    admit(&state.users, &state.key, &state.validation, request, next).await
}

async fn admit(
    users: &Users,
    key: &DecodingKey,
    validation: &Validation,
    mut request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let header = request.headers().get(header::AUTHORIZATION);
    let token = header
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let token = jsonwebtoken::decode::<Claims>(token, key, validation)
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    let user = users.get(&token.claims.sub).cloned();
    let user = user.ok_or(StatusCode::UNAUTHORIZED)?;
    if !user.active {
        return Err(StatusCode::FORBIDDEN);
    }
    request.extensions_mut().insert(user);
    Ok(next.run(request).await)
}
