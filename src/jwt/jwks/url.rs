//! URLs that keys may be fetched from.

use std::fmt;
use std::net::IpAddr;

use http::{Request, Uri};
use reqwest::Url;

use crate::error::ConfigError;

/// URL of keys or of a discovery document, without credentials: `https`, or `http` on this machine,
/// or `http` on any host if that is allowed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct JwksUrl {
    uri: Uri,
    is_plain: bool,
    allows_http: bool,
}

impl JwksUrl {
    pub(super) fn parse(text: &str, allows_http: bool) -> Result<Self, ConfigError> {
        Self::read(text, allows_http).ok_or_else(|| ConfigError::InvalidUrl(shown(text)))
    }

    /// Returns the URL of an issuer's discovery document (OpenID Connect Discovery 1.0, section 4.1).
    pub(super) fn discovery(issuer: &str, allows_http: bool) -> Result<Self, ConfigError> {
        if issuer.contains(['?', '#']) {
            return Err(ConfigError::InvalidUrl(shown(issuer)));
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let document = format!("{base}/.well-known/openid-configuration");
        Self::parse(&document, allows_http)
    }

    /// Parses a URL in a document fetched from this one. A document fetched over TLS must not refer to
    /// plain `http`.
    pub(super) fn parse_linked(&self, text: &str) -> Option<Self> {
        Self::read(text, self.allows_http).filter(|linked| self.is_plain || !linked.is_plain)
    }

    fn read(text: &str, allows_http: bool) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_plain = match url.scheme() {
            "https" => false,
            "http" if allows_http || is_loopback(url.host_str()?) => true,
            _ => return None,
        };
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        // Serialized from the parsed form, so that another parser cannot see another host.
        let uri = url.as_str().parse().ok()?;
        Some(Self {
            uri,
            is_plain,
            allows_http,
        })
    }

    /// Returns `true` for `http`.
    pub(super) const fn is_plain(&self) -> bool {
        self.is_plain
    }

    pub(super) fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = self.uri.clone();
        request
    }
}

/// Shows the URL without its query, which may hold a secret.
impl fmt::Display for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.uri.to_string()))
    }
}

/// Part of a URL that may appear in an error: no query and no credentials. Text that is not a URL is
/// not shown, because it may be a secret.
fn shown(text: &str) -> String {
    let without_secrets = |url: Url| {
        let host = url.host_str()?;
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        Some(format!("{}://{host}{port}{}", url.scheme(), url.path()))
    };
    let url = Url::parse(text).ok().and_then(without_secrets);
    url.unwrap_or_else(|| "an unreadable URL".to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_must_be_https_or_local() {
        for good in [
            "https://login.example/keys",
            "https://login.example:8443/keys?format=jwks",
            "https://10.0.0.1/keys",
            "http://localhost:3000/keys",
            "http://LOCALHOST/keys",
            "http://127.0.0.1/keys",
            "http://127.8.8.8:1/keys",
            "http://127.1/keys",
            "http://[::1]:3000/keys",
        ] {
            let is_plain = JwksUrl::parse(good, false).map(|url| url.is_plain());
            assert_eq!(is_plain.ok(), Some(good.starts_with("http:")), "{good}");
        }
        for bad in [
            "",
            "login.example",
            "/keys",
            "http://login.example/keys",
            "http://10.0.0.1/keys",
            "http://169.254.169.254/latest/meta-data",
            "http://0.0.0.0/keys",
            "http://[::]/keys",
            "http://[::ffff:10.0.0.1]/keys",
            "http://localhost.evil.example/keys",
            "http://127.0.0.1.evil.example/keys",
            "http://127.0.0.1@evil.example/keys",
            "http://evil.example\\@127.0.0.1/keys",
            "http://evil.example#@127.0.0.1/keys",
            "https://user@login.example/keys",
            "https://user:secret@login.example/keys",
            "https:///keys@",
            "file:///etc/passwd",
            "ftp://localhost/keys",
            "data:application/json,{}",
        ] {
            // `https:///keys@` has the user `keys`, for browsers and for this parser.
            assert!(JwksUrl::parse(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn linked_url_does_not_downgrade_from_tls() {
        let secure = JwksUrl::parse("https://login.example", false).unwrap();
        assert!(secure.parse_linked("https://keys.example/keys").is_some());
        assert!(secure.parse_linked("http://localhost/keys").is_none());
        let local = JwksUrl::parse("http://localhost", false).unwrap();
        assert!(local.parse_linked("http://localhost:8080/keys").is_some());
        assert!(local.parse_linked("https://keys.example/keys").is_some());
        assert!(local.parse_linked("http://keys.example/keys").is_none());
    }

    #[test]
    fn allowing_http_relaxes_no_other_rule() {
        for good in [
            "http://keycloak:8080/realms/shop",
            "http://10.0.0.1/keys",
            "https://login.example/keys",
        ] {
            assert!(JwksUrl::parse(good, true).is_ok(), "{good}");
        }
        for bad in [
            "",
            "keycloak:8080/keys",
            "http://user@keycloak/keys",
            "http://user:secret@keycloak/keys",
            "file:///etc/passwd",
            "ftp://keycloak/keys",
            "ws://keycloak/keys",
        ] {
            assert!(JwksUrl::parse(bad, true).is_err(), "{bad}");
        }
        let plain = JwksUrl::parse("http://keycloak:8080", true).unwrap();
        assert!(plain.parse_linked("http://keys:8080/keys").is_some());
        assert!(plain.parse_linked("http://user:secret@keys/keys").is_none());
        // Even so, a document fetched over TLS does not refer to `http`.
        let secure = JwksUrl::parse("https://login.example", true).unwrap();
        assert!(secure.parse_linked("http://keys:8080/keys").is_none());
        assert!(secure.parse_linked("http://localhost/keys").is_none());
    }

    #[test]
    fn discovery_url_is_below_the_issuer() {
        for (issuer, document) in [
            (
                "https://login.example",
                "https://login.example/.well-known/openid-configuration",
            ),
            (
                "https://login.example/",
                "https://login.example/.well-known/openid-configuration",
            ),
            (
                "https://login.example/realms/shop",
                "https://login.example/realms/shop/.well-known/openid-configuration",
            ),
        ] {
            let url = JwksUrl::discovery(issuer, false).unwrap();
            assert_eq!(url.to_string(), document);
        }
        for bad in ["https://login.example?tenant=7", "https://login.example#7"] {
            assert!(JwksUrl::discovery(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_in_a_url_are_not_shown() {
        let bad = "http://user:hunter2@login.example/keys?code=hunter2";
        let error = JwksUrl::parse(bad, false).err().unwrap().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        for bad in [
            "https://user:hunter2?s@login.example/keys",
            "https://user:hun/hunter2@login.example:x",
            "hunter2",
        ] {
            let error = JwksUrl::parse(bad, false).err().unwrap().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let good = JwksUrl::parse("https://login.example:8/keys@v2?code=hunter2", false).unwrap();
        assert_eq!(good.to_string(), "https://login.example:8/keys@v2");
    }
}
