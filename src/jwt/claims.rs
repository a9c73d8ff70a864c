//! What a verified token says.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;

use super::base64url;
use super::claim_rules::{ClaimRules, Named};
use super::limits::{MAX_FUTURE_SECONDS, MAX_LEEWAY, MAX_SUBJECT_BYTES};
use super::numeric_date::to_system_time;
use super::raw_claims::RawClaims;
use super::span::{Audience, Scope, Span};
use super::strict_json::Value;
use crate::clock::Clock;
use crate::error::{AuthError, RejectReason};

/// The claims of a verified token (RFC 7519, section 4.1).
///
/// The registered claims have an accessor each. Claims of your own are read on demand with
/// [`deserialize`](Self::deserialize), so that nobody pays for what nobody reads. Cheap to clone.
///
/// A claim says what was true when the token was made. Whether the account may come in *now* is
/// read from the user.
#[derive(Clone)]
pub struct Claims {
    // The payload, and after it the texts that had escapes there.
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
    /// `exp` present, `sub`, `exp`, `nbf`, `iat`, `iss` and `aud` of their types. Times are for the verifier to judge, with
    /// [`validate_times`](Self::validate_times) for example.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::error::AuthErrorKind::InvalidToken) with the reason as its source.
    pub fn from_json(json: impl AsRef<str>) -> Result<Self, AuthError> {
        Self::parse(json.as_ref()).map_err(AuthError::refused)
    }

    /// The same claims, if they are valid by this clock (`exp`, `nbf`, `iat`), for a
    /// [`Verifier`](crate::jwt::Verifier) of your own. The clock of whoever made them may differ by
    /// `leeway`, of which at most 300 seconds count; `nbf` and `iat` may be 5 seconds ahead of that.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_warder::Claims;
    /// use tower_warder::clock::Clock;
    ///
    /// let claims = Claims::from_json(r#"{"sub":"7","exp":1767225600}"#)?;
    /// assert!(claims.validate_times(&Clock::system(), Duration::ZERO).is_err()); // since 2026
    /// # Ok::<(), tower_warder::AuthError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::error::AuthErrorKind::InvalidToken) with the reason as its source.
    pub fn validate_times(self, clock: &Clock, leeway: Duration) -> Result<Self, AuthError> {
        let leeway = leeway.min(MAX_LEEWAY).as_secs_f64();
        match self.check_times(clock.numeric_date(), leeway) {
            Ok(()) => Ok(self),
            Err(refusal) => Err(AuthError::refused(refusal)),
        }
    }

    /// Whom the token is about: `sub`, or the claim that
    /// [`JwtVerifier::subject_claims`](crate::JwtVerifier::subject_claims) chooses. It has 1 to 255
    /// bytes without control characters.
    pub fn subject(&self) -> &str {
        self.subject.of(&self.text)
    }

    /// Who made the token (`iss`).
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.map(|span| span.of(&self.text))
    }

    /// Whom the token is for (`aud`), one or several; none if the token does not say.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        let spans = self.audience.as_ref().map_or(&[][..], Audience::spans);
        spans.iter().map(|span| span.of(&self.text))
    }

    /// When the token ends (`exp`).
    pub fn expires_at(&self) -> SystemTime {
        to_system_time(self.expires_at)
    }

    /// When the token begins (`nbf`).
    pub fn not_before(&self) -> Option<SystemTime> {
        self.not_before.map(to_system_time)
    }

    /// When the token was made (`iat`).
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at.map(to_system_time)
    }

    /// The token's own name (`jti`).
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.map(|span| span.of(&self.text))
    }

    /// What the token may be used for: `scope`, or what
    /// [`JwtVerifier::scope_claims`](crate::JwtVerifier::scope_claims) names. The words between blanks of a string (RFC 8693,
    /// section 4.2), and the strings of an array as they stand. Anything else grants nothing.
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

    /// The generation of the account's tokens that this one belongs to: `gen`, or what
    /// [`JwtVerifier::generation_claim`](crate::JwtVerifier::generation_claim) names. 0 if the token
    /// does not say, `None` if it says something else than a whole number. See
    /// [`AuthUser::token_generation`](crate::AuthUser::token_generation).
    pub fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// Reads the payload into a type of your own.
    ///
    /// ```
    /// # use tower_warder::{testing, Claims};
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
    /// [`InvalidToken`](crate::error::AuthErrorKind::InvalidToken) if the claims are not of this form.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, AuthError> {
        // The parser's text may quote the token and is dropped.
        let payload = self.text.get(..self.payload_end).unwrap_or_default();
        serde_json::from_str(payload).map_err(|_| AuthError::refused(RejectReason::CustomClaims))
    }

    /// Reads an encoded payload.
    pub(super) fn decode(segment: &str, rules: Option<&ClaimRules>) -> Result<Self, RejectReason> {
        let parse = |buffer: &mut [u8]| {
            let payload = base64url::decode(segment, buffer)?;
            let payload = std::str::from_utf8(payload).map_err(|_| RejectReason::Claims)?;
            Self::parse_by(rules, payload)
        };
        match base64::decoded_len_estimate(segment.len()) {
            // Most are short: what is kept of them is the only allocation.
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

    /// `exp`, `nbf` and `iat` against the clock (RFC 7519, sections 4.1.4 to 4.1.6).
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

    pub(super) fn has_expired(&self, now: f64) -> bool {
        now >= self.expires_at
    }

    /// A claim that is a string, by its name.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Any claim, by its name: by another look at the payload.
    pub(super) fn value(&self, name: &str) -> Option<Value<'_>> {
        let payload = self.text.get(..self.payload_end)?;
        let named = Named::read(payload, [name].into_iter()).ok()?;
        named.value(name).cloned()
    }

    pub(super) const fn has_audience(&self) -> bool {
        self.audience.is_some()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("subject", &self.subject())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

/// Whether `subject` may stand in a token: short, and nothing that a log or a store trips over.
pub(super) fn is_subject(subject: &str) -> bool {
    !subject.is_empty()
        && subject.len() <= MAX_SUBJECT_BYTES
        && !subject.bytes().any(|byte| byte.is_ascii_control())
        && (subject.is_ascii() || !subject.contains(char::is_control))
}

/// A decoded payload up to this length is read on the stack.
const SHORT_PAYLOAD_BYTES: usize = 1024;
