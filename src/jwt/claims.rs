//! Claims of a verified token.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[cfg(feature = "axum")]
use memchr::memmem;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::base64url;
use super::claim_rules::{ClaimRules, Named};
use super::json_reader::Value;
use super::limits::{MAX_FUTURE_SECONDS, MAX_LEEWAY, MAX_SUBJECT_BYTES};
use super::numeric_date::{is_in_range, to_system_time};
use super::raw_claims::RawClaims;
use super::span::{Audience, Scope, Span};
use crate::clock::Clock;
use crate::error::{AuthError, RejectReason};

/// The claims of a verified token (RFC 7519, section 4.1).
///
/// The registered claims have an accessor each. Claims of your own are read on demand with
/// [`deserialize`](Self::deserialize). Clones share the payload.
///
/// A claim states what was true when the token was issued. Whether the account is authorized *now*
/// is read from the user, on each request.
#[derive(Clone)]
pub struct Claims {
    // The payload, followed by the unescaped form of strings that had escapes in it.
    text: Arc<str>,
    payload_end: usize,
    subject: Span,
    issuer: Option<Span>,
    audience: Option<Audience>,
    expires_at: f64,
    not_before: Option<f64>,
    issued_at: Option<f64>,
    token_id: Option<Span>,
    scope: Option<Scope>,
    generation: Option<u64>,
}

impl Claims {
    /// Reads claims from a JSON object, for a [`Verifier`](crate::jwt::Verifier) of your own.
    ///
    /// The form is checked as it is for a token: one object without duplicate names, `sub` and
    /// `exp` present, `sub`, `exp`, `nbf`, `iat`, `iss` and `aud` of the right type. Times are not
    /// compared with a clock; use [`validate_times`](Self::validate_times) for that.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::error::AuthErrorKind::InvalidToken) with the reason as its source.
    pub fn from_json(json: impl AsRef<str>) -> Result<Self, AuthError> {
        Self::parse(json.as_ref()).map_err(AuthError::rejected)
    }

    /// Returns the claims if `exp`, `nbf` and `iat` are valid by this clock, for a
    /// [`Verifier`](crate::jwt::Verifier) of your own. The issuer's clock may differ by `leeway`,
    /// which is limited to 300 seconds; `nbf` and `iat` may be another 5 seconds in the future.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tower_warder::Claims;
    /// use tower_warder::clock::Clock;
    ///
    /// let claims = Claims::from_json(r#"{"sub":"7","exp":1767225600}"#)?;
    /// assert!(claims.validate_times(&Clock::system(), Duration::ZERO).is_err()); // expired in 2026
    /// # Ok::<(), tower_warder::AuthError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::error::AuthErrorKind::InvalidToken) with the reason as its source.
    #[doc(alias = "clock skew")]
    pub fn validate_times(self, clock: &Clock, leeway: Duration) -> Result<Self, AuthError> {
        let leeway = leeway.min(MAX_LEEWAY).as_secs_f64();
        match self.check_times(clock.numeric_date(), leeway) {
            Ok(()) => Ok(self),
            Err(reason) => Err(AuthError::rejected(reason)),
        }
    }

    /// Subject of the token: `sub`, or the claim that
    /// [`JwtVerifier::subject_claims`](crate::JwtVerifier::subject_claims) chooses. It has 1 to 255
    /// bytes without control characters.
    pub fn subject(&self) -> &str {
        self.subject.of(&self.text)
    }

    /// Issuer of the token (`iss`).
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.map(|span| span.of(&self.text))
    }

    /// Audiences of the token (`aud`). Empty if the claim is absent.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        let spans = self.audience.as_ref().map_or(&[][..], Audience::spans);
        spans.iter().map(|span| span.of(&self.text))
    }

    /// Time at which the token expires (`exp`).
    pub fn expires_at(&self) -> SystemTime {
        to_system_time(self.expires_at)
    }

    /// Time before which the token is not valid (`nbf`).
    pub fn not_before(&self) -> Option<SystemTime> {
        self.not_before.map(to_system_time)
    }

    /// Time at which the token was issued (`iat`).
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at.map(to_system_time)
    }

    /// Time of the user's log-in (`auth_time`, OpenID Connect Core 1.0, section 2): a renewed token has
    /// the same. `None` if the claim is absent or no valid time.
    ///
    /// Reads the payload again at each call. [`RecentLogin`](crate::policy::RecentLogin) requires a
    /// maximum age.
    pub fn auth_time(&self) -> Option<SystemTime> {
        self.login_date().map(to_system_time)
    }

    /// ID of the token (`jti`).
    #[doc(alias = "jti")]
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.map(|span| span.of(&self.text))
    }

    /// Scopes of the token: `scope`, or the claims that
    /// [`JwtVerifier::scope_claims`](crate::JwtVerifier::scope_claims) names. A string is split at
    /// spaces (RFC 8693, section 4.2), the strings of an array are taken as they are. Any other type
    /// grants nothing.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let (words, each) = match &self.scope {
            None => ("", &[][..]),
            Some(Scope::Words(words)) => (words.of(&self.text), &[][..]),
            Some(Scope::Each(spans)) => ("", &**spans),
        };
        let each = each.iter().map(|span| span.of(&self.text));
        words
            .split(' ')
            .chain(each)
            .filter(|scope| !scope.is_empty())
    }

    /// Token generation of the account when the token was issued: `gen`, or the claim that
    /// [`JwtVerifier::generation_claim`](crate::JwtVerifier::generation_claim) names. 0 if the claim
    /// is absent, `None` if it is not a whole number. See
    /// [`AuthUser::token_generation`](crate::AuthUser::token_generation).
    pub fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// Deserializes the payload into a type of your own.
    ///
    /// ```
    /// use tower_warder::Claims;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Tenant {
    ///     tenant: String,
    /// }
    ///
    /// let claims = Claims::from_json(r#"{"sub":"7","exp":4102444800,"tenant":"acme"}"#)?;
    /// assert_eq!(claims.deserialize::<Tenant>()?.tenant, "acme");
    /// # Ok::<(), tower_warder::AuthError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::error::AuthErrorKind::InvalidToken) if the claims do not deserialize
    /// into `T`.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, AuthError> {
        // The parser's message may quote the token, so it is dropped.
        let payload = self.text.get(..self.payload_end).unwrap_or_default();
        serde_json::from_str(payload).map_err(|_| AuthError::rejected(RejectReason::CustomClaims))
    }

    /// Reads an encoded payload.
    pub(super) fn decode(segment: &str, rules: Option<&ClaimRules>) -> Result<Self, RejectReason> {
        let parse = |buffer: &mut [u8]| {
            let payload = base64url::decode(segment, buffer)?;
            let payload = std::str::from_utf8(payload).map_err(|_| RejectReason::Claims)?;
            Self::parse_by(rules, payload)
        };
        match base64::decoded_len_estimate(segment.len()) {
            // Most payloads are short: the kept text is then the only allocation.
            ..=SHORT_PAYLOAD_BYTES => parse(&mut [0; SHORT_PAYLOAD_BYTES]),
            length => parse(&mut vec![0; length]),
        }
    }

    pub(super) fn parse(payload: &str) -> Result<Self, RejectReason> {
        Self::parse_by(None, payload)
    }

    fn parse_by(rules: Option<&ClaimRules>, payload: &str) -> Result<Self, RejectReason> {
        let numeric_subject = rules.is_some_and(|rules| rules.numeric_subject);
        let mut read = RawClaims::read(payload, numeric_subject)?;
        if let Some(rules) = rules {
            rules.apply(payload, &mut read)?;
        }
        let subject = read.subject.ok_or(RejectReason::NoSubject)?;
        if !is_subject(read.text(subject)) {
            return Err(RejectReason::Subject);
        }
        Ok(Self {
            payload_end: payload.len(),
            subject,
            issuer: read.issuer,
            expires_at: read.expires_at.ok_or(RejectReason::NoExpiry)?,
            not_before: read.not_before,
            issued_at: read.issued_at,
            token_id: read.token_id,
            generation: read.generation,
            text: read.all_text(),
            audience: read.audience,
            scope: read.scope,
        })
    }

    /// Compares `exp`, `nbf` and `iat` with the clock (RFC 7519, sections 4.1.4 to 4.1.6).
    pub(super) fn check_times(&self, now: f64, leeway: f64) -> Result<(), RejectReason> {
        if self.has_expired(now - leeway) {
            return Err(RejectReason::Expired);
        }
        let latest = now + leeway + MAX_FUTURE_SECONDS;
        if self.not_before.is_some_and(|date| date > latest) {
            return Err(RejectReason::NotYetValid);
        }
        if self.issued_at.is_some_and(|date| date > latest) {
            return Err(RejectReason::IssuedInFuture);
        }
        Ok(())
    }

    /// Compares `auth_time` with the clock.
    pub(crate) fn check_login(
        &self,
        clock: &Clock,
        leeway: Duration,
        max_age: Duration,
    ) -> Result<(), RejectReason> {
        let login = self.login_date().ok_or(RejectReason::NoLoginTime)?;
        let (now, leeway) = (clock.numeric_date(), leeway.min(MAX_LEEWAY).as_secs_f64());
        if now - login > max_age.as_secs_f64() + leeway {
            return Err(RejectReason::LoginTooOld);
        }
        if login > now + leeway + MAX_FUTURE_SECONDS {
            return Err(RejectReason::LoginInFuture);
        }
        Ok(())
    }

    fn login_date(&self) -> Option<f64> {
        #[derive(Deserialize)]
        struct Login {
            auth_time: f64,
        }

        let login: Login = self.deserialize().ok()?;
        is_in_range(login.auth_time).then_some(login.auth_time)
    }

    pub(super) fn has_expired(&self, now: f64) -> bool {
        now >= self.expires_at
    }

    /// Value of the claim called `name`, if it is a string, for a claim that most tokens do not have.
    ///
    /// A name that is written with escapes is not found: no issuer of this crate writes one.
    #[cfg(feature = "axum")]
    pub(crate) fn rare_text(&self, name: &str) -> Option<Cow<'_, str>> {
        let payload = self.text.get(..self.payload_end)?;
        memmem::find(payload.as_bytes(), name.as_bytes())?;
        self.text(name)
    }

    /// Value of the claim called `name`, if it is a string.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Value of the claim called `name`, read in another pass over the payload.
    pub(super) fn value(&self, name: &str) -> Option<Value<'_>> {
        let payload = self.text.get(..self.payload_end)?;
        let named = Named::read(payload, [name].into_iter()).ok()?;
        named.value(name).cloned()
    }

    pub(super) const fn has_audience(&self) -> bool {
        self.audience.is_some()
    }
}

impl_debug! { self: Claims, subject = self.subject(), expires_at = self.expires_at() }

/// Returns `true` if `subject` is not empty, at most 255 bytes long and free of control characters,
/// which could break a log or a store.
pub(super) fn is_subject(subject: &str) -> bool {
    // Without an early exit, so that the loop is vectorized: most subjects are valid.
    let add_control = |found, byte: u8| found | byte.is_ascii_control();
    !subject.is_empty()
        && subject.len() <= MAX_SUBJECT_BYTES
        && !subject.bytes().fold(false, add_control)
        && (subject.is_ascii() || !subject.contains(char::is_control))
}

/// Longest decoded payload that is read on the stack.
const SHORT_PAYLOAD_BYTES: usize = 1024;
