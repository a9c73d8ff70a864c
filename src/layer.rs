//! Layer that attaches an unresolved identity to each request.

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

/// Lets every handler below know who sends the request.
///
/// It never rejects, loads or waits, and verifies only where it is told to
/// ([`insert_claims`](Self::insert_claims)): public routes cost nothing and do not fall with the
/// database. The doors do that: [`CurrentUser`](crate::CurrentUser) and its kin in axum,
/// [`RequireLayer`](crate::RequireLayer) in any tower stack. A route that asks nobody is public.
///
/// ```
/// # use std::time::Duration;
/// # use tower_warder::{testing, AuthLayer, HmacSecret, JwtVerifier};
/// # fn example(users: impl tower_warder::UserLoader<User = testing::TestUser>) {
/// let secret = HmacSecret::generate();
/// let layer = AuthLayer::new(JwtVerifier::hs256(&secret), users)
///     .timeout_with(Duration::from_secs(5), tokio::time::sleep);
/// # }
/// ```
///
/// # Several kinds of users
///
/// Of two layers above each other the inner one decides, whatever their user types are. Where one
/// route serves two kinds of users, one enum is the user, and the loader decides by what tells the
/// tokens apart, such as the issuer:
///
/// ```
/// use tower_warder::{AuthLayer, AuthUser, Claims, RequireLayer, UserStatus};
/// use tower_warder::jwt::Verifier;
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
/// // The verifier accepts both issuers, for example a `MultiIssuerVerifier`.
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
#[must_use]
pub struct AuthLayer<U> {
    anonymous: Identity<U>,
}

impl<U> AuthLayer<U> {
    /// Credentials are judged by `verifier`, users found by `loader`.
    pub fn new(verifier: impl Verifier, loader: impl UserLoader<User = U>) -> Self {
        Self::from_config(Config::new(verifier, loader))
    }

    /// Where to look for the credential. Defaults to the `Authorization` header only.
    pub fn credentials(self, source: CredentialSource) -> Self {
        self.configure(|config| config.source = source)
    }

    /// Looks for users here before it asks the loader. Defaults to no cache: every request asks.
    pub fn user_cache(self, cache: UserCache<U>) -> Self {
        self.configure(|config| config.cache = Some(cache))
    }

    /// Takes these tickets where the source reads listed paths, and lets
    /// [`Identity::issue_stream_ticket`](crate::Identity::issue_stream_ticket) issue them. Defaults
    /// to none.
    pub fn stream_tickets(self, tickets: StreamTickets) -> Self {
        self.configure(|config| config.tickets = Some(tickets))
    }

    /// How long a request may wait for its user, by the runtime's own `sleep`: with tokio,
    /// `.timeout_with(Duration::from_secs(5), tokio::time::sleep)`. Then it is answered 503.
    ///
    /// Bounds the whole wait, also for a verifier that has to ask somebody and for another task of
    /// the same request. Without it there is no bound: a store that hangs hangs its requests, and
    /// a task that waits and is never polled again holds up the others of its request.
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

    /// The protection space that the challenges name (RFC 9110, section 11.5). Defaults to `api`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidRealm`] unless it is visible ASCII and blanks, without quotes and
    /// backslashes.
    pub fn realm(self, realm: &str) -> Result<Self, ConfigError> {
        let challenges = Arc::new(Challenges::new(realm)?);
        Ok(self.configure(|config| config.challenges = Some(challenges)))
    }

    /// Whether the owner of a valid token is told that the account is pending or disabled (403),
    /// or nothing (401). Defaults to nothing.
    pub fn disclose_account_status(self, disclose: bool) -> Self {
        self.configure(|config| config.disclose_account_status = disclose)
    }

    /// Whether this service is gRPC: then a POST with the content type of gRPC or gRPC-Web is
    /// answered with a `grpc-status`, over HTTP/1.1, too. Defaults to no: then only gRPC over
    /// HTTP/2 is.
    ///
    /// Such an answer has the status 200, whatever is refused. Leave it off where a proxy asks this
    /// service by the HTTP status whether it may pass a request on.
    pub fn grpc(self, grpc: bool) -> Self {
        self.configure(|config| config.grpc = grpc)
    }

    /// Whether the layer verifies each token itself and puts the [`Claims`] into the request
    /// extensions, for plain tower services and `Extension<Claims>`. Defaults to no: then only those
    /// routes pay for a verification that ask for it.
    ///
    /// It rejects nothing. There are no claims in the extensions of a request without a credential
    /// or with an invalid one, and none where a key server would have to be asked first: a handler
    /// that needs them has a guard. The status of the account is not known to it.
    pub fn insert_claims(self, insert: bool) -> Self {
        self.configure(|config| config.insert_claims = insert)
    }

    /// A layer that was cloned or applied before keeps what it had.
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
    /// A layer for a service without users of its own, such as one behind somebody else's issuer:
    /// the user is the [`Claims`] of a valid token.
    ///
    /// `CurrentUser<Claims>`, `RequireLayer::<Claims>`, [`Scope`](crate::policy::Scope) and every other
    /// policy but [`Admin`](crate::policy::Admin) work as with a user type. A valid token stays valid until
    /// it expires: nobody is asked for the status of an account. Let tokens live for minutes, or put
    /// a [`DenyListVerifier`](crate::jwt::DenyListVerifier) around the verifier.
    ///
    /// ```
    /// # use tower_warder::{AuthLayer, Claims, JwtVerifier, RequireLayer};
    /// # use tower_warder::policy::Scope;
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

/// The loader of a layer without users.
struct FromClaims;

#[async_trait]
impl UserLoader for FromClaims {
    type User = Claims;

    async fn load_user(&self, claims: &Claims) -> Result<Option<Claims>, BoxError> {
        Ok(Some(claims.clone()))
    }

    // Two tokens of one subject are two users here.
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

impl<U> fmt::Debug for AuthLayer<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("source", &self.anonymous.config().source)
            .finish_non_exhaustive()
    }
}

/// The service that [`AuthLayer`] makes.
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
            true => identity.valid_claims(),
            false => None,
        };
        identity.insert_into(request.extensions_mut());
        if let Some(claims) = claims {
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

impl<S: fmt::Debug, U> fmt::Debug for AuthService<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
