//! Credential sources: where a request carries its token.
//!
//! [`CredentialSource`] configures an [`AuthLayer`](crate::AuthLayer) to read the `Authorization`
//! header, another header, a cookie, a query parameter or a WebSocket subprotocol. [`AuthCookie`]
//! writes and reads the cookie, with protection against cross-site request forgery (CSRF).

mod credential;
mod exact_paths;
mod csrf;
mod authorization;
mod named_header;
mod cookie;
pub(crate) mod query;
mod websocket;

use std::sync::Arc;

use http::{HeaderValue, Request};

use self::credential::only;
use self::exact_paths::Paths;
use self::named_header::NamedHeaders;
use crate::error::ConfigError;

pub use self::cookie::{AuthCookie, InvalidCookieValue};

pub(crate) use self::credential::{Credential, CredentialError};

/// Places in a request where credentials are read.
///
/// Defaults to the `Authorization` header with the scheme `Bearer` (RFC 6750, section 2.1) only.
/// Browsers cannot send that header with a page, an `EventSource` or a `WebSocket`. For these there
/// are a cookie, and a query parameter and a WebSocket subprotocol on paths that you list:
///
/// ```
/// use tower_warder::credentials::{AuthCookie, CredentialSource};
///
/// let source = CredentialSource::header()
///     .with_cookie(AuthCookie::new("session")?)
///     .with_query_token("/api/events")?
///     .with_websocket_subprotocol("/api/ws")?;
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
///
/// For authenticating proxies there is [a header of another name](Self::named_header).
///
/// # One credential per request
///
/// A request with two credentials among `Authorization: Bearer`, named headers, query and subprotocol
/// is rejected with 400. The cookie, which browsers send automatically, is read only if there is none
/// of these. An `Authorization` header with another scheme, such as `Basic` or `Negotiate`, is not a
/// credential. Every source is validated as strictly as the header, with the same responses.
///
/// For routes that must not accept a cookie, put another layer with [`header`](Self::header) alone
/// around them: the inner layer applies.
///
/// # Paths
///
/// Paths are compared byte by byte with the path that the layer sees. Outside of axum's `nest`, where
/// the layer usually is, that is the whole path of the URI; inside, `nest` has removed its prefix.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CredentialSource {
    // Each request clones this, and most applications have only the header.
    more: Option<Arc<More>>,
}

/// Sources besides the header, or instead of it.
#[derive(Clone, Debug, Default)]
struct More {
    not_header: bool,
    named: NamedHeaders,
    cookie: Option<AuthCookie>,
    query: Paths,
    subprotocol: Paths,
}

impl CredentialSource {
    /// Reads the `Authorization` header with the scheme `Bearer` only.
    pub const fn header() -> Self {
        Self { more: None }
    }

    /// Reads a cookie, and no header. If the request has an `Authorization: Bearer` header, valid or
    /// not, the cookie is not read.
    pub fn cookie(cookie: AuthCookie) -> Self {
        let mut this = Self::header();
        this.more().not_header = true;
        this.with_cookie(cookie)
    }

    /// Reads a header that holds a bare token, and not the `Authorization` header. For
    /// authenticating proxies, which send `Cf-Access-Jwt-Assertion`, `X-Goog-Iap-Jwt-Assertion` or
    /// `X-Forwarded-Access-Token`:
    ///
    /// ```
    /// use tower_warder::JwtVerifier;
    /// use tower_warder::credentials::CredentialSource;
    /// use tower_warder::keys::VerifyingKey;
    ///
    /// # fn example(key: VerifyingKey) -> Result<(), tower_warder::error::ConfigError> {
    /// let source = CredentialSource::named_header("cf-access-jwt-assertion")?;
    /// // Without the audience, tokens of every application behind the proxy would be accepted.
    /// let verifier = JwtVerifier::new(key).audience("the AUD tag of this application");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The proxy must remove the header from client requests. A header that is sent twice is rejected
    /// with 400; a single one from a client is accepted if its token is valid. An empty value is no
    /// credential. The `Authorization` header, which such proxies may forward, is not read; if
    /// [`header`](Self::header) is a source as well, a bearer token there is a second credential.
    ///
    /// Such a proxy authenticates browsers by a cookie, so requests can be forged by pages of other
    /// origins. Therefore [CSRF is checked](AuthCookie::check_csrf) as for a cookie, except that the
    /// scheme `http` is accepted if the `Host` is the same. Requests that fail the check are
    /// rejected with 403. See [`trusted_origin`](Self::trusted_origin).
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidHeaderName`] if it is not a header name, or the name of a header with
    /// another format: `Authorization`, `Proxy-Authorization`, `Cookie`, `Sec-WebSocket-Protocol`.
    pub fn named_header(name: &str) -> Result<Self, ConfigError> {
        let mut this = Self::header();
        this.more().not_header = true;
        this.with_named_header(name)
    }

    /// Also reads a [named header](Self::named_header). Call it again for each further name.
    ///
    /// # Errors
    ///
    /// Those of [`named_header`](Self::named_header).
    pub fn with_named_header(mut self, name: &str) -> Result<Self, ConfigError> {
        self.more().named.add(name)?;
        Ok(self)
    }

    /// Trusts the pages of another origin, such as `https://app.example.com`, in the CSRF check of
    /// [named headers](Self::named_header). Defaults to no other origin. For cookies see
    /// [`AuthCookie::trusted_origin`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOrigin`] if no browser would send it as `Origin`.
    #[doc(alias = "csrf")]
    pub fn trusted_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.more().named.trust(origin)?;
        Ok(self)
    }

    /// Also reads a cookie, for requests without an `Authorization: Bearer` header. If it is called
    /// again, the last cookie is used.
    ///
    /// A request with the cookie that fails the [CSRF check](AuthCookie::check_csrf) is rejected with
    /// 403.
    pub fn with_cookie(mut self, cookie: AuthCookie) -> Self {
        self.more().cookie = Some(cookie);
        self
    }

    /// Also reads the query parameter `token`, for requests to this exact path. For `EventSource`,
    /// which cannot send headers. Call it again for each further path.
    ///
    /// URIs end up in logs and browser histories. Prefer
    /// [stream tickets](crate::stream_ticket::StreamTickets) to tokens, do not log the query of these
    /// paths, neither here nor in a proxy, and send `Referrer-Policy: no-referrer` with pages.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPath`] if it cannot be the path of a URI, for example a pattern.
    #[doc(alias = "sse")]
    pub fn with_query_token(mut self, path: &str) -> Result<Self, ConfigError> {
        self.more().query.add(path)?;
        Ok(self)
    }

    /// Also reads the WebSocket subprotocol that follows `bearer`, for requests to this exact path:
    /// `new WebSocket(url, ["bearer", token])`. Put a subprotocol of your own before these two. Call
    /// it again for each further path.
    ///
    /// The browser closes the connection unless the server selects one of the subprotocols. Select
    /// `bearer` (or your own), never the token. In axum:
    ///
    /// ```
    /// use axum::extract::ws::WebSocketUpgrade;
    /// use axum::response::Response;
    /// use tower_warder::CurrentUser;
    /// # use tower_warder::testing::TestUser as User;
    ///
    /// async fn socket(user: CurrentUser<User>, upgrade: WebSocketUpgrade) -> Response {
    ///     upgrade.protocols(["bearer"]).on_upgrade(async |socket| { /* … */ })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPath`] if it cannot be the path of a URI, for example a pattern.
    pub fn with_websocket_subprotocol(mut self, path: &str) -> Result<Self, ConfigError> {
        self.more().subprotocol.add(path)?;
        Ok(self)
    }

    fn more(&mut self) -> &mut More {
        Arc::make_mut(self.more.get_or_insert_default())
    }

    /// Finds at most one credential, or an error. Headers that were read are marked as sensitive, so
    /// that they are not shown when headers are logged.
    pub(crate) fn find<B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<Option<Credential>, CredentialError> {
        match &self.more {
            None => authorization::find(request.headers_mut()),
            Some(more) => more.find(request),
        }
    }

    /// Cookie of this source, if the credential was sent in it.
    #[cfg(feature = "axum")]
    pub(crate) fn used_cookie(&self, credential: &Credential) -> Option<&AuthCookie> {
        let cookie = self.more.as_ref()?.cookie.as_ref()?;
        credential.is_cookie().then_some(cookie)
    }

    /// `Set-Cookie` value that clears the cookie, if one is configured.
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
        // With a bearer token the cookie is not read, even if that token is not read either.
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

    /// Ignores a credential in `Authorization` if that is not read. Two lines are an error even then.
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
