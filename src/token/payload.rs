//! What is kept of a payload: where its claims stand.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::MapAccess;

use super::json::{self, AnyValue, Members, Value};
use crate::error::Refusal;

/// A payload and its registered claims. Texts that had escapes there cannot be pointed at: they
/// are kept behind it.
pub(super) struct Payload<'a> {
    json: &'a str,
    unescaped: String,
    pub(super) subject: Option<Span>,
    pub(super) issuer: Option<Span>,
    pub(super) audience: Option<Audience>,
    pub(super) expires_at: Option<f64>,
    pub(super) not_before: Option<f64>,
    pub(super) issued_at: Option<f64>,
    pub(super) token_id: Option<Span>,
    pub(super) scope: Option<Scope>,
    /// `None`: it is there, and no whole number.
    pub(super) generation: Option<u64>,
    numeric_subject: bool,
    seen: u16,
    refusal: Option<Refusal>,
}

impl<'a> Payload<'a> {
    /// Reads one strict JSON object, in which a subject may be a number or not.
    pub(super) fn read(json: &'a str, numeric_subject: bool) -> Result<Self, Refusal> {
        // So that a piece of it is two small numbers.
        if json.len() > MAX_PAYLOAD {
            return Err(Refusal::Size);
        }
        let empty = Self {
            json,
            unescaped: String::new(),
            subject: None,
            issuer: None,
            audience: None,
            expires_at: None,
            not_before: None,
            issued_at: None,
            token_id: None,
            scope: None,
            generation: Some(0),
            numeric_subject,
            seen: 0,
            refusal: None,
        };
        let read = json::read_object(json, empty).map_err(|_| Refusal::Claims)?;
        match read.refusal {
            None => Ok(read),
            Some(refusal) => Err(refusal),
        }
    }

    /// A piece of the text.
    pub(super) fn text(&self, span: Span) -> &str {
        match span.after(self.json.len()) {
            Some(behind) => behind.of(&self.unescaped),
            None => span.of(self.json),
        }
    }

    /// The payload and what stands behind it.
    pub(super) fn all_text(&self) -> Arc<str> {
        if self.unescaped.is_empty() {
            self.json.into()
        } else {
            [self.json, &self.unescaped].concat().into()
        }
    }

    pub(super) fn keep(&mut self, text: Cow<'a, str>) -> Span {
        let start = match &text {
            Cow::Borrowed(text) => text.as_ptr() as usize - self.json.as_ptr() as usize,
            Cow::Owned(text) => {
                self.unescaped.push_str(text);
                self.json.len() + self.unescaped.len() - text.len()
            }
        };
        Span {
            start: start as u32,
            end: (start + text.len()) as u32,
        }
    }

    /// A registered claim of the wrong type is never as if it were absent, but `null` is: that is
    /// how some issuers write a claim that they do not have. What nobody asked for (`jti`, `scope`,
    /// `gen`) refuses no token by its type.
    fn put(&mut self, claim: Claim, value: Value<'a>) -> Result<(), Refusal> {
        match (claim, value) {
            (Claim::Generation, Value::Integer(generation)) => self.generation = Some(generation),
            (_, Value::Null) => {}
            (Claim::Subject, value) => self.subject = Some(self.keep_subject(value)?),
            (Claim::Issuer, Value::Text(text)) => self.issuer = Some(self.keep(text)),
            (Claim::Issuer, _) => return Err(Refusal::IssuerType),
            (Claim::Audience, Value::Text(text)) => {
                self.audience = Some(Audience::One([self.keep(text)]));
            }
            (Claim::Audience, Value::Texts(texts)) => {
                self.audience = Some(Audience::Many(self.keep_all(texts)));
            }
            (Claim::Audience, _) => return Err(Refusal::AudienceType),
            (Claim::Expiry, value) => {
                self.expires_at = Some(date(value, Refusal::ExpiryType, Refusal::ExpiryRange)?);
            }
            (Claim::NotBefore, value) => {
                let date = date(value, Refusal::NotBeforeType, Refusal::NotBeforeRange);
                self.not_before = Some(date?);
            }
            (Claim::IssuedAt, value) => {
                let date = date(value, Refusal::IssuedAtType, Refusal::IssuedAtRange);
                self.issued_at = Some(date?);
            }
            (Claim::TokenId, Value::Text(text)) => self.token_id = Some(self.keep(text)),
            (Claim::TokenId, _) => {}
            (Claim::Scope, Value::Text(text)) => self.scope = Some(Scope::Words(self.keep(text))),
            (Claim::Scope, Value::Texts(texts)) => {
                self.scope = Some(Scope::Each(self.keep_all(texts)));
            }
            (Claim::Scope, _) => {}
            (Claim::Generation, _) => self.generation = None,
        }
        Ok(())
    }

    /// A number has one spelling: that of JSON, without a fraction and an exponent.
    pub(super) fn keep_subject(&mut self, value: Value<'a>) -> Result<Span, Refusal> {
        match value {
            Value::Text(text) => Ok(self.keep(text)),
            Value::Integer(number) if self.numeric_subject => {
                Ok(self.keep(number.to_string().into()))
            }
            Value::Negative(number) if self.numeric_subject => {
                Ok(self.keep(number.to_string().into()))
            }
            _ => Err(Refusal::SubjectType),
        }
    }

    fn keep_all(&mut self, texts: Vec<Cow<'a, str>>) -> Arc<[Span]> {
        texts.into_iter().map(|text| self.keep(text)).collect()
    }
}

impl<'de> Members<'de> for Payload<'de> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        let claim = match name {
            "sub" => Claim::Subject,
            "iss" => Claim::Issuer,
            "aud" => Claim::Audience,
            "exp" => Claim::Expiry,
            "nbf" => Claim::NotBefore,
            "iat" => Claim::IssuedAt,
            "jti" => Claim::TokenId,
            "scope" => Claim::Scope,
            "gen" => Claim::Generation,
            _ => return Ok(false),
        };
        let value = map.next_value_seed(AnyValue::new())?;
        let bit = 1 << claim as u16;
        if self.seen & bit != 0 {
            return Err(json::duplicate());
        }
        self.seen |= bit;
        if let Err(refusal) = self.put(claim, value) {
            self.refusal.get_or_insert(refusal);
        }
        Ok(true)
    }
}

#[derive(Clone, Copy)]
enum Claim {
    Subject,
    Issuer,
    Audience,
    Expiry,
    NotBefore,
    IssuedAt,
    TokenId,
    Scope,
    Generation,
}

/// A `NumericDate` (RFC 7519, section 2) from 1970 to the end of the year 9999.
fn date(value: Value<'_>, other_type: Refusal, out_of_range: Refusal) -> Result<f64, Refusal> {
    let seconds = match value {
        Value::Integer(seconds) => seconds as f64,
        Value::Negative(_) => return Err(out_of_range),
        Value::Float(seconds) => seconds,
        _ => return Err(other_type),
    };
    // Also catches milliseconds.
    match (0.0..=LAST_DATE).contains(&seconds) {
        true => Ok(seconds),
        false => Err(out_of_range),
    }
}

/// A piece of the text that claims keep.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The words between blanks of the piece, which is `text`.
    pub(super) fn words(self, text: &str) -> impl Iterator<Item = Self> {
        text.split(' ').map(move |word| {
            let start = self.start + (word.as_ptr() as usize - text.as_ptr() as usize) as u32;
            Self {
                start,
                end: start + word.len() as u32,
            }
        })
    }

    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// The same piece, counted from there on; `None` if it begins before.
    fn after(self, position: usize) -> Option<Self> {
        let position = position as u32;
        Some(Self {
            start: self.start.checked_sub(position)?,
            end: self.end.checked_sub(position)?,
        })
    }
}

/// Whom a token is for.
#[derive(Clone)]
pub(super) enum Audience {
    One([Span; 1]),
    Many(Arc<[Span]>),
}

impl Audience {
    pub(super) fn spans(&self) -> &[Span] {
        match self {
            Self::One(span) => span,
            Self::Many(spans) => spans,
        }
    }
}

/// What a token may be used for.
#[derive(Clone)]
pub(super) enum Scope {
    /// Words between blanks (RFC 8693, section 4.2).
    Words(Span),
    /// One in each, as it stands.
    Each(Arc<[Span]>),
}

/// The end of the year 9999.
pub(super) const LAST_DATE: f64 = 253_402_300_799.0;

/// Bytes of a payload, of which no unescaped text is longer.
const MAX_PAYLOAD: usize = 1 << 30;
