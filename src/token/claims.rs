//! What a verified token says.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{DeserializeOwned, MapAccess};

use super::base64url;
use super::json::{self, Ignored, Members, NumericDate, OneOrMany, Text, Texts};
use crate::error::{AuthError, Refusal};

/// The claims of a verified token (RFC 7519, section 4.1).
///
/// The registered claims have an accessor each. Claims of your own are read on demand with
/// [`custom`](Self::custom), so that nobody pays for what nobody reads. Cheap to clone.
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
    scope: Option<Span>,
    generation: u64,
}

impl Claims {
    /// Reads claims from a JSON object, for a [`Verifier`](crate::Verifier) of your own.
    ///
    /// The form is checked as it is for a token: one object without duplicate names, `sub` and
    /// `exp` present, registered claims of their types. Times are for the verifier to judge.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::AuthErrorKind::InvalidToken) with the reason as its source.
    pub fn from_json(json: impl AsRef<str>) -> Result<Self, AuthError> {
        Self::parse(json.as_ref()).map_err(AuthError::refused)
    }

    /// Whom the token is about (`sub`): 1 to 255 bytes without control characters.
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
        system_time(self.expires_at)
    }

    /// When the token begins (`nbf`).
    pub fn not_before(&self) -> Option<SystemTime> {
        self.not_before.map(system_time)
    }

    /// When the token was made (`iat`).
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at.map(system_time)
    }

    /// The token's own name (`jti`).
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.map(|span| span.of(&self.text))
    }

    /// What the token may be used for (`scope`, RFC 8693, section 4.2): words between blanks.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let scope = self.scope.map_or("", |span| span.of(&self.text));
        scope.split(' ').filter(|word| !word.is_empty())
    }

    /// The generation of the account's tokens that this one belongs to (`gen`); 0 if the token
    /// does not say. See [`AuthUser::token_generation`](crate::AuthUser::token_generation).
    pub fn generation(&self) -> u64 {
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
    /// assert_eq!(claims.custom::<Tenant>()?.tenant, "acme");
    /// # Ok::<(), tower_warder::AuthError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::AuthErrorKind::InvalidToken) if the claims are not of this form.
    pub fn custom<T: DeserializeOwned>(&self) -> Result<T, AuthError> {
        // The parser's text may quote the token and is dropped.
        let payload = self.text.get(..self.payload_end).unwrap_or_default();
        serde_json::from_str(payload).map_err(|_| AuthError::refused(Refusal::CustomClaims))
    }

    /// Reads an encoded payload.
    pub(super) fn decode(segment: &str) -> Result<Self, Refusal> {
        let parse = |buffer: &mut [u8]| {
            let payload = base64url::decode(segment, buffer)?;
            Self::parse(std::str::from_utf8(payload).map_err(|_| Refusal::Claims)?)
        };
        match base64::decoded_len_estimate(segment.len()) {
            // Most are short: what is kept of them is the only allocation.
            ..=SHORT_PAYLOAD => parse(&mut [0; SHORT_PAYLOAD]),
            length => parse(&mut vec![0; length]),
        }
    }

    pub(super) fn parse(payload: &str) -> Result<Self, Refusal> {
        // So that a piece of it is two small numbers.
        if payload.len() > MAX_PAYLOAD {
            return Err(Refusal::Size);
        }
        let read = json::read_object(payload, Payload::default()).map_err(|_| Refusal::Claims)?;
        let subject = read.subject.ok_or(Refusal::Subject)?;
        if !is_subject(&subject) {
            return Err(Refusal::Subject);
        }
        let expires_at = read.expires_at.ok_or(Refusal::Expiry)?;

        let mut kept = Kept::beginning_with(payload);
        let subject = kept.span(subject);
        let issuer = read.issuer.map(|text| kept.span(text));
        let audience = read.audience.map(|texts| match texts {
            Texts::One(text) => Audience::One([kept.span(text)]),
            Texts::Many(texts) => {
                Audience::Many(texts.into_iter().map(|text| kept.span(text)).collect())
            }
        });
        let token_id = read.token_id.map(|text| kept.span(text));
        let scope = read.scope.map(|text| kept.span(text));
        Ok(Self {
            text: kept.text(),
            payload_end: payload.len(),
            subject,
            issuer,
            audience,
            expires_at,
            not_before: read.not_before,
            issued_at: read.issued_at,
            token_id,
            scope,
            generation: read.generation.unwrap_or(0),
        })
    }

    /// `exp`, `nbf` and `iat` against the clock (RFC 7519, sections 4.1.4 to 4.1.6).
    pub(super) fn check_times(&self, now: f64, leeway: f64) -> Result<(), Refusal> {
        if self.has_expired(now - leeway) {
            return Err(Refusal::Expired);
        }
        if self.not_before.is_some_and(|date| date > now + leeway) {
            return Err(Refusal::NotYetValid);
        }
        if self.issued_at.is_some_and(|date| date > now + leeway) {
            return Err(Refusal::IssuedInFuture);
        }
        Ok(())
    }

    pub(super) fn has_expired(&self, now: f64) -> bool {
        now >= self.expires_at
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

/// Whether `subject` may stand in a token.
pub(super) fn is_subject(subject: &str) -> bool {
    !subject.is_empty()
        && subject.len() <= MAX_SUBJECT
        && !subject.contains(|character: char| character.is_control())
}

/// The end of the year 9999.
pub(super) const LAST_DATE: f64 = 253_402_300_799.0;

const MAX_SUBJECT: usize = 255;

/// Bytes of a decoded payload, of which no unescaped text is longer.
const MAX_PAYLOAD: usize = 1 << 30;

/// Bytes of a decoded payload.
const SHORT_PAYLOAD: usize = 1024;

/// A piece of the text that claims keep.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

#[derive(Clone)]
enum Audience {
    One([Span; 1]),
    Many(Arc<[Span]>),
}

impl Audience {
    fn spans(&self) -> &[Span] {
        match self {
            Self::One(span) => span,
            Self::Many(spans) => spans,
        }
    }
}

/// What claims keep: the payload, and what cannot be pointed at in it.
struct Kept<'a> {
    payload: &'a str,
    unescaped: String,
}

impl<'a> Kept<'a> {
    const fn beginning_with(payload: &'a str) -> Self {
        Self {
            payload,
            unescaped: String::new(),
        }
    }

    fn span(&mut self, text: Cow<'a, str>) -> Span {
        let start = match &text {
            Cow::Borrowed(text) => text.as_ptr() as usize - self.payload.as_ptr() as usize,
            Cow::Owned(text) => {
                self.unescaped.push_str(text);
                self.payload.len() + self.unescaped.len() - text.len()
            }
        };
        Span {
            start: start as u32,
            end: (start + text.len()) as u32,
        }
    }

    fn text(self) -> Arc<str> {
        if self.unescaped.is_empty() {
            self.payload.into()
        } else {
            [self.payload, &self.unescaped].concat().into()
        }
    }
}

#[derive(Default)]
struct Payload<'a> {
    subject: Option<Cow<'a, str>>,
    issuer: Option<Cow<'a, str>>,
    audience: Option<Texts<'a>>,
    expires_at: Option<f64>,
    not_before: Option<f64>,
    issued_at: Option<f64>,
    token_id: Option<Cow<'a, str>>,
    scope: Option<Cow<'a, str>>,
    generation: Option<u64>,
}

impl<'de> Members<'de> for Payload<'de> {
    // A registered claim of the wrong type is an error, also `null`: never as if it were absent.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "sub" => self.subject = Some(map.next_value_seed(Text)?),
            "iss" => self.issuer = Some(map.next_value_seed(Text)?),
            "aud" => self.audience = Some(map.next_value_seed(OneOrMany)?),
            "exp" => self.expires_at = Some(map.next_value_seed(NumericDate)?),
            "nbf" => self.not_before = Some(map.next_value_seed(NumericDate)?),
            "iat" => self.issued_at = Some(map.next_value_seed(NumericDate)?),
            "jti" => self.token_id = Some(map.next_value_seed(Text)?),
            "scope" => self.scope = Some(map.next_value_seed(Text)?),
            "gen" => self.generation = Some(map.next_value()?),
            _ => map.next_value_seed(Ignored::new())?,
        }
        Ok(())
    }
}

fn system_time(seconds: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs_f64(seconds)
}
