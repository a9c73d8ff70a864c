//! Cookie in which a browser stores its token.

use std::error::Error;
use std::time::Duration;

use http::Request;
use http::header::{COOKIE, Entry, HeaderMap, HeaderValue};

use super::credential::{
    Credential, CredentialError, SentIn, is_b64token, is_token_char, list_items,
};
use super::csrf::Origins;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::metrics::record;

/// Cookie in which a browser stores its token, with protection against CSRF.
///
/// The same value is used to read the cookie, in
/// [`CredentialSource::with_cookie`](crate::credentials::CredentialSource::with_cookie), and to write
/// it: with [`set`](Self::set) at log-in and [`clear`](Self::clear) at log-out, or by `cookie_routes`
/// of `tower-warder-accounts`. Its attributes are safe by default:
///
/// - `HttpOnly`: scripts cannot read it.
/// - `__Host-`, `Secure` and `Path=/`: it is sent to this host only, and over TLS only.
/// - `SameSite=Lax`: other sites can cause it to be sent only by a link to a page.
///
/// Browsers send cookies automatically, so each request with the cookie is checked for CSRF. The check
/// cannot be disabled: see [`check_csrf`](Self::check_csrf).
///
/// # Rejected cookies
///
/// A response that rejects the cookie itself also [clears](Self::clear) it, because pages cannot
/// remove it. That is the case if its token has expired or has an invalid signature, if the cookie was
/// sent twice, or if the account is unknown, pending or disabled. Where the user is optional, such a
/// request is anonymous, so that the log-in page can be shown.
///
/// ```
/// use tower_warder::credentials::{AuthCookie, CredentialSource};
///
/// let cookie = AuthCookie::new("session")?.trusted_origin("https://app.example.com")?;
/// assert_eq!(cookie.name(), "__Host-session");
///
/// let source = CredentialSource::header().with_cookie(cookie);
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
#[doc(alias = "csrf")]
#[doc(alias = "session")]
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthCookie {
    name: Box<str>,
    secure: bool,
    strict: bool,
    origins: Origins,
}

impl AuthCookie {
    /// Creates a cookie named `__Host-` and `name`. The prefix prevents other hosts of the domain
    /// from setting it. Browsers accept it over TLS only, and from `localhost`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidCookieName`] unless the name is a token (RFC 9110, section 5.6.2) that
    /// does not begin with `__`.
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        Self::named(name, "__Host-", true)
    }

    /// Creates a cookie with exactly this name, which is also sent without TLS and can then be read
    /// on the network. For development on a loopback address only; even there, servers on other
    /// ports receive it.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn dangerous_without_tls(name: &str) -> Result<Self, ConfigError> {
        Self::named(name, "", false)
    }

    fn named(name: &str, prefix: &str, secure: bool) -> Result<Self, ConfigError> {
        let is_token = !name.is_empty() && name.bytes().all(is_token_char);
        // The constructor adds the prefix; browsers enforce what a prefix promises.
        if !is_token || name.starts_with("__") {
            return Err(ConfigError::InvalidCookieName(name.to_owned()));
        }
        Ok(Self {
            name: format!("{prefix}{name}").into(),
            secure,
            strict: false,
            origins: Origins::own(secure),
        })
    }

    /// Sets `SameSite=Strict`: the cookie is never sent with a request that another site caused, not
    /// even by a link to a page. Defaults to `SameSite=Lax`, which sends it with links.
    pub const fn same_site_strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Trusts the pages of another origin, such as `https://app.example.com`: scheme, host, and the
    /// port unless it is the default of the scheme. Defaults to no other origin. Such pages also need
    /// CORS; browsers send the cookie only if the page is of the same site.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOrigin`] if no browser would send it as `Origin`.
    #[doc(alias = "csrf")]
    pub fn trusted_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.origins.add(origin)?;
        Ok(self)
    }

    /// Sets the server's own origin as browsers see it, such as `https://login.example.com`. `Origin`
    /// is then compared with it, including the scheme. Defaults to the origin of the request's `Host`
    /// header.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOrigin`] if no browser would send it as `Origin`.
    #[doc(alias = "csrf")]
    pub fn own_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.origins.set_own(origin)?;
        Ok(self)
    }

    /// Name of the cookie, including its prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the `Set-Cookie` value that stores a token for the given lifetime.
    ///
    /// # Errors
    ///
    /// [`InvalidCookieValue`] if it is not a token, or too long for a cookie.
    pub fn set(&self, token: &str, lifetime: Duration) -> Result<HeaderValue, InvalidCookieValue> {
        let fits = self.name.len() + token.len() <= MAX_PAIR_BYTES;
        if !fits || !is_b64token(token.as_bytes()) {
            return Err(InvalidCookieValue(()));
        }
        Ok(self.line(token, lifetime))
    }

    /// Returns the `Set-Cookie` value that removes the cookie from the browser. The token itself is
    /// not revoked: a copy of it stays valid.
    #[doc(alias = "logout")]
    pub fn clear(&self) -> HeaderValue {
        self.line("", Duration::ZERO)
    }

    /// Checks that a request was not caused by a page of another origin (cross-site request forgery).
    ///
    /// [`CredentialSource`](crate::credentials::CredentialSource) calls it whenever it reads the
    /// cookie. Call it in a log-in handler of your own, before you read the body.
    ///
    /// - `GET`, `HEAD`, `OPTIONS` and `TRACE` pass, so handlers of these methods must not change
    ///   anything. With an `Upgrade` header they are checked, because any page can open a WebSocket.
    /// - A [trusted origin](Self::trusted_origin) passes.
    /// - Otherwise `Sec-Fetch-Site`, if sent, must be `same-origin` or `none`.
    /// - Without `Sec-Fetch-Site`, `Origin`, if sent, must be the [own origin](Self::own_origin). If
    ///   that is not set, it must match `Host`, and its scheme must be `https` unless the cookie was
    ///   made without TLS or the host is a loopback address.
    /// - Requests with neither header pass: they do not come from a browser.
    ///
    /// A proxy in front must preserve `Origin` and `Sec-Fetch-Site`, and `Host` unless the own origin
    /// is set. It may add the default port to `Host`.
    ///
    /// # Errors
    ///
    /// [`CrossOrigin`](AuthErrorKind::CrossOrigin) (403).
    #[doc(alias = "csrf")]
    pub fn check_csrf<B>(&self, request: &Request<B>) -> Result<(), AuthError> {
        if !self.is_cross_origin(request) {
            Ok(())
        } else {
            let error = AuthError::new(AuthErrorKind::CrossOrigin);
            record::rejected(&error);
            Err(error)
        }
    }

    /// The same check, without a record of the result.
    pub(crate) fn is_cross_origin<B>(&self, request: &Request<B>) -> bool {
        !self.origins.admit(request)
    }

    /// Finds the credential in the cookie, and checks CSRF.
    pub(super) fn find<B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<Option<Credential>, CredentialError> {
        match self.read(request.headers_mut()) {
            Ok(None) => Ok(None),
            _ if !self.origins.admit(request) => Err(CredentialError::CrossOrigin),
            found => found,
        }
    }

    /// Reads one pair from all lines (RFC 6265, section 5.4). If there are two, one may have been set
    /// by a sibling domain (without the prefix): the cookie is cleared, and the request is not
    /// treated as malformed.
    pub(crate) fn read(
        &self,
        headers: &mut HeaderMap,
    ) -> Result<Option<Credential>, CredentialError> {
        let mut found = Ok(None);
        self.for_each(headers, |credential| match &found {
            Ok(None) => found = Ok(Some(credential)),
            _ => found = Err(CredentialError::DuplicateCookie),
        });
        found
    }

    /// Returns the first `limit` pairs with the name of this cookie.
    #[cfg(feature = "axum")]
    pub(crate) fn read_all(&self, headers: &mut HeaderMap, limit: usize) -> Vec<Credential> {
        let mut found = Vec::new();
        self.for_each(headers, |credential| {
            if found.len() < limit {
                found.push(credential);
            }
        });
        found
    }

    fn for_each(&self, headers: &mut HeaderMap, mut visit: impl FnMut(Credential)) {
        if !headers.contains_key(COOKIE) {
            return;
        }
        let Entry::Occupied(mut lines) = headers.entry(COOKIE) else {
            return;
        };
        for line in lines.iter_mut() {
            line.set_sensitive(true);
            let line = &*line;
            for (start, pair) in list_items(line.as_bytes(), b';') {
                let Some(value) = self.value(pair) else {
                    continue;
                };
                let end = start + pair.len();
                let range = end - value.len()..end;
                visit(Credential::new(line.clone(), range, SentIn::Cookie));
            }
        }
    }

    fn value<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        pair.strip_prefix(self.name.as_bytes())?.strip_prefix(b"=")
    }

    #[expect(clippy::expect_used, reason = "name and value were checked")]
    fn line(&self, value: &str, lifetime: Duration) -> HeaderValue {
        let Self { name, .. } = self;
        let seconds = lifetime.as_secs();
        let same_site = if self.strict { "Strict" } else { "Lax" };
        let secure = if self.secure { "; Secure" } else { "" };
        let line = format!(
            "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}"
        );
        let mut line = HeaderValue::try_from(line).expect("a name and a token are visible ASCII");
        line.set_sensitive(true);
        line
    }
}

/// Error of storing a token in a cookie: it is not a `b64token` (RFC 6750, section 2.1), or longer,
/// together with the name, than the 4096 bytes that browsers accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCookieValue(());

impl_display! { InvalidCookieValue:
    _ => "the token cannot be stored in a cookie: it is not a bearer token, or too long";
}

impl Error for InvalidCookieValue {}

/// Maximum of name and value together that browsers accept.
const MAX_PAIR_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
