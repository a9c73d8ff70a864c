//! Where the credential stands in a request.

mod credential;
mod exact_paths;
mod csrf;
mod authorization;
mod named_header;
mod cookie;
mod query;
mod websocket;

use std::sync::Arc;

use http::{HeaderValue, Request};

use self::credential::only;
use self::exact_paths::Paths;
use self::named_header::NamedHeaders;
use crate::error::ConfigError;

pub use self::cookie::{AuthCookie, InvalidCookieValue};

pub(crate) use self::credential::{Credential, CredentialError};
pub use self::query::decode as decode_form;

/// Where a layer looks for the credential.
///
/// Defaults to the `Authorization` header with the scheme `Bearer` (RFC 6750, section 2.1), and
/// nowhere else. Browsers cannot send that with a page, an `EventSource` or a `WebSocket`; for
/// these there are a cookie, and a parameter or a subprotocol on paths that you list:
///
/// ```
/// # use tower_warder::credentials::{AuthCookie, CredentialSource};
/// let source = CredentialSource::header()
///     .with_cookie(AuthCookie::new("session")?)
///     .with_query_token("/api/events")?
///     .with_websocket_subprotocol("/api/ws")?;
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
///
/// An authenticating proxy passes the token in [a header of its own](Self::named_header).
///
/// Each is as strict as the header, and answered alike. A request has one credential: of
/// `Authorization: Bearer`, named headers, query and subprotocol, two are answered 400. The cookie
/// comes unasked, so it is only read where there is none of these. An `Authorization` of another
/// scheme (the `Basic` password of a test system, `Negotiate`) is not a credential. For routes that no cookie may open, put another layer with [`header`](Self::header) alone around
/// them: the inner one decides.
///
/// Paths are those that the layer sees, byte by byte. Outside of axum's `nest`, where it usually
/// stands, that is the whole path of the URI; inside, `nest` has taken its prefix away.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CredentialSource {
    // Each request clones this, and most applications have only the header.
    more: Option<Arc<More>>,
}

/// What is read besides the header, or instead of it.
#[derive(Clone, Debug, Default)]
struct More {
    not_header: bool,
    named: NamedHeaders,
    cookie: Option<AuthCookie>,
    query: Paths,
    subprotocol: Paths,
}

impl CredentialSource {
    /// The `Authorization` header.
    pub const fn header() -> Self {
        Self { more: None }
    }

    /// A cookie, and no header. With an `Authorization: Bearer`, whatever follows, the cookie is not
    /// read.
    pub fn cookie(cookie: AuthCookie) -> Self {
        let mut this = Self::header();
        this.more().not_header = true;
        this.with_cookie(cookie)
    }

    /// A header that holds a token and nothing else, and not the `Authorization` header. For
    /// authenticating proxies, which send `Cf-Access-Jwt-Assertion`, `X-Goog-Iap-Jwt-Assertion` or
    /// `X-Forwarded-Access-Token`:
    ///
    /// ```
    /// # use tower_warder::JwtVerifier;
    /// # use tower_warder::credentials::CredentialSource;
    /// # use tower_warder::keys::VerifyingKey;
    /// # fn example(key: VerifyingKey) -> Result<(), tower_warder::error::ConfigError> {
    /// let source = CredentialSource::named_header("cf-access-jwt-assertion")?;
    /// // Without the audience, the tokens of every application behind the proxy would do.
    /// let verifier = JwtVerifier::new(key).audience("the AUD tag of this application");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The proxy has to remove the header from what clients send: a second line is answered 400, and
    /// a single one from a client is accepted if its token is valid. An empty value is no credential.
    /// `Authorization`, which such proxies may forward, is not read; where [`header`](Self::header)
    /// is a source as well, a Bearer token there is a second credential.
    ///
    /// The proxy authenticates browsers by a cookie, which pages of other origins can make them send.
    /// So where the header is read, [the origin is checked](AuthCookie::check_csrf) as for a
    /// cookie, except that `http` is accepted where `Host` is the same, and requests that do not pass
    /// are answered 403. See [`trusted_origin`](Self::trusted_origin).
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidHeaderName`] for what is no name of a header, and for headers that are
    /// read otherwise: `Authorization`, `Proxy-Authorization`, `Cookie`, `Sec-WebSocket-Protocol`.
    pub fn named_header(name: &str) -> Result<Self, ConfigError> {
        let mut this = Self::header();
        this.more().not_header = true;
        this.with_named_header(name)
    }

    /// Also a [header of its own](Self::named_header). Call it again for each further name.
    ///
    /// # Errors
    ///
    /// As [`named_header`](Self::named_header).
    pub fn with_named_header(mut self, name: &str) -> Result<Self, ConfigError> {
        self.more().named.add(name)?;
        Ok(self)
    }

    /// An origin besides the server's own whose pages may have a [named header](Self::named_header)
    /// sent, such as `https://app.example.com`. For a cookie,
    /// [`AuthCookie::trusted_origin`] says so. Defaults to none.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOrigin`] for what no browser would send as `Origin`.
    pub fn trusted_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.more().named.trust(origin)?;
        Ok(self)
    }

    /// Also a cookie, for requests without an `Authorization: Bearer`. The last one counts.
    ///
    /// Where the cookie is read, [its origin check](AuthCookie::check_csrf) is made, and doors
    /// answer 403 to what does not pass.
    pub fn with_cookie(mut self, cookie: AuthCookie) -> Self {
        self.more().cookie = Some(cookie);
        self
    }

    /// Also the parameter `?token=`, for requests to this path: for `EventSource`, which cannot
    /// send headers. Call it again for each further path.
    ///
    /// URIs are written down everywhere, in logs and in histories. Do not log the query of these
    /// paths, neither here nor in a proxy, send `Referrer-Policy: no-referrer` with pages, and let
    /// them use [tickets](crate::stream_ticket::StreamTickets).
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPath`] if it can be the path of no URI, as patterns.
    pub fn with_query_token(mut self, path: &str) -> Result<Self, ConfigError> {
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
    pub fn with_websocket_subprotocol(mut self, path: &str) -> Result<Self, ConfigError> {
        self.more().subprotocol.add(path)?;
        Ok(self)
    }

    fn more(&mut self) -> &mut More {
        Arc::make_mut(self.more.get_or_insert_default())
    }

    /// Finds exactly one credential, or none, or a reason to reject the request. Whatever was read
    /// is marked sensitive, so that a log of headers does not show it.
    pub(crate) fn find<B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<Option<Credential>, CredentialError> {
        match &self.more {
            None => authorization::find(request.headers_mut()),
            Some(more) => more.find(request),
        }
    }

    /// The `Set-Cookie` that takes the cookie away, if there is one to be read.
    pub(crate) fn cleared_cookie(&self) -> Option<HeaderValue> {
        let cookie = self.more.as_ref()?.cookie.as_ref()?;
        Some(cookie.clear())
    }
}

impl More {
    fn find<B>(&self, request: &mut Request<B>) -> Result<Option<Credential>, CredentialError> {
        let path = request.uri().path();
        let (query, subprotocol) = (self.query.contain(path), self.subprotocol.contain(path));
        let header = authorization::find(request.headers_mut());
        // Beside a Bearer token the cookie is not read, even where that token is not read either.
        let bearer = !matches!(header, Ok(None));
        let mut found = only(self.unless_ignored(header), self.named.find(request));
        if query {
            found = only(found, query::find(request.uri()));
        }
        if subprotocol {
            found = only(found, websocket::find(request.headers_mut()));
        }
        match (&self.cookie, found) {
            (Some(cookie), Ok(None)) if !bearer => cookie.find(request),
            (_, found) => found,
        }
    }

    /// Where `Authorization` is not read it has no credential. Two lines are an error all the same.
    fn unless_ignored(
        &self,
        header: Result<Option<Credential>, CredentialError>,
    ) -> Result<Option<Credential>, CredentialError> {
        match header {
            Ok(Some(_)) | Err(CredentialError::Malformed) if self.not_header => Ok(None),
            header => header,
        }
    }
}
