//! Layer that attaches an [`Identity`] to each request.
//!
//! [`AuthLayer`] authenticates. It rejects nothing: that is done by a
//! [`RequireLayer`](crate::RequireLayer) or by extractors inside of it.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::cache::UserCache;
use crate::credentials::CredentialSource;
use crate::error::{BoxError, Challenges, ConfigError};
use crate::identity::{Config, Identity, Timeout};
use crate::jwt::{Claims, Verifier};
use crate::stream_ticket::StreamTickets;
use crate::user::{AuthUser, UserLoader};

/// Layer that attaches an [`Identity`] to each request.
///
/// The layer reads the credential and leaves the rest to the routes inside of it. Verification and
/// loading are lazy: the token is verified and the user loaded when a guard or an extractor first
/// needs them, once per request. The layer itself never rejects a request.
///
/// **A route without a guard or an extractor is public.** Protect routes with
/// [`RequireLayer`](crate::RequireLayer) in any tower stack, or in axum with an extractor such as
/// [`CurrentUser`](crate::CurrentUser). Public routes do not call the user store, and keep working
/// when it is down.
///
/// ```
/// use std::time::Duration;
///
/// use tower_warder::{AuthLayer, HmacSecret, JwtVerifier};
/// # use tower_warder::{testing, UserLoader};
///
/// # fn example(users: impl UserLoader<User = testing::TestUser>) {
/// let secret = HmacSecret::generate();
/// let layer = AuthLayer::new(JwtVerifier::hs256(&secret), users)
///     .timeout(Duration::from_secs(5));
/// # }
/// ```
///
/// # Several user types
///
/// If two layers are nested, the inner one applies, whatever their user types are. For a route that
/// serves two kinds of users, use one enum as the user type and let the loader choose the variant by
/// a claim, such as the issuer:
///
/// ```
/// use tower_warder::jwt::Verifier;
/// use tower_warder::{AuthLayer, AuthUser, Claims, RequireLayer, UserStatus};
/// # struct Customer { active: bool }
/// # async fn customer(_: &str) -> Result<Option<Customer>, std::io::Error> { Ok(None) }
/// # struct Employee { left: bool }
/// # async fn employee(_: &str) -> Result<Option<Employee>, std::io::Error> { Ok(None) }
///
/// enum User {
///     Customer(Customer),
///     Employee(Employee),
/// }
///
/// impl AuthUser for User {
///     fn status(&self) -> UserStatus {
///         match self {
///             Self::Customer(Customer { active: true }) => UserStatus::Approved,
///             Self::Employee(Employee { left: false }) => UserStatus::Approved,
///             _ => UserStatus::Disabled,
///         }
///     }
/// }
///
/// // A verifier that accepts both issuers, for example a `MultiIssuerVerifier`.
/// fn layer(verifier: impl Verifier) -> AuthLayer<User> {
///     AuthLayer::new(verifier, |claims: Claims| async move {
///         Ok(match claims.issuer() {
///             Some("https://shop.example") => customer(claims.subject()).await?.map(User::Customer),
///             Some("https://staff.example") => employee(claims.subject()).await?.map(User::Employee),
///             _ => None,
///         })
///     })
/// }
///
/// let employees = RequireLayer::<User>::from_fn(|user, _| matches!(user, User::Employee(_)));
/// ```
#[doc(alias = "middleware")]
#[must_use]
pub struct AuthLayer<U> {
    anonymous: Identity<U>,
}

impl<U> AuthLayer<U> {
    /// Creates a layer that verifies credentials with `verifier` and loads users with `loader`.
    pub fn new(verifier: impl Verifier, loader: impl UserLoader<User = U>) -> Self {
        Self::from_config(Config::new(verifier, loader))
    }

    /// Sets where credentials are read. Defaults to the `Authorization` header only.
    pub fn credentials(self, source: CredentialSource) -> Self {
        self.configure(|config| config.source = source)
    }

    /// Looks users up in this cache before it calls the loader. Defaults to no cache: the user is
    /// loaded on each request.
    pub fn user_cache(self, cache: UserCache<U>) -> Self {
        self.configure(|config| config.cache = Some(cache))
    }

    /// Accepts these tickets in place of a token on the paths that the
    /// [credential source](CredentialSource::with_query_token) lists, and enables
    /// [`Identity::issue_stream_ticket`](crate::Identity::issue_stream_ticket). Defaults to none.
    pub fn stream_tickets(self, tickets: StreamTickets) -> Self {
        self.configure(|config| config.tickets = Some(tickets))
    }

    /// Limits the time that a request waits for its user. After it, the request is rejected with 503.
    /// Defaults to no limit.
    ///
    /// The limit covers the whole wait, including an asynchronous verifier and another task of the
    /// same request. Without it, a store that hangs blocks its requests, and a task that waits and
    /// is never polled again blocks the other tasks of its request.
    ///
    /// Requests have to be served on a tokio runtime with a timer. For another runtime use
    /// [`timeout_with`](Self::timeout_with).
    #[cfg(feature = "tokio")]
    pub fn timeout(self, after: Duration) -> Self {
        self.timeout_with(after, tokio::time::sleep)
    }

    /// As `timeout`, by the `sleep` of another runtime. With tokio, `.timeout(after)` is
    /// `.timeout_with(after, tokio::time::sleep)`.
    pub fn timeout_with<F>(
        self,
        after: Duration,
        sleep: impl Fn(Duration) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let sleep = Arc::new(move |after| sleep(after).boxed());
        self.configure(|config| config.timeout = Some(Timeout { after, sleep }))
    }

    /// Sets the `realm` of the `WWW-Authenticate` challenges (RFC 9110, section 11.5). Defaults to
    /// `api`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidRealm`] unless it is visible ASCII and spaces, without quotes and
    /// backslashes.
    pub fn realm(self, realm: &str) -> Result<Self, ConfigError> {
        let challenges = Arc::new(Challenges::new(realm)?);
        Ok(self.configure(|config| config.challenges = Some(challenges)))
    }

    /// Sets whether the response to a valid token says that its account is pending or disabled
    /// (403), or looks like the one to an invalid token (401). Defaults to `false`: 401.
    pub fn disclose_account_status(self, disclose: bool) -> Self {
        self.configure(|config| config.disclose_account_status = disclose)
    }

    /// Sets whether this service is gRPC. If `true`, a POST with the content type of gRPC or gRPC-Web
    /// is answered with a `grpc-status`, over HTTP/1.1, too. Defaults to `false`: only gRPC over
    /// HTTP/2 is.
    ///
    /// Such a response has the HTTP status 200, also for a rejected request. Leave it off where a
    /// proxy decides by the HTTP status of this service whether to forward a request (forward
    /// authentication).
    pub fn grpc(self, grpc: bool) -> Self {
        self.configure(|config| config.grpc = grpc)
    }

    /// Sets whether the layer verifies each token at once and inserts the [`Claims`] into the request
    /// extensions, for plain tower services and `Extension<Claims>`. Defaults to `false`: tokens are
    /// verified only on routes that need it.
    ///
    /// Still nothing is rejected. The extensions have no claims if the credential is missing or
    /// invalid, or if its verification has to wait, for example for a key server. A handler that
    /// relies on them needs a guard. The status of the account is not checked.
    pub fn insert_claims(self, insert: bool) -> Self {
        self.configure(|config| config.insert_claims = insert)
    }

    /// Changes a copy: a layer that was cloned or applied before keeps its configuration.
    fn configure(self, change: impl FnOnce(&mut Config<U>)) -> Self {
        let mut config = self.anonymous.config().clone();
        change(&mut config);
        Self::from_config(config)
    }

    fn from_config(config: Config<U>) -> Self {
        Self {
            anonymous: Identity::anonymous(config),
        }
    }
}

impl AuthLayer<Claims> {
    /// Creates a layer for a service that has no user accounts, for example one whose tokens come from
    /// an external issuer. The user is the [`Claims`] of a valid token.
    ///
    /// `CurrentUser<Claims>`, `RequireLayer::<Claims>`, [`Scope`](crate::policy::Scope) and every other
    /// policy except [`Admin`](crate::policy::Admin) work as with a user type. No account status is
    /// checked: a token stays valid until it expires. Use lifetimes of minutes, or wrap the verifier
    /// in a [`DenyListVerifier`](crate::jwt::DenyListVerifier).
    ///
    /// ```
    /// use tower_warder::policy::Scope;
    /// use tower_warder::{AuthLayer, Claims, JwtVerifier, RequireLayer};
    ///
    /// # fn example(verifier: JwtVerifier) -> Result<(), tower_warder::error::ConfigError> {
    /// let auth = AuthLayer::claims_only(verifier.issuer("https://login.example").audience("orders"));
    /// let guard = RequireLayer::<Claims>::new(Scope::new("orders:read")?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn claims_only(verifier: impl Verifier) -> Self {
        let mut config = Config::new(verifier, FromClaims);
        config.from_claims = Some(Claims::clone);
        Self::from_config(config)
    }
}

/// Loader of a layer without user accounts.
struct FromClaims;

#[async_trait]
impl UserLoader for FromClaims {
    type User = Claims;

    async fn load_user(&self, claims: &Claims) -> Result<Option<Claims>, BoxError> {
        Ok(Some(claims.clone()))
    }

    // Two tokens of one subject have different claims, and so are two users.
    fn cache_key<'a>(&self, _: &'a Claims) -> Option<Cow<'a, str>> {
        None
    }
}

impl<S, U> Layer<S> for AuthLayer<U> {
    type Service = AuthService<S, U>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService {
            inner,
            anonymous: self.anonymous.for_service(),
        }
    }
}

impl<U> Clone for AuthLayer<U> {
    fn clone(&self) -> Self {
        Self {
            anonymous: self.anonymous.clone(),
        }
    }
}

impl_debug! { self: [U] AuthLayer<U>, source = self.anonymous.config().source }

/// Service that [`AuthLayer`] wraps around another one.
#[must_use]
pub struct AuthService<S, U> {
    inner: S,
    anonymous: Identity<U>,
}

impl<S, U, B> Service<Request<B>> for AuthService<S, U>
where
    S: Service<Request<B>>,
    U: AuthUser,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let identity = self.anonymous.for_request(&mut request);
        let claims = match self.anonymous.config().insert_claims {
            true => identity.try_claims(),
            false => None,
        };
        identity.insert_into(request.extensions_mut());
        if let Some(Ok(claims)) = claims {
            request.extensions_mut().insert(claims);
        }
        self.inner.call(request)
    }
}

impl<S: Clone, U> Clone for AuthService<S, U> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            anonymous: self.anonymous.clone(),
        }
    }
}

impl_debug! { self: [S: fmt::Debug, U] AuthService<S, U>, inner = self.inner }
