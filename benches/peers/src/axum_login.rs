//! `axum-login`: a session cookie instead of a token, sessions and users in memory.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend};
use time::Duration;
use tower_sessions::{Expiry, MemoryStore, SessionManagerLayer};

use crate::support::requests;
use crate::support::row::Row;
use crate::support::tokens::SUBJECT;
use crate::support::users::{User, Users};

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.email.clone()
    }

    /// The shortest reasonable value; a password hash in PHC format has about 100 bytes.
    fn session_auth_hash(&self) -> &[u8] {
        &[7; 32]
    }
}

#[derive(Clone)]
struct Backend(Arc<Users>);

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = String;
    type Error = Infallible;

    async fn authenticate(&self, email: String) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(&email).cloned())
    }

    async fn get_user(&self, email: &String) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(email).cloned())
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(1)));
    let layer =
        AuthManagerLayerBuilder::new(Backend(Arc::new(Users::ten_thousand())), sessions).build();
    let login = Router::new().route("/me", get(log_in)).layer(layer.clone());
    let router = Router::new().route("/me", get(me)).layer(layer);

    let answer = requests::send(&login, &None);
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    let (cookie, _) = cookie.split_once(';').unwrap();
    let credential = Some((header::COOKIE, HeaderValue::try_from(cookie).unwrap()));
    vec![requests::row(
        "axum-login, MemoryStore",
        router,
        credential,
        StatusCode::OK,
    )]
}

async fn log_in(mut session: AuthSession<Backend>) {
    let user = session.authenticate(SUBJECT.to_owned()).await.unwrap();
    session.login(&user.unwrap()).await.unwrap();
}

async fn me(session: AuthSession<Backend>) -> Response {
    match session.user {
        Some(_) => "ok".into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
