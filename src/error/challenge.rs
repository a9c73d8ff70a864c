//! The `WWW-Authenticate` challenges of RFC 6750, section 3, and RFC 9470, section 3.

use http::HeaderValue;

use super::config::ConfigError;

/// Challenges of one realm, built once.
#[derive(Debug)]
pub(crate) struct Challenges([HeaderValue; 5]);

#[derive(Clone, Copy)]
pub(super) enum Challenge {
    Bare,
    InvalidToken,
    InvalidRequest,
    InsufficientScope,
    InsufficientUserAuthentication,
}

/// Challenges of the default realm.
pub(super) static DEFAULT: Challenges = Challenges([
    HeaderValue::from_static(Challenge::Bare.text()),
    HeaderValue::from_static(Challenge::InvalidToken.text()),
    HeaderValue::from_static(Challenge::InvalidRequest.text()),
    HeaderValue::from_static(Challenge::InsufficientScope.text()),
    HeaderValue::from_static(Challenge::InsufficientUserAuthentication.text()),
]);

impl Challenges {
    pub(crate) fn new(realm: &str) -> Result<Self, ConfigError> {
        // A quoted string without escapes (RFC 9110, section 5.6.4).
        let plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if !realm.bytes().all(plain) {
            return Err(ConfigError::InvalidRealm);
        }
        let value = |challenge: Challenge| {
            HeaderValue::try_from(challenge.text().replace(DEFAULT_REALM, realm))
                .map_err(|_| ConfigError::InvalidRealm)
        };
        Ok(Self([
            value(Challenge::Bare)?,
            value(Challenge::InvalidToken)?,
            value(Challenge::InvalidRequest)?,
            value(Challenge::InsufficientScope)?,
            value(Challenge::InsufficientUserAuthentication)?,
        ]))
    }

    pub(super) const fn get(&self, challenge: Challenge) -> &HeaderValue {
        let [
            bare,
            invalid_token,
            invalid_request,
            insufficient_scope,
            login,
        ] = &self.0;
        match challenge {
            Challenge::Bare => bare,
            Challenge::InvalidToken => invalid_token,
            Challenge::InvalidRequest => invalid_request,
            Challenge::InsufficientScope => insufficient_scope,
            Challenge::InsufficientUserAuthentication => login,
        }
    }

    /// Challenge that asks for a log-in of at most this age.
    pub(super) fn for_max_age(&self, seconds: u64) -> HeaderValue {
        let challenge = self.get(Challenge::InsufficientUserAuthentication);
        let with_age = [challenge.as_bytes(), max_age(seconds).as_bytes()].concat();
        // The realm and a number: always valid.
        HeaderValue::try_from(with_age).unwrap_or_else(|_| challenge.clone())
    }
}

impl Challenge {
    const fn text(self) -> &'static str {
        match self {
            Self::Bare => r#"Bearer realm="api""#,
            Self::InvalidToken => r#"Bearer realm="api", error="invalid_token""#,
            Self::InvalidRequest => r#"Bearer realm="api", error="invalid_request""#,
            Self::InsufficientScope => r#"Bearer realm="api", error="insufficient_scope""#,
            Self::InsufficientUserAuthentication => {
                r#"Bearer realm="api", error="insufficient_user_authentication""#
            }
        }
    }
}

fn max_age(seconds: u64) -> String {
    format!(r#", max_age="{seconds}""#)
}

const DEFAULT_REALM: &str = "api";
