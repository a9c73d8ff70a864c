//! Public origin of the server, check of the `Host` header, and headers of every response.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_TYPE, HOST, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tower::ServiceBuilder;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_warder::credentials::AuthCookie;
use tower_warder::error::ConfigError;

/// Value of `PUBLIC_ORIGIN`, as browsers serialize it (RFC 6454, section 6.1). `http` is accepted
/// for loopback hosts only: elsewhere tokens would be sent in clear text.
#[derive(Clone, Debug)]
pub struct PublicOrigin {
    text: String,
    host: String,
    port: Option<u16>,
    is_https: bool,
}

impl PublicOrigin {
    /// Returns `true` if only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Returns `true` if a `Host` matches: case-insensitive, with or without the default port and a
    /// trailing dot.
    fn is_at(&self, host: &str, port: Option<u16>) -> bool {
        let own = if self.is_https { 443 } else { 80 };
        host.eq_ignore_ascii_case(&self.host) && port.unwrap_or(own) == self.port.unwrap_or(own)
    }
}

impl FromStr for PublicOrigin {
    /// How to fix the value.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, authority) = text.split_once("://").ok_or(NO_ORIGIN)?;
        let (is_https, own) = match scheme {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return Err(NO_ORIGIN),
        };
        let (host, port) = split(authority).ok_or(NO_ORIGIN)?;
        let canonical = match port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        if authority != canonical || port == Some(own) || !is_canonical(host) {
            return Err(NO_ORIGIN);
        }
        if !is_https && !is_loopback(host) {
            return Err(NO_TLS);
        }
        Ok(Self {
            text: text.to_owned(),
            host: host.to_owned(),
            port,
            is_https,
        })
    }
}

impl fmt::Display for PublicOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns the cookie: `__Host-tower_warder`, which browsers send over TLS only; over plain HTTP
/// `tower_warder`, for this machine only.
pub fn cookie(origin: Option<&PublicOrigin>) -> Result<AuthCookie, ConfigError> {
    cookie_named(COOKIE, origin)
}

/// Returns the cookie of accounts that wait for approval, in the same way.
pub fn waiting_cookie(origin: Option<&PublicOrigin>) -> Result<AuthCookie, ConfigError> {
    cookie_named(WAITING_COOKIE, origin)
}

/// Returns the cookie of devices that have logged in, in the same way.
pub fn device_cookie(origin: Option<&PublicOrigin>) -> Result<AuthCookie, ConfigError> {
    cookie_named(DEVICE_COOKIE, origin)
}

fn cookie_named(name: &str, origin: Option<&PublicOrigin>) -> Result<AuthCookie, ConfigError> {
    let Some(origin) = origin else {
        return AuthCookie::dangerous_without_tls(name);
    };
    let cookie = if origin.is_https {
        AuthCookie::new(name)
    } else {
        AuthCookie::dangerous_without_tls(name)
    };
    cookie?.own_origin(&origin.text)
}

/// Combines the routes: `app` for requests to its own hosts only, against DNS rebinding; `health`
/// for requests to any host. Without an origin only the loopback hosts are served.
pub fn guarded(app: Router, health: Router, origin: Option<PublicOrigin>) -> Router {
    // One year (RFC 6797, section 6.1.1).
    let tls_only = origin
        .as_ref()
        .is_some_and(|origin| origin.is_https)
        .then(|| HeaderValue::from_static("max-age=31536000"));
    let hosts = Arc::new(Hosts {
        origin,
        has_rejected: AtomicBool::new(false),
    });
    let check = middleware::from_fn(move |request: Request, next: Next| {
        let checked = hosts.check(&request);
        async move {
            match checked {
                Ok(()) => next.run(request).await,
                Err(rejection) => rejection.into_response(),
            }
        }
    });
    let header = |name: HeaderName, value| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    app.layer(check).merge(health).layer(
        ServiceBuilder::new()
            .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
            // Other sites learn nothing. Not `no-referrer`, with which browsers send `Origin: null`
            // for the forms of the pages (Fetch, section 3.2); those without `Sec-Fetch-Site` would
            // be rejected.
            .layer(header(REFERRER_POLICY, "same-origin"))
            .layer(header(OPENER_POLICY, "same-origin"))
            .layer(header(RESOURCE_POLICY, "same-origin"))
            .layer(SetResponseHeaderLayer::overriding(
                STRICT_TRANSPORT_SECURITY,
                tls_only,
            )),
    )
}

struct Hosts {
    origin: Option<PublicOrigin>,
    has_rejected: AtomicBool,
}

impl Hosts {
    /// Checks both the request target, which has the host in HTTP/2, and `Host`: if they differ, a
    /// proxy might use one and this server the other, so both must be served.
    fn check(&self, request: &Request) -> Result<(), HostRefusal> {
        let mut lines = request.headers().get_all(HOST).iter();
        let line = lines.next();
        let target = request.uri().authority();
        // RFC 9112, section 3.2.
        if lines.next().is_some() || (line.is_none() && target.is_none()) {
            return Err(HostRefusal::NotOne);
        }
        let line = line.map(HeaderValue::as_bytes);
        let target = target.map(|target| target.as_str().as_bytes());
        for host in line.into_iter().chain(target) {
            if !is_served(self.origin.as_ref(), host) {
                self.log(host);
                return Err(HostRefusal::Misdirected);
            }
        }
        Ok(())
    }

    /// Logs the first one at WARN, because the operator may have left out the variable, and later
    /// ones at DEBUG, because anonymous requests can cause any number.
    fn log(&self, host: &[u8]) {
        let host = host.get(..MAX_LOGGED_BYTES).unwrap_or(host).escape_ascii();
        if self.has_rejected.swap(true, Ordering::Relaxed) {
            tracing::debug!(%host, "rejected a request to a host that is not served");
        } else {
            tracing::warn!(
                %host,
                "rejected a request to a host that is not served; set PUBLIC_ORIGIN to the one \
                 that browsers use (logged once)"
            );
        }
    }
}

enum HostRefusal {
    NotOne,
    Misdirected,
}

impl IntoResponse for HostRefusal {
    fn into_response(self) -> Response {
        let (status, code, detail) = match self {
            Self::NotOne => (
                StatusCode::BAD_REQUEST,
                INVALID_HOST,
                "Exactly one host is accepted",
            ),
            // RFC 9110, section 15.5.20.
            Self::Misdirected => (
                StatusCode::MISDIRECTED_REQUEST,
                MISDIRECTED_REQUEST,
                "This host is not served here",
            ),
        };
        let problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
            "code": code,
        });
        let kind = [(CONTENT_TYPE, "application/problem+json")];
        (status, kind, problem.to_string()).into_response()
    }
}

/// Returns `true` if a `Host` with this value is served.
pub fn is_served(origin: Option<&PublicOrigin>, host: &[u8]) -> bool {
    let Some((host, port)) = str::from_utf8(host).ok().and_then(split) else {
        return false;
    };
    match origin {
        Some(origin) => origin.is_at(host, port),
        None => is_loopback(host),
    }
}

/// Splits host and port (RFC 9110, section 4.2.3), without a trailing dot.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.find(']') {
        Some(end) => end + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at_checked(end)?;
    let port = match rest {
        // RFC 3986, section 6.2.3.
        "" | ":" => None,
        _ => {
            let digits = rest.strip_prefix(':')?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            Some(digits.parse().ok().filter(|_| is_number)?)
        }
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then_some((host, port))
}

/// Returns `true` for hosts that always mean this machine.
fn is_loopback(host: &str) -> bool {
    address(host).map_or_else(
        || host.eq_ignore_ascii_case("localhost"),
        |address| address.is_loopback(),
    )
}

fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => {
            let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
            Some(address.into())
        }
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::from),
    }
}

/// Returns `true` if browsers serialize this host the same way: an address in its shortest form, or
/// a lower-case name whose last label is not a number.
fn is_canonical(host: &str) -> bool {
    match address(host) {
        Some(IpAddr::V6(address)) => format!("[{address}]") == host,
        Some(IpAddr::V4(_)) => true,
        None => {
            let is_plain = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
            };
            let is_label =
                |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_plain);
            let last = host.rsplit('.').next().unwrap_or_default();
            host.len() <= 253
                && host.split('.').all(is_label)
                && last.starts_with(|first: char| first.is_ascii_lowercase())
        }
    }
}

/// The codes of responses to requests whose host is not served.
pub const CODES: [&str; 2] = [INVALID_HOST, MISDIRECTED_REQUEST];

const INVALID_HOST: &str = "invalid_host";
const MISDIRECTED_REQUEST: &str = "misdirected_request";

const COOKIE: &str = "tower_warder";
const DEVICE_COOKIE: &str = "tower_warder_device";
const WAITING_COOKIE: &str = "tower_warder_waiting";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const MAX_LOGGED_BYTES: usize = 100;

const NO_ORIGIN: &str = "it is no origin; give one such as https://login.example.com, in lower \
    case, with no path and no slash at its end, and with a port only if it is not the scheme's own";

const NO_TLS: &str = "http is for localhost, because anybody on the way could read passwords and \
    tokens; give an origin with https, and put a proxy with TLS before the server";
