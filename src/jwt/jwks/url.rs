//! Where keys may be fetched from.

use std::fmt;
use std::net::IpAddr;

use http::{Request, Uri};
use reqwest::Url;

use crate::error::ConfigError;

/// A URL that may be asked for keys: `https`, or `http` on this machine, or anywhere if that is
/// allowed. Without credentials.
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

    /// Where the discovery document of an issuer is (OpenID Connect Discovery 1.0, section 4.1).
    pub(super) fn discovery(issuer: &str, allows_http: bool) -> Result<Self, ConfigError> {
        if issuer.contains(['?', '#']) {
            return Err(ConfigError::InvalidUrl(shown(issuer)));
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let document = format!("{base}/.well-known/openid-configuration");
        Self::parse(&document, allows_http)
    }

    /// Where a document from here says that the keys are. What came through TLS does not lead out
    /// of it.
    pub(super) fn leads_to(&self, text: &str) -> Option<Self> {
        Self::read(text, self.allows_http).filter(|there| self.is_plain || !there.is_plain)
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
        // As one parser understood it, so that no other takes it for another host.
        let uri = url.as_str().parse().ok()?;
        Some(Self {
            uri,
            is_plain,
            allows_http,
        })
    }

    /// Whether it is asked without TLS.
    pub(super) const fn is_plain(&self) -> bool {
        self.is_plain
    }

    pub(super) fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = self.uri.clone();
        request
    }
}

/// Without the query, where some put a secret.
impl fmt::Display for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.uri.to_string()))
    }
}

/// What of a text may stand in an error: neither a query nor a password. Of what is no URL,
/// nothing: nobody knows what it is.
fn shown(text: &str) -> String {
    let shown = |url: Url| {
        let host = url.host_str()?;
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        Some(format!("{}://{host}{port}{}", url.scheme(), url.path()))
    };
    let url = Url::parse(text).ok().and_then(shown);
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
    fn keys_come_by_https_or_from_this_machine() {
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
            assert!(JwksUrl::parse(good, false).is_ok(), "{good}");
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
            // `https:///keys@` is a host called `keys` with a user, for browsers and for us.
            assert!(JwksUrl::parse(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_came_by_tls_does_not_lead_out_of_it() {
        let secure = JwksUrl::parse("https://login.example", false).unwrap();
        assert!(secure.leads_to("https://keys.example/keys").is_some());
        assert!(secure.leads_to("http://localhost/keys").is_none());
        let local = JwksUrl::parse("http://localhost", false).unwrap();
        assert!(local.leads_to("http://localhost:8080/keys").is_some());
        assert!(local.leads_to("https://keys.example/keys").is_some());
        assert!(local.leads_to("http://keys.example/keys").is_none());
    }

    #[test]
    fn http_elsewhere_loosens_nothing_else() {
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
        assert!(plain.leads_to("http://keys:8080/keys").is_some());
        assert!(plain.leads_to("http://user:secret@keys/keys").is_none());
        // What came by TLS does not lead out of it even so.
        let secure = JwksUrl::parse("https://login.example", true).unwrap();
        assert!(secure.leads_to("http://keys:8080/keys").is_none());
        assert!(secure.leads_to("http://localhost/keys").is_none());
    }

    #[test]
    fn discovery_is_below_the_issuer() {
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
            let address = JwksUrl::discovery(issuer, false).unwrap();
            assert_eq!(address.to_string(), document);
        }
        for bad in ["https://login.example?tenant=7", "https://login.example#7"] {
            assert!(JwksUrl::discovery(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_secret_of_a_url_is_shown() {
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
