//! Layer that rejects unauthorized requests, for any tower stack.
//!
//! [`RequireLayer`] authorizes requests by a [`Policy`], before the inner service is called.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::{BoxFuture, FutureExt};
use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::error::AuthError;
use crate::identity::{Identity, Place};
use crate::jwt::Claims;
use crate::policy::{Approved, Decision, Policy};
use crate::response::{self, MakeErrorResponse, ProblemJson};
use crate::user::{AuthUser, CurrentUser};

/// Layer that rejects requests that do not satisfy a [`Policy`].
///
/// It protects a service or a whole sub-router, and needs an [`AuthLayer`](crate::AuthLayer) outside
/// of it. Only approved users are authorized, whatever the policy is. For authorized requests it
/// inserts the [`CurrentUser<U>`](crate::CurrentUser) and the [`Claims`] into the request extensions.
///
/// ```
/// use tower_warder::RequireLayer;
/// use tower_warder::policy::{Admin, Scope};
/// # use tower_warder::testing::TestUser as User;
///
/// let approved = RequireLayer::<User>::approved();
/// let admins = RequireLayer::<User>::new(Admin);
/// let readers = RequireLayer::<User>::new(Scope::new("orders:read")?);
/// let early = RequireLayer::<User>::from_fn(|_, claims| claims.subject() < "100");
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
///
/// The response to a rejected request is [`ProblemJson`], or a `grpc-status` if the request is gRPC;
/// [`on_rejection`](Self::on_rejection) replaces it. In a tonic server, apply the layer to one
/// service with `tonic::service::LayerExt::named_layer`.
///
/// # CORS preflights
///
/// A CORS preflight has no credential and is rejected like any other request without one: an
/// `OPTIONS` request could also run a handler. Put `tower-http`'s `CorsLayer` outside of this layer,
/// where it answers preflights: see [CORS](crate::docs::cors).
#[doc(alias = "guard")]
#[doc(alias = "middleware")]
#[doc(alias = "role")]
#[doc(alias = "rbac")]
#[must_use]
pub struct RequireLayer<U, P = Approved, R = ProblemJson> {
    policy: Arc<P>,
    rejection: Arc<R>,
    user: PhantomData<fn() -> U>,
}

impl<U> RequireLayer<U> {
    /// Creates a layer that authorizes every approved user.
    pub fn approved() -> Self {
        Self::new(Approved)
    }

    /// Creates a layer that authorizes approved users that `policy` allows.
    pub fn new<P: Policy<U>>(policy: P) -> RequireLayer<U, P> {
        RequireLayer {
            policy: Arc::new(policy),
            rejection: Arc::new(ProblemJson),
            user: PhantomData,
        }
    }

    /// Creates a layer that authorizes approved users for which the closure returns `true` or `Ok(())`.
    pub fn from_fn<F, D>(policy: F) -> RequireLayer<U, F>
    where
        F: Fn(&U, &Claims) -> D + Send + Sync + 'static,
        D: Decision,
    {
        Self::new(policy)
    }
}

impl<U, P, R> RequireLayer<U, P, R> {
    /// Sets what makes the response to rejected requests. Defaults to [`ProblemJson`].
    ///
    /// Use [`EmptyBody`](crate::response::EmptyBody) if the body cannot be made of a `String`, as in a
    /// tonic server (an axum router made of tonic's `Routes` works with the default), or a closure
    /// for a response of your own. In a plain tower stack, layers that change the body type, such as
    /// `TraceLayer` and `CompressionLayer`, must be outside of this one; in an axum router the order
    /// does not matter.
    pub fn on_rejection<T>(self, rejection: T) -> RequireLayer<U, P, T> {
        RequireLayer {
            policy: self.policy,
            rejection: Arc::new(rejection),
            user: PhantomData,
        }
    }
}

impl<S, U, P, R> Layer<S> for RequireLayer<U, P, R> {
    type Service = RequireService<S, U, P, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService {
            inner,
            layer: self.clone(),
        }
    }
}

impl<U, P, R> Clone for RequireLayer<U, P, R> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            rejection: Arc::clone(&self.rejection),
            user: PhantomData,
        }
    }
}

impl_debug! { self: [U, P, R] RequireLayer<U, P, R> }

/// Service that [`RequireLayer`] wraps around another one.
#[must_use]
pub struct RequireService<S, U, P = Approved, R = ProblemJson> {
    inner: S,
    layer: RequireLayer<U, P, R>,
}

impl<S, U, P, R> RequireService<S, U, P, R> {
    /// Authorizes the request at once if possible; otherwise returns a future that does.
    fn check<B>(&self, request: &Request<B>) -> Check<U>
    where
        U: AuthUser,
        P: Policy<U>,
    {
        let place = Place::guard_of::<S, B>(request);
        let identity = match Identity::<U>::at(request.extensions(), place) {
            Ok(identity) => identity,
            Err(error) => return Check::Known(Err(error)),
        };
        if let Some(known) = identity.try_authorize(&*self.layer.policy) {
            return Check::Known(known.map(to_owned));
        }
        let policy = Arc::clone(&self.layer.policy);
        Check::Later(async move { identity.authorize(&*policy).await.map(to_owned) }.boxed())
    }
}

enum Check<U> {
    Known(Authorized<U>),
    Later(BoxFuture<'static, Authorized<U>>),
}

type Authorized<U> = Result<(Arc<U>, Claims), AuthError>;

fn to_owned<U>((user, claims): (&Arc<U>, &Claims)) -> (Arc<U>, Claims) {
    (Arc::clone(user), claims.clone())
}

/// Inserts the user and the claims for the inner service.
fn insert<U: AuthUser>((user, claims): (Arc<U>, Claims), extensions: &mut Extensions) {
    extensions.insert(CurrentUser(user));
    extensions.insert(claims);
}

impl<S, U, P, R, B, ResBody> Service<Request<B>> for RequireService<S, U, P, R>
where
    S: Service<Request<B>, Response = Response<ResBody>> + Clone,
    U: AuthUser,
    P: Policy<U>,
    R: MakeErrorResponse<ResBody>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, U, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let state = match self.check(&request) {
            Check::Known(Ok(authorized)) => {
                insert(authorized, request.extensions_mut());
                State::Call {
                    future: self.inner.call(request),
                }
            }
            Check::Known(Err(error)) => State::Reject {
                response: Some(response::reject(&*self.layer.rejection, error, &request)),
            },
            Check::Later(check) => {
                // The service that was polled ready goes with the request; its clone stays.
                let clone = self.inner.clone();
                State::Check {
                    check,
                    waiting: Some((mem::replace(&mut self.inner, clone), request)),
                    rejection: Arc::clone(&self.layer.rejection),
                }
            }
        };
        ResponseFuture { state }
    }
}

impl<S: Clone, U, P, R> Clone for RequireService<S, U, P, R> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl_debug! { self: [S: fmt::Debug, U, P, R] RequireService<S, U, P, R>, inner = self.inner }

pin_project! {
    /// Future of [`RequireService`].
    pub struct ResponseFuture<S, B, U, R>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, U, R, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, U, R, F, T> {
        // Check => (Call | Reject).
        Check {
            check: BoxFuture<'static, Authorized<U>>,
            waiting: Option<(S, Request<B>)>,
            rejection: Arc<R>,
        },
        Call {
            #[pin]
            future: F,
        },
        Reject {
            response: Option<T>,
        },
    }
}

impl<S, B, U, R, ResBody> Future for ResponseFuture<S, B, U, R>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    U: AuthUser,
    R: MakeErrorResponse<ResBody>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    #[expect(clippy::expect_used, reason = "the contract of `Future`")]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Check {
                    check,
                    waiting,
                    rejection,
                } => {
                    let checked = ready!(check.poll_unpin(cx));
                    let (mut service, mut request) = waiting.take().expect(POLLED_AGAIN);
                    match checked {
                        Ok(authorized) => {
                            insert(authorized, request.extensions_mut());
                            State::Call {
                                future: service.call(request),
                            }
                        }
                        Err(error) => State::Reject {
                            response: Some(response::reject(&**rejection, error, &request)),
                        },
                    }
                }
                StateProjection::Call { future } => return future.poll(cx),
                StateProjection::Reject { response } => {
                    return Poll::Ready(Ok(response.take().expect(POLLED_AGAIN)));
                }
            };
            state.set(next);
        }
    }
}

impl<S, B, U, R> fmt::Debug for ResponseFuture<S, B, U, R>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

const POLLED_AGAIN: &str = "a future is not polled after it was ready";
