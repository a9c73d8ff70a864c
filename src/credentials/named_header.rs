//! Bare token in a header of a configurable name.

use http::Request;
use http::header::{
    AUTHORIZATION, COOKIE, HeaderMap, HeaderName, PROXY_AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL,
};

use super::credential::{Credential, CredentialError, SentIn, only, only_line};
use super::csrf::Origins;
use crate::error::ConfigError;

/// Headers in which an authenticating proxy sends the token.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedHeaders {
    names: Vec<HeaderName>,
    origins: Origins,
}

impl NamedHeaders {
    pub(super) fn add(&mut self, name: &str) -> Result<(), ConfigError> {
        let invalid = || ConfigError::InvalidHeaderName(name.to_owned());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        if OTHER_FORMATS.contains(&name) {
            return Err(invalid());
        }
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        Ok(())
    }

    pub(super) fn trust(&mut self, origin: &str) -> Result<(), ConfigError> {
        self.origins.add(origin)
    }

    /// Finds the credential in the headers.
    pub(super) fn find<B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<Option<Credential>, CredentialError> {
        let headers = request.headers_mut();
        let read = |found, name| only(found, read(headers, name));
        match self.names.iter().fold(Ok(None), read) {
            Ok(None) => Ok(None),
            // CSRF: the proxy authenticates browsers by a cookie.
            _ if !self.origins.admit(request) => Err(CredentialError::CrossOrigin),
            found => found,
        }
    }
}

fn read(headers: &mut HeaderMap, name: &HeaderName) -> Result<Option<Credential>, CredentialError> {
    // Some proxies send an empty value for requests that are not authenticated.
    let value = only_line(headers, name)?.filter(|value| !value.is_empty());
    Ok(value.map(|value| {
        let whole = 0..value.len();
        Credential::new(value, whole, SentIn::Header)
    }))
}

/// Headers whose values are not a bare token.
const OTHER_FORMATS: [HeaderName; 4] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    SEC_WEBSOCKET_PROTOCOL,
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::super::credential::is_malformed;
    use super::*;

    fn find(lines: &[&[u8]]) -> Result<Option<Credential>, CredentialError> {
        let mut headers = NamedHeaders::default();
        headers.add("Cf-Access-Jwt-Assertion").unwrap();
        let mut request = Request::new(());
        for line in lines {
            let line = HeaderValue::from_bytes(line).unwrap();
            request.headers_mut().append(NAME, line);
        }
        let found = headers.find(&mut request);
        let lines = request.headers().get_all(NAME);
        assert!(lines.iter().all(HeaderValue::is_sensitive));
        found
    }

    #[test]
    fn bare_token_is_found() {
        let credential = find(&[b"a.b-c_d~e+f/g=="]).unwrap().unwrap();
        assert_eq!(credential.token(20, false).unwrap(), "a.b-c_d~e+f/g==");
        assert!(!credential.may_be_ticket() && !credential.is_cookie());
    }

    #[test]
    fn absent_or_empty_header_is_no_credential() {
        assert!(matches!(find(&[]), Ok(None)));
        assert!(matches!(find(&[b""]), Ok(None)));
    }

    #[test]
    fn value_that_is_not_one_b64token_is_malformed() {
        for line in [
            &b"Bearer a.b.c"[..],
            b"a.b.c, d.e.f",
            b"a.b.c d.e.f",
            b" a.b.c",
            b"a.b.c ",
            b"\ta.b.c",
            b"\"a.b.c\"",
            b"a%2eb",
            b"a=b",
            b"==",
            b" ",
            b"\xff",
            b"a\xc2\xa0b",
        ] {
            assert!(is_malformed(&find(&[line])), "{line:?}");
        }
    }

    #[test]
    fn second_line_is_rejected() {
        for lines in [[&b"a.b.c"[..], b"a.b.c"], [b"a.b.c", b""], [b"", b""]] {
            let found = find(&lines);
            assert!(matches!(found, Err(CredentialError::Multiple)), "{lines:?}");
        }
    }

    #[test]
    fn invalid_or_reserved_header_name_is_rejected() {
        for name in [
            "",
            "a b",
            "a:",
            "ä",
            "Authorization",
            "proxy-authorization",
            "COOKIE",
            "Sec-WebSocket-Protocol",
        ] {
            let added = NamedHeaders::default().add(name);
            assert!(
                matches!(added, Err(ConfigError::InvalidHeaderName(_))),
                "{name}"
            );
        }
    }

    const NAME: &str = "cf-access-jwt-assertion";
}
