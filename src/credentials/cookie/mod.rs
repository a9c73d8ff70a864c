//! The cookie of a browser that is logged in.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::Request;
use http::header::{COOKIE, Entry, HeaderMap, HeaderValue};

use super::credential::{
    Credential, CredentialError, SentIn, is_b64token, is_token_char, list_items,
};
use super::csrf::Origins;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::metrics::record;

/// The cookie in which a browser keeps its token.
///
/// One value of it says how the cookie is read ([`CredentialSource::cookie`](crate::credentials::CredentialSource::cookie))
/// and how it is written: by `accounts::cookie_routes`, or by a log-in of your own with
/// [`set`](Self::set) and [`clear`](Self::clear). No script sees it (`HttpOnly`), it goes to this
/// host only, over TLS only (`__Host-`, `Secure`, `Path=/`), and with requests of other sites only
/// where somebody follows a link (`SameSite=Lax`).
///
/// A browser sends it without being asked, so it comes with a check that cannot be switched off:
/// see [`check_csrf`](Self::check_csrf). No page can drop it, and the log-in form has to work
/// with a dead one (expired, signed with another secret, sent twice, of an unknown, pending or
/// disabled account): where the user is optional such a request is anonymous, and every refusal of
/// the cookie [clears](Self::clear) it.
///
/// ```
/// # use tower_warder::credentials::{AuthCookie, CredentialSource};
/// let cookie = AuthCookie::new("session")?.trusted_origin("https://app.example.com")?;
/// assert_eq!(cookie.name(), "__Host-session");
///
/// let source = CredentialSource::header().with_cookie(cookie);
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthCookie {
    name: Box<str>,
    secure: bool,
    strict: bool,
    origins: Origins,
}

impl AuthCookie {
    /// A cookie with this name after `__Host-`, which keeps other hosts of the domain from setting
    /// it. Browsers take it over TLS only, and from `localhost`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidCookieName`] unless the name is a token of RFC 9110, section 5.6.2,
    /// that does not begin with `__`.
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        check_name(name)?;
        Ok(Self {
            name: format!("__Host-{name}").into(),
            secure: true,
            strict: false,
            origins: Origins::own(true),
        })
    }

    /// A cookie with this very name, which also travels without TLS, where everybody on the way can
    /// read it. For development on a loopback address; also there, servers on other ports see it.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn dangerous_without_tls(name: &str) -> Result<Self, ConfigError> {
        check_name(name)?;
        Ok(Self {
            name: name.into(),
            secure: false,
            strict: false,
            origins: Origins::own(false),
        })
    }

    /// Never sends the cookie with a request that another site began, not even where somebody
    /// follows a link to a page. Defaults to `SameSite=Lax`, which sends it there.
    pub const fn same_site_strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// An origin besides the server's own whose pages may use the cookie, such as
    /// `https://app.example.com`: scheme, host, and the port unless it is the scheme's own. Such a
    /// page needs CORS as well; a browser sends the cookie only if the page is of the same site.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOrigin`] for what no browser would send as `Origin`.
    pub fn trusted_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.origins.add(origin)?;
        Ok(self)
    }

    /// The server's own origin as browsers see it, such as `https://login.example.com`. Then
    /// `Origin` is compared with this, scheme included, instead of with the request's `Host`.
    /// Without it the server's own origin is the one that `Host` names.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOrigin`] for what no browser would send as `Origin`.
    #[doc(alias = "csrf")]
    pub fn own_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.origins.set_own(origin)?;
        Ok(self)
    }

    /// The whole name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `Set-Cookie` that keeps a token, for as long as the token lives.
    ///
    /// # Errors
    ///
    /// [`InvalidCookieValue`].
    pub fn set(&self, token: &str, lifetime: Duration) -> Result<HeaderValue, InvalidCookieValue> {
        let fits = self.name.len() + token.len() <= MAX_PAIR;
        if !fits || !is_b64token(token.as_bytes()) {
            return Err(InvalidCookieValue(()));
        }
        Ok(self.line(token, lifetime))
    }

    /// The `Set-Cookie` that takes the token away. It does not end the token: whoever has a copy of
    /// it is still let in.
    pub fn clear(&self) -> HeaderValue {
        self.line("", Duration::ZERO)
    }

    /// Whether a request comes from no page of another origin. A log-in of your own asks this
    /// before it looks at the body; [`CredentialSource`](crate::credentials::CredentialSource) has asked wherever it read
    /// the cookie.
    ///
    /// `GET`, `HEAD`, `OPTIONS` and `TRACE` pass, so let them change nothing, but not with an
    /// `Upgrade`: any page can open a WebSocket. For the rest, the browser's `Sec-Fetch-Site` must
    /// be `same-origin` or `none`; without it, `Origin` must be the [own](Self::own_origin) one, or
    /// if none is set the request's by its `Host`, of `https` unless the cookie does without or the
    /// host is a loopback. A [trusted origin](Self::trusted_origin) passes. Who sends neither is no
    /// browser, and passes.
    ///
    /// A proxy in between has to leave `Origin` and `Sec-Fetch-Site` as they are, and `Host`, too,
    /// unless the own origin is set; a default port that it adds to `Host` changes nothing.
    ///
    /// # Errors
    ///
    /// [`CrossOrigin`](AuthErrorKind::CrossOrigin).
    pub fn check_csrf<B>(&self, request: &Request<B>) -> Result<(), AuthError> {
        if self.origins.admit(request) {
            Ok(())
        } else {
            let error = AuthError::new(AuthErrorKind::CrossOrigin);
            record::refused(&error);
            Err(error)
        }
    }

    /// The credential of the cookie.
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

    /// One pair in all lines (RFC 6265, section 5.4): of two, one is not ours. A sibling domain can
    /// set one without a prefix, so that is a cookie to be cleared, not a malformed request.
    fn read(&self, headers: &mut HeaderMap) -> Result<Option<Credential>, CredentialError> {
        let mut found = Ok(None);
        if !headers.contains_key(COOKIE) {
            return found;
        }
        let Entry::Occupied(mut lines) = headers.entry(COOKIE) else {
            return found;
        };
        for line in lines.iter_mut() {
            line.set_sensitive(true);
            let line = &*line;
            for (start, pair) in list_items(line.as_bytes(), b';') {
                let Some(value) = self.value(pair) else {
                    continue;
                };
                let end = start + pair.len();
                found = match found {
                    Ok(None) => {
                        let place = end - value.len()..end;
                        Ok(Some(Credential::new(line.clone(), place, SentIn::Cookie)))
                    }
                    _ => Err(CredentialError::DuplicateCookie),
                };
            }
        }
        found
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

/// Why a token goes into no cookie: it is not one `b64token` (RFC 6750, section 2.1), or so long
/// that browsers would drop it (4096 bytes together with the name).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCookieValue(());

impl fmt::Display for InvalidCookieValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token does not fit into a cookie")
    }
}

impl Error for InvalidCookieValue {}

fn check_name(name: &str) -> Result<(), ConfigError> {
    let is_token = !name.is_empty() && name.bytes().all(is_token_char);
    // Prefixes are for browsers to judge, which do so in any case.
    if !is_token || name.starts_with("__") {
        return Err(ConfigError::InvalidCookieName(name.to_owned()));
    }
    Ok(())
}

/// What browsers keep at most of name and value together, in bytes.
const MAX_PAIR: usize = 4096;

#[cfg(test)]
mod tests;
