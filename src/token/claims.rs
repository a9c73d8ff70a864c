//! What a verified token says.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{DeserializeOwned, MapAccess};

use super::json::{self, Ignored, Members, NumericDate, Text, Texts};
use crate::error::{AuthError, Refusal};

/// The claims of a verified token (RFC 7519, section 4.1).
///
/// The registered claims have an accessor each. Claims of your own are read on demand with
/// [`custom`](Self::custom), so that nobody pays for what nobody reads. Cheap to clone.
///
/// A claim says what was true when the token was made. Whether the account may come in *now* is
/// read from the user.
#[derive(Clone)]
pub struct Claims(Arc<Inner>);

struct Inner {
    payload: String,
    subject: Span,
    issuer: Option<Span>,
    audience: Option<Vec<Span>>,
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
    pub fn from_json(json: impl Into<String>) -> Result<Self, AuthError> {
        Self::parse(json.into()).map_err(AuthError::refused)
    }

    /// Whom the token is about (`sub`): 1 to 255 bytes without control characters.
    pub fn subject(&self) -> &str {
        self.text(&self.0.subject)
    }

    /// Who made the token (`iss`).
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_ref().map(|span| self.text(span))
    }

    /// Whom the token is for (`aud`), one or several; none if the token does not say.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.0.audience.iter().flatten().map(|span| self.text(span))
    }

    /// When the token ends (`exp`).
    pub fn expires_at(&self) -> SystemTime {
        system_time(self.0.expires_at)
    }

    /// When the token begins (`nbf`).
    pub fn not_before(&self) -> Option<SystemTime> {
        self.0.not_before.map(system_time)
    }

    /// When the token was made (`iat`).
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.0.issued_at.map(system_time)
    }

    /// The token's own name (`jti`).
    pub fn token_id(&self) -> Option<&str> {
        self.0.token_id.as_ref().map(|span| self.text(span))
    }

    /// What the token may be used for (`scope`, RFC 8693, section 4.2): words between blanks.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let scope = self.0.scope.as_ref().map_or("", |span| self.text(span));
        scope.split(' ').filter(|word| !word.is_empty())
    }

    /// The generation of the account's tokens that this one belongs to (`gen`); 0 if the token
    /// does not say. See [`AuthUser::token_generation`](crate::AuthUser::token_generation).
    pub fn generation(&self) -> u64 {
        self.0.generation
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
        serde_json::from_str(&self.0.payload).map_err(|_| AuthError::refused(Refusal::CustomClaims))
    }

    pub(super) fn parse(payload: String) -> Result<Self, Refusal> {
        let read = json::read_object(&payload, Payload::default()).map_err(|_| Refusal::Claims)?;
        let subject = read.subject.ok_or(Refusal::Subject)?;
        if !is_subject(&subject) {
            return Err(Refusal::Subject);
        }
        let expires_at = read.expires_at.ok_or(Refusal::Expiry)?;

        let span = |text| Span::within(&payload, text);
        let inner = Inner {
            subject: span(subject),
            issuer: read.issuer.map(span),
            audience: read.audience.map(|all| all.into_iter().map(span).collect()),
            expires_at,
            not_before: read.not_before,
            issued_at: read.issued_at,
            token_id: read.token_id.map(span),
            scope: read.scope.map(span),
            generation: read.generation.unwrap_or(0),
            payload,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// `exp`, `nbf` and `iat` against the clock (RFC 7519, sections 4.1.4 to 4.1.6).
    pub(super) fn check_times(&self, now: f64, leeway: f64) -> Result<(), Refusal> {
        if now >= self.0.expires_at + leeway {
            return Err(Refusal::Expired);
        }
        if self.0.not_before.is_some_and(|date| date > now + leeway) {
            return Err(Refusal::NotYetValid);
        }
        if self.0.issued_at.is_some_and(|date| date > now + leeway) {
            return Err(Refusal::IssuedInFuture);
        }
        Ok(())
    }

    pub(super) fn has_audience(&self) -> bool {
        self.0.audience.is_some()
    }

    fn text<'a>(&'a self, span: &'a Span) -> &'a str {
        match span {
            Span::Slice(start, end) => self.0.payload.get(*start..*end).unwrap_or_default(),
            Span::Owned(text) => text,
        }
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

/// A piece of the payload: where it stands, or its own text if it was escaped there.
enum Span {
    Slice(usize, usize),
    Owned(Box<str>),
}

impl Span {
    fn within(payload: &str, text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => {
                let start = text.as_ptr() as usize - payload.as_ptr() as usize;
                Self::Slice(start, start + text.len())
            }
            Cow::Owned(text) => Self::Owned(text.into()),
        }
    }
}

#[derive(Default)]
struct Payload<'a> {
    subject: Option<Cow<'a, str>>,
    issuer: Option<Cow<'a, str>>,
    audience: Option<Vec<Cow<'a, str>>>,
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
            "aud" => self.audience = Some(map.next_value_seed(Texts)?),
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
