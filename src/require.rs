//! A door for any tower stack: whoever is not let in does not reach the inner service.

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

/// Turns a service, or a whole sub-router, into a room with a door.
///
/// Needs an [`AuthLayer`](crate::AuthLayer) outside of it. Behind the door the
/// [`CurrentUser<U>`](crate::CurrentUser) and the [`Claims`] lie in the request extensions.
/// Rejections are [`ProblemJson`] documents unless [`rejection`](Self::on_rejection) says otherwise;
/// they carry a `grpc-status` where the request was gRPC. Around one service of a tonic server
/// `tonic::service::LayerExt::named_layer` puts it.
///
/// A CORS preflight has no credential and is rejected as any other request without one: nobody can
/// tell here whether it is one, or a request that runs a handler for any method. `tower-http`'s
/// `CorsLayer` answers preflights outside of this layer: see [CORS](crate#cors).
///
/// ```
/// # use tower_warder::{Claims, RequireLayer};
/// # use tower_warder::policy::{Admin, Scope};
/// # use tower_warder::testing::TestUser as User;
/// let approved = RequireLayer::<User>::approved();
/// let admins = RequireLayer::<User>::new(Admin);
/// let readers = RequireLayer::<User>::new(Scope::new("orders:read")?);
/// let early = RequireLayer::<User>::from_fn(|_, claims| claims.subject() < "100");
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
#[must_use]
pub struct RequireLayer<U, P = Approved, R = ProblemJson> {
    policy: Arc<P>,
    rejection: Arc<R>,
    user: PhantomData<fn() -> U>,
}

impl<U> RequireLayer<U> {
    /// Lets in approved users.
    pub fn approved() -> Self {
        Self::new(Approved)
    }

    /// Lets in approved users about whom `policy` says yes.
    pub fn new<P: Policy<U>>(policy: P) -> RequireLayer<U, P> {
        RequireLayer {
            policy: Arc::new(policy),
            rejection: Arc::new(ProblemJson),
            user: PhantomData,
        }
    }

    /// Lets in approved users about whom a closure says yes, with `true` or `Ok(())`.
    pub fn from_fn<F, D>(policy: F) -> RequireLayer<U, F>
    where
        F: Fn(&U, &Claims) -> D + Send + Sync + 'static,
        D: Decision,
    {
        Self::new(policy)
    }
}

impl<U, P, R> RequireLayer<U, P, R> {
    /// Makes the response to whoever is rejected. Defaults to [`ProblemJson`].
    ///
    /// Use [`EmptyBody`](crate::response::EmptyBody) where the body cannot be made of a `String`, as in a tonic
    /// server (an axum router made of tonic's `Routes` takes the default), or a closure for an
    /// answer of your own. Layers that change the body, such as `TraceLayer` and `CompressionLayer`,
    /// belong outside of this one in a plain tower stack; in a router the order is free.
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

impl<U, P, R> fmt::Debug for RequireLayer<U, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireLayer").finish_non_exhaustive()
    }
}

/// The service that [`RequireLayer`] makes.
#[must_use]
pub struct RequireService<S, U, P = Approved, R = ProblemJson> {
    inner: S,
    layer: RequireLayer<U, P, R>,
}

impl<S, U, P, R> RequireService<S, U, P, R> {
    /// Authorizes the request, as far as that is possible without waiting.
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
        match identity.try_authorize(&*self.layer.policy) {
            Some(known) => Check::Known(known),
            None => {
                let policy = Arc::clone(&self.layer.policy);
                Check::Later(async move { identity.authorize(&*policy).await }.boxed())
            }
        }
    }
}

enum Check<U> {
    Known(Authorized<U>),
    Later(BoxFuture<'static, Authorized<U>>),
}

type Authorized<U> = Result<(Arc<U>, Claims), AuthError>;

/// For the handler behind the guard.
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

impl<S: fmt::Debug, U, P, R> fmt::Debug for RequireService<S, U, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`RequireService`].
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
