//! Protection against cross-site request forgery (CSRF): the origin check of requests.

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN, UPGRADE};
use http::uri::{Authority, Uri};
use http::{Method, Request};

use crate::error::ConfigError;

/// Origins whose pages may send credentials that browsers add automatically: the server's own and the
/// trusted ones. Defaults to the origin of the request, with or without TLS.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    /// If `None`, it is the origin of the request's `Host`.
    own: Option<Box<str>>,
    listed: Vec<Box<str>>,
    tls: bool,
}

impl Origins {
    /// Only the origin of the request. With `tls` its scheme must be `https`.
    pub(super) const fn own(tls: bool) -> Self {
        Self {
            own: None,
            listed: Vec::new(),
            tls,
        }
    }

    pub(super) fn add(&mut self, origin: &str) -> Result<(), ConfigError> {
        self.listed.push(serialized(origin)?);
        Ok(())
    }

    pub(super) fn set_own(&mut self, origin: &str) -> Result<(), ConfigError> {
        self.own = Some(serialized(origin)?);
        Ok(())
    }

    /// Returns `true` unless the request comes from a page of another origin.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> bool {
        let headers = request.headers();
        // Any page can open a WebSocket by a GET, with the cookie and without CORS.
        if is_safe(request.method()) && !headers.contains_key(UPGRADE) {
            return true;
        }
        let (Ok(site), Ok(origin)) = (only(headers, SEC_FETCH_SITE), only(headers, ORIGIN)) else {
            return false;
        };
        match (site, origin) {
            (_, Some(origin)) if self.is_listed(origin) => true,
            // `same-site` is another origin: subdomains do not trust each other.
            (Some(site), _) => matches!(site, b"same-origin" | b"none"),
            (None, Some(origin)) => self.is_own(origin, request),
            // Not a browser: browsers send `Origin` with such a request, and pages cannot suppress
            // it. Other clients cannot be tricked into sending the cookie of a user.
            (None, None) => true,
        }
    }

    fn is_listed(&self, origin: &[u8]) -> bool {
        self.listed.iter().any(|listed| listed.as_bytes() == origin)
    }

    fn is_own<B>(&self, origin: &[u8], request: &Request<B>) -> bool {
        if let Some(own) = &self.own {
            return own.as_bytes() == origin;
        }
        // The scheme of the target is ignored: behind a proxy that terminates TLS it may be `http`.
        let (tls, authority, default_port) = match (
            origin.strip_prefix(b"https://"),
            origin.strip_prefix(b"http://"),
        ) {
            (Some(authority), _) => (true, authority, &b":443"[..]),
            (_, Some(authority)) => (false, authority, &b":80"[..]),
            // `null`, or a custom scheme.
            _ => return false,
        };
        let Ok(host) = only(request.headers(), HOST) else {
            return false;
        };
        let authority = without_port(authority, default_port);
        // HTTP/2 has it in the target, HTTP/1.1 in `Host`. If both are present, both must match.
        let target = request.uri().authority().map(|it| it.as_str().as_bytes());
        let mut named = target.into_iter().chain(host).peekable();
        named.peek().is_some()
            && named.all(|own| without_port(own, default_port).eq_ignore_ascii_case(authority))
            && !authority.is_empty()
            // A page that was loaded without TLS must not use a cookie that requires TLS.
            && (tls || !self.tls || is_loopback(authority))
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// Value of a header that may be sent once only.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&[u8]>, DuplicateHeader> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (first, None) => Ok(first.map(|line| line.as_bytes())),
        (_, Some(_)) => Err(DuplicateHeader),
    }
}

struct DuplicateHeader;

/// Removes the default port of the scheme (RFC 6454, section 4), or an empty one (RFC 3986, section
/// 3.2.3).
fn without_port<'a>(authority: &'a [u8], default: &[u8]) -> &'a [u8] {
    let ends = [default, b":"];
    let mut hosts = ends.iter().filter_map(|end| authority.strip_suffix(*end));
    hosts.next().unwrap_or(authority)
}

/// Returns `true` for hosts that browsers trust without TLS.
fn is_loopback(authority: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(authority) else {
        return false;
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn serialized(origin: &str) -> Result<Box<str>, ConfigError> {
    if is_serialized(origin) {
        Ok(origin.into())
    } else {
        Err(ConfigError::InvalidOrigin(origin.to_owned()))
    }
}

/// Returns `true` if browsers serialize this origin so (RFC 6454, section 6.1): scheme, host in lower
/// case, the port unless it is the default of the scheme, and nothing after it.
fn is_serialized(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return false,
    };
    format!("{scheme}://{authority}") == origin
        && !authority.as_str().contains(['*', '@'])
        && !authority.as_str().ends_with(':')
        && authority.port_u16() != Some(default_port)
        && !origin.bytes().any(|byte| byte.is_ascii_uppercase())
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests;
