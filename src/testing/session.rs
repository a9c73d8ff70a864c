//! Users, tokens and log-ins of a test.

use std::collections::HashMap;
use std::task::{Context, Poll};
use std::time::SystemTime;

use async_trait::async_trait;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use tower_layer::Layer;
use tower_service::Service;

use crate::error::BoxError;
use crate::layer::{AuthLayer, AuthService};
use crate::secret::Secret;
use crate::token::{Claims, TokenIssuer, TokenVerifier};
use crate::user::{AuthUser, UserLoader, UserStatus};

/// A token for `subject` that [`verifier`] accepts.
pub fn token(subject: &str) -> String {
    issuer().issue(subject).expect("a subject for a token")
}

/// The issuer of [`token`], to put more into one.
pub fn issuer() -> TokenIssuer {
    TokenIssuer::hs256(&Secret::for_tests())
}

/// A verifier of [`token`]s.
pub fn verifier() -> TokenVerifier {
    TokenVerifier::hs256(&Secret::for_tests())
}

/// A layer under which every request without a credential comes from `user`.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use tower_warder::{CurrentUser, testing::{self, TestUser}};
/// async fn me(user: CurrentUser<TestUser>) -> String {
///     user.name.clone()
/// }
///
/// let app: Router = Router::new()
///     .route("/me", get(me))
///     .layer(testing::logged_in(TestUser::approved("jane")));
/// ```
pub fn logged_in<U: AuthUser + Clone>(user: U) -> LoggedInLayer<U> {
    let mut authorization = issuer()
        .token(SUBJECT)
        .generation(user.token_generation().unwrap_or_default())
        .issue()
        .ok()
        .and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok())
        .expect("a token for the test's user");
    authorization.set_sensitive(true);
    LoggedInLayer {
        layer: AuthLayer::new(verifier(), Users::new([(SUBJECT, user)])),
        authorization,
    }
}

/// A user for tests that need no particular one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestUser {
    /// What the test calls the user.
    pub name: String,
    /// The account's status.
    pub status: UserStatus,
    /// Whether the user is an admin.
    pub is_admin: bool,
    /// Which tokens are alive.
    pub token_generation: u64,
    /// Since when tokens are good: see [`AuthUser::tokens_valid_since`].
    pub tokens_valid_since: Option<SystemTime>,
}

impl TestUser {
    /// An approved user who is not an admin.
    pub fn approved(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            status: UserStatus::Approved,
            is_admin: false,
            token_generation: 0,
            tokens_valid_since: None,
        }
    }

    /// An approved admin.
    pub fn admin(name: &str) -> Self {
        Self {
            is_admin: true,
            ..Self::approved(name)
        }
    }
}

impl AuthUser for TestUser {
    fn status(&self) -> UserStatus {
        self.status
    }

    fn is_admin(&self) -> bool {
        self.is_admin
    }

    fn token_generation(&self) -> Option<u64> {
        Some(self.token_generation)
    }

    fn tokens_valid_since(&self) -> Option<SystemTime> {
        self.tokens_valid_since
    }
}

/// A loader from a list.
#[derive(Clone, Debug)]
pub struct Users<U>(HashMap<String, U>);

impl<U> Users<U> {
    /// Finds each user by its subject.
    pub fn new<S: Into<String>>(users: impl IntoIterator<Item = (S, U)>) -> Self {
        let users = users.into_iter();
        Self(
            users
                .map(|(subject, user)| (subject.into(), user))
                .collect(),
        )
    }
}

#[async_trait]
impl<U: Clone + Send + Sync + 'static> UserLoader for Users<U> {
    type User = U;

    async fn load_user(&self, claims: &Claims) -> Result<Option<U>, BoxError> {
        Ok(self.0.get(claims.subject()).cloned())
    }
}

/// See [`logged_in`].
#[derive(Clone, Debug)]
#[must_use]
pub struct LoggedInLayer<U> {
    layer: AuthLayer<U>,
    authorization: HeaderValue,
}

impl<S, U> Layer<S> for LoggedInLayer<U> {
    type Service = LoggedIn<AuthService<S, U>>;

    fn layer(&self, inner: S) -> Self::Service {
        LoggedIn {
            inner: self.layer.layer(inner),
            authorization: self.authorization.clone(),
        }
    }
}

/// The service that [`LoggedInLayer`] makes.
#[derive(Clone, Debug)]
#[must_use]
pub struct LoggedIn<S> {
    inner: S,
    authorization: HeaderValue,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for LoggedIn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request
            .headers_mut()
            .entry(AUTHORIZATION)
            .or_insert_with(|| self.authorization.clone());
        self.inner.call(request)
    }
}

const SUBJECT: &str = "test-user";
