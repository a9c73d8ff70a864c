//! Opaque tokens of an external authorization server, verified by token introspection (RFC 7662).
//!
//! Run with `cargo run --example introspection`. It includes a minimal authorization server that
//! knows one token:
//!
//! ```text
//! curl -i localhost:3000/me -H "Authorization: Bearer opaque"     # 200
//! curl -i localhost:3000/me -H "Authorization: Bearer other"      # 401; if that server is down, 503
//! ```
//!
//! Every request calls the server, so revoking a token there takes effect on the next request. If you
//! cache responses, do so for seconds only, by the digest of the token and not beyond `exp`.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use futures_util::FutureExt;
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use tower_warder::clock::Clock;
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::{AuthError, AuthLayer, BoxError, Claims, CurrentUser};

pub(crate) struct Introspection {
    client: reqwest::Client,
    endpoint: Url,
}

impl Introspection {
    /// Allows plain HTTP only for tests on this machine.
    pub(crate) fn at(endpoint: &str) -> Result<Self, BoxError> {
        let endpoint = Url::parse(endpoint)?;
        let client = reqwest::Client::builder()
            .https_only(endpoint.host_str() != Some("127.0.0.1"))
            .redirect(Policy::none())
            .timeout(Duration::from_secs(2))
            .build()?;
        Ok(Self { client, endpoint })
    }

    async fn introspect(&self, token: &str) -> Result<Claims, AuthError> {
        let rejected = AuthError::new(AuthErrorKind::InvalidToken);
        let answer = match self.call(token).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(rejected.with_source("the token is not active")),
            Err(error) => return Err(AuthError::new(AuthErrorKind::Unavailable).with_source(error)),
        };
        // As strict as for a JWT: claims without `sub` or `exp` are rejected, even if active.
        let claims = Claims::from_json(answer)?.validate_times(&Clock::system(), LEEWAY)?;
        // The server is the issuer. It may omit `iss`, but must not name another one.
        if claims.issuer().is_some_and(|issuer| issuer != ISSUER) {
            return Err(rejected.with_source("the token is from another issuer"));
        }
        if !claims.audience().any(|audience| audience == AUDIENCE) {
            return Err(rejected.with_source("the token is for another audience"));
        }
        Ok(claims)
    }

    /// Returns the response if the token is active. Anything but a 200 is an error, also a redirect: the
    /// token is sent to no other address.
    async fn call(&self, token: &str) -> Result<Option<String>, BoxError> {
        let request = self.client.post(self.endpoint.clone());
        let request = request.basic_auth(CLIENT.0, Some(CLIENT.1));
        let mut response = request.form(&[("token", token)]).send().await?;
        if response.status() != StatusCode::OK {
            return Err(format!("introspection failed with status {}", response.status()).into());
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_ANSWER {
                return Err("introspection response is too large".into());
            }
        }
        // The parser's own error could quote the response.
        let answer = String::from_utf8(answer).map_err(|_| MALFORMED)?;
        let Answer { active } = serde_json::from_str(&answer).map_err(|_| MALFORMED)?;
        Ok(active.then_some(answer))
    }
}

#[derive(Deserialize)]
struct Answer {
    active: bool,
}

const MALFORMED: &str = "introspection response is malformed";
const MAX_ANSWER: usize = 64 * 1024;

/// Tolerated clock skew between that server and this one.
const LEEWAY: Duration = Duration::from_secs(30);

// In a real service these come from the configuration.
const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "https://api.example";
const CLIENT: (&str, &str) = ("api", "the secret of this client");

impl Verifier for Introspection {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        Verification::Pending(self.introspect(credential).boxed())
    }
}

async fn me(user: CurrentUser<Claims>) -> String {
    format!("Hello, {}\n", user.subject())
}

pub(crate) fn app(introspection: Introspection) -> Router {
    let auth = AuthLayer::claims_only(introspection).timeout(Duration::from_secs(5));
    Router::new()
        .route("/", get("Anybody may read this\n"))
        .route("/me", get(me))
        .layer(auth)
}

/// The external server. A real one authenticates the client.
fn authorization_server() -> Router {
    let introspect = async |form: String| match form.as_str() {
        "token=opaque" => {
            r#"{"active":true,"sub":"Jane","exp":4102444800,"aud":"https://api.example"}"#
        }
        _ => r#"{"active":false}"#,
    };
    Router::new().route("/introspect", post(introspect))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let there = tokio::net::TcpListener::bind("127.0.0.1:3001").await?;
    tokio::spawn(axum::serve(there, authorization_server()).into_future());

    let app = app(Introspection::at("http://127.0.0.1:3001/introspect")?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}
