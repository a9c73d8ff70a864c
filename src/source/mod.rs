//! Where the credential stands in a request.

mod credential;
mod list;
mod paths;
mod origin;
mod authorization;
mod cookie;
mod query;
mod subprotocol;

use std::sync::Arc;

use http::Request;
use http::header::AUTHORIZATION;

use self::paths::Paths;
use crate::error::ConfigError;

pub use self::cookie::{AuthCookie, UnfitToken};

pub(crate) use self::credential::Presented;

/// Where a layer looks for the credential.
///
/// Defaults to the `Authorization` header with the scheme `Bearer` (RFC 6750, section 2.1), and
/// nowhere else. Browsers cannot send that with a page, an `EventSource` or a `WebSocket`; for
/// these there are a cookie, and a parameter or a subprotocol on paths that you list:
///
/// ```
/// # use tower_warder::{AuthCookie, TokenSource};
/// let source = TokenSource::header()
///     .and_cookie(AuthCookie::new("session")?)
///     .and_query("/api/events")?
///     .and_subprotocol("/api/ws")?;
/// # Ok::<(), tower_warder::ConfigError>(())
/// ```
///
/// Each is as strict as the header, and answered alike. A request has one credential: of header,
/// query and subprotocol, two are answered 400, whatever the header says. The cookie comes
/// unasked, so it is only read where there is none of these. For routes that no cookie may open,
/// put another layer with [`header`](Self::header) alone around them: the inner one decides.
///
/// Paths are those that the layer sees, byte by byte. Outside of axum's `nest`, where it usually
/// stands, that is the whole path of the URI; inside, `nest` has taken its prefix away.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TokenSource {
    // Each request clones this, and most applications have only the header.
    more: Option<Arc<More>>,
}

/// What is read besides the header, or instead of it.
#[derive(Clone, Debug, Default)]
struct More {
    not_header: bool,
    cookie: Option<AuthCookie>,
    query: Paths,
    subprotocol: Paths,
}

impl TokenSource {
    /// The `Authorization` header.
    pub const fn header() -> Self {
        Self { more: None }
    }

    /// A cookie, and no header. With an `Authorization` header, whatever it says, the cookie is not
    /// read.
    pub fn cookie(cookie: AuthCookie) -> Self {
        let mut this = Self::header();
        this.more().not_header = true;
        this.and_cookie(cookie)
    }

    /// Also a cookie, for requests without an `Authorization` header. The last one counts.
    ///
    /// Where the cookie is read, [its origin check](AuthCookie::check_origin) is made, and doors
    /// answer 403 to what does not pass.
    pub fn and_cookie(mut self, cookie: AuthCookie) -> Self {
        self.more().cookie = Some(cookie);
        self
    }

    /// Also the parameter `?token=`, for requests to this path: for `EventSource`, which cannot
    /// send headers. Call it again for each further path.
    ///
    /// URIs are written down everywhere, in logs and in histories. Do not log the query of these
    /// paths, neither here nor in a proxy, send `Referrer-Policy: no-referrer` with pages, and let
    /// them use [tickets](crate::Tickets).
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPath`] if it can be the path of no URI, as patterns.
    pub fn and_query(mut self, path: &str) -> Result<Self, ConfigError> {
        self.more().query.add(path)?;
        Ok(self)
    }

    /// Also the WebSocket subprotocol `bearer` with the token after it, for requests to this path:
    /// `new WebSocket(url, ["bearer", token])`. A subprotocol of your own stands before them. Call
    /// it again for each further path.
    ///
    /// The browser breaks the connection off unless the server chooses one of the subprotocols.
    /// Choose `bearer` (or your own), never the token; in axum:
    ///
    /// ```
    /// use axum::extract::ws::WebSocketUpgrade;
    /// use axum::response::Response;
    /// # use tower_warder::{CurrentUser, testing::TestUser as User};
    ///
    /// async fn socket(user: CurrentUser<User>, upgrade: WebSocketUpgrade) -> Response {
    ///     upgrade.protocols(["bearer"]).on_upgrade(async |socket| { /* … */ })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPath`] if it can be the path of no URI, as patterns.
    pub fn and_subprotocol(mut self, path: &str) -> Result<Self, ConfigError> {
        self.more().subprotocol.add(path)?;
        Ok(self)
    }

    fn more(&mut self) -> &mut More {
        Arc::make_mut(self.more.get_or_insert_default())
    }

    /// Finds exactly one credential, or none, or a reason to refuse the request. Whatever was read
    /// is marked sensitive, so that nobody who logs headers shows it.
    pub(crate) fn find<B>(&self, request: &mut Request<B>) -> Presented {
        match &self.more {
            None => authorization::find(request.headers_mut()),
            Some(more) => more.find(request),
        }
    }
}

impl More {
    fn find<B>(&self, request: &mut Request<B>) -> Presented {
        let path = request.uri().path();
        let (query, subprotocol) = (self.query.contain(path), self.subprotocol.contain(path));
        let header = request.headers().contains_key(AUTHORIZATION);
        let mut sent = [
            header.then(|| self.judge(authorization::find(request.headers_mut()))),
            query
                .then(|| query::find(request.uri()))
                .flatten()
                .map(Presented::listed),
            subprotocol
                .then(|| subprotocol::find(request.headers_mut()))
                .flatten()
                .map(Presented::listed),
        ]
        .into_iter()
        .flatten();
        match (sent.next(), sent.next()) {
            // RFC 6750, section 2: one method in each request.
            (Some(_), Some(_)) => Presented::twice(),
            (Some(presented), None) => presented,
            (None, _) => match &self.cookie {
                Some(cookie) => cookie.find(request),
                None => Presented::Nothing,
            },
        }
    }

    /// A header that is no source brings nothing. Two of them are unacceptable all the same.
    fn judge(&self, header: Presented) -> Presented {
        match header {
            Presented::Credential(_) | Presented::Refused(_) if self.not_header => {
                Presented::Nothing
            }
            header => header,
        }
    }
}
