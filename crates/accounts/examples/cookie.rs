//! Log-in with a session cookie for browsers.
//!
//! Run with `cargo run --example cookie`. Open http://localhost:3000, or use curl with a cookie jar:
//!
//! ```text
//! site=http://localhost:3000
//! curl -i $site/ -b jar                                                               # anonymous
//! curl -i $site/auth/cookie/login -c jar -d username=ada@example.com -d 'password=correct horse'
//! curl -i $site/ -b jar                                                               # ada
//! curl -i $site/note -b jar -d 'text=hello'                                           # 201
//! curl -i $site/note -b jar -d 'text=hello' -H 'Origin: https://evil.example'         # 403
//! curl -i $site/ -b session=expired                                                   # anonymous
//! curl -i $site/note -b session=expired -d 'text=hello'                               # 401, cleared
//! curl -i $site/auth/cookie/logout -b jar -c jar -X POST
//! ```

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::error::ConfigError;
use tower_warder::{AuthLayer, BoxError, CurrentUser, HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::{
    self as accounts, Accounts, Email, InMemoryAccountStore, InMemorySessionStore, Password,
    Sessions, User, UserCreate,
};

/// With `Option`, an expired or invalid cookie counts as none, so the page can show the log-in form.
async fn home(user: Option<CurrentUser<User>>) -> Html<String> {
    Html(match user {
        // No escaping needed: an `Email` contains neither `<` nor `>`.
        Some(user) => format!("<p>Hello, {}{LOGOUT}\n", user.email),
        None => format!("<p>Hello, anonymous{LOGIN}\n"),
    })
}

/// Another site can make a browser send this request with the cookie (CSRF): it is answered 403.
async fn note(CurrentUser(user): CurrentUser<User>) -> (StatusCode, String) {
    (StatusCode::CREATED, format!("noted for {}\n", user.email))
}

pub(crate) fn app(
    accounts: Accounts<InMemoryAccountStore>,
    secret: &HmacSecret,
    cookie: AuthCookie,
) -> Router {
    // The routes set this cookie and the layer reads it, so both need the same settings.
    let auth = AuthLayer::new(JwtVerifier::hs256(secret), accounts.clone())
        .credentials(CredentialSource::cookie(cookie.clone()))
        .timeout(Duration::from_secs(5));
    Router::new()
        .route("/", get(home))
        .route("/note", post(note))
        .nest("/auth", accounts::cookie_routes(accounts, cookie))
        .layer(auth)
}

/// In production, behind TLS, use `AuthCookie::new`: that cookie is sent over HTTPS only.
pub(crate) fn cookie() -> Result<AuthCookie, ConfigError> {
    AuthCookie::dangerous_without_tls("session")
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let secret = HmacSecret::generate();
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret))
        .sessions(Sessions::new(InMemorySessionStore::new()));
    let (email, password) = (
        Email::new("ada@example.com")?,
        Password::new("correct horse")?,
    );
    accounts.register(UserCreate::new(email, password)).await?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    // With the addresses of clients, by which attempts to log in are limited.
    let app = app(accounts, &secret, cookie()?).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}

const LOGIN: &str = r#"<form method="post" action="/auth/cookie/login">
<input name="username"><input name="password" type="password"><button>Log in</button></form>"#;

const LOGOUT: &str = r#"<form method="post" action="/auth/cookie/logout">
<button>Log out</button></form>"#;
