//! Users, tokens and authenticated requests of a test.

use std::collections::HashMap;
use std::fmt;
use std::task::{Context, Poll};
use std::time::SystemTime;

use async_trait::async_trait;
use http::Request;
use http::header::AUTHORIZATION;
use tower_layer::Layer;
use tower_service::Service;

use crate::credentials::CredentialSource;
use crate::error::BoxError;
use crate::identity::{Config, TestLogIn};
use crate::jwt::keys::HmacSecret;
use crate::jwt::{Claims, JwtIssuer, JwtVerifier};
use crate::layer::{AuthLayer, AuthService};
use crate::user::{AuthUser, UserLoader, UserStatus};

/// Issues a token for `subject` that [`verifier`] accepts.
pub fn token(subject: &str) -> String {
    issuer().issue(subject).expect("a subject for a token")
}

/// Returns the issuer of [`token`], for tokens with more claims.
pub fn issuer() -> JwtIssuer {
    JwtIssuer::hs256(&HmacSecret::for_tests())
}

/// Returns the verifier of [`token`]s.
pub fn verifier() -> JwtVerifier {
    JwtVerifier::hs256(&HmacSecret::for_tests())
}

/// Returns a layer that authenticates every request without a credential as `user`, even below the
/// application's own [`AuthLayer`], which needs no change.
///
/// The user has just logged in, for the policy [`RecentLogin`](crate::policy::RecentLogin). Put the
/// layer outside of that layer, for users of the same type. A request with a credential is verified by
/// the application.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use tower_warder::CurrentUser;
/// use tower_warder::testing::{self, TestUser};
///
/// async fn me(user: CurrentUser<TestUser>) -> String {
///     user.name.clone()
/// }
///
/// let app: Router = Router::new()
///     .route("/me", get(me))
///     .layer(testing::logged_in(TestUser::approved("jane")));
/// ```
pub fn logged_in<U: AuthUser + Clone>(user: U) -> LoggedInLayer<U> {
    let token = issuer()
        .token(SUBJECT)
        .generation(user.token_generation().unwrap_or_default())
        .auth_time(SystemTime::now())
        .issue()
        .expect("a token for the test's user");
    let mut request = Request::get("/")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(())
        .expect("a request with a token");
    let users = StaticUserLoader::new([(SUBJECT, user)]);
    let config = Config::new(verifier(), users.clone());
    LoggedInLayer {
        layer: AuthLayer::new(verifier(), users),
        log_in: TestLogIn::new(config, CredentialSource::header().find(&mut request)),
    }
}

/// User for tests that need no user type of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestUser {
    /// Name of the user.
    pub name: String,
    /// Status of the account.
    pub status: UserStatus,
    /// `true` if the user is an admin.
    pub is_admin: bool,
    /// `true` if the e-mail address is verified.
    pub is_email_verified: bool,
    /// Generation of valid tokens: see [`AuthUser::token_generation`].
    pub token_generation: u64,
    /// Time from which tokens are valid: see [`AuthUser::tokens_valid_since`].
    pub tokens_valid_since: Option<SystemTime>,
}

impl TestUser {
    /// Creates an approved user without the admin role.
    pub fn approved(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            status: UserStatus::Approved,
            is_admin: false,
            is_email_verified: false,
            token_generation: 0,
            tokens_valid_since: None,
        }
    }

    /// Creates an approved admin.
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

    fn is_email_verified(&self) -> bool {
        self.is_email_verified
    }

    fn token_generation(&self) -> Option<u64> {
        Some(self.token_generation)
    }

    fn tokens_valid_since(&self) -> Option<SystemTime> {
        self.tokens_valid_since
    }
}

/// Loader that finds users in a list.
#[derive(Clone, Debug)]
pub struct StaticUserLoader<U>(HashMap<String, U>);

impl<U> StaticUserLoader<U> {
    /// Creates a loader from pairs of subject and user.
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
impl<U: Clone + Send + Sync + 'static> UserLoader for StaticUserLoader<U> {
    type User = U;

    async fn load_user(&self, claims: &Claims) -> Result<Option<U>, BoxError> {
        Ok(self.0.get(claims.subject()).cloned())
    }
}

/// Layer that authenticates requests as a given user: see [`logged_in`].
#[derive(Clone)]
#[must_use]
pub struct LoggedInLayer<U> {
    layer: AuthLayer<U>,
    log_in: TestLogIn,
}

impl<S, U> Layer<S> for LoggedInLayer<U> {
    type Service = LoggedIn<AuthService<S, U>>;

    fn layer(&self, inner: S) -> Self::Service {
        LoggedIn {
            inner: self.layer.layer(inner),
            log_in: self.log_in.clone(),
        }
    }
}

impl_debug! { self: [U] LoggedInLayer<U> }

/// Service of [`LoggedInLayer`].
#[derive(Clone)]
#[must_use]
pub struct LoggedIn<S> {
    inner: S,
    log_in: TestLogIn,
}

impl_debug! { self: [S: fmt::Debug] LoggedIn<S>, inner = self.inner }

impl<S: Service<Request<B>>, B> Service<Request<B>> for LoggedIn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.log_in.clone());
        self.inner.call(request)
    }
}

const SUBJECT: &str = "test-user";
