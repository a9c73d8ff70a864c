//! Registered claims of a payload, as positions in its text.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::limits::MAX_PAYLOAD_BYTES;
use super::numeric_date;
use super::span::{Audience, Scope, Span};
use super::strict_json::{self, AnyValue, ObjectFields, Value};
use crate::error::RejectReason;

/// Payload and its registered claims. A string with escapes has no position in the payload: its
/// unescaped form is kept after it.
pub(super) struct RawClaims<'a> {
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
    /// `None` if the claim is present and not a whole number.
    pub(super) generation: Option<u64>,
    numeric_subject: bool,
    seen: u16,
    reject_reason: Option<RejectReason>,
}

impl<'a> RawClaims<'a> {
    /// Reads one strict JSON object. With `numeric_subject` the subject may also be a number.
    pub(super) fn read(json: &'a str, numeric_subject: bool) -> Result<Self, RejectReason> {
        // So that a position fits into 32 bits.
        if json.len() > MAX_PAYLOAD_BYTES {
            return Err(RejectReason::Size);
        }
        let mut read = Self {
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
            reject_reason: None,
        };
        strict_json::read_object(json, &mut read).map_err(|_| RejectReason::Claims)?;
        match read.reject_reason {
            None => Ok(read),
            Some(reason) => Err(reason),
        }
    }

    /// Text of a span.
    pub(super) fn text(&self, span: Span) -> &str {
        match span.after(self.json.len()) {
            Some(unescaped) => unescaped.of(&self.unescaped),
            None => span.of(self.json),
        }
    }

    /// The payload, followed by the unescaped strings.
    pub(super) fn all_text(&self) -> Arc<str> {
        if self.unescaped.is_empty() {
            self.json.into()
        } else {
            [self.json, &self.unescaped].concat().into()
        }
    }

    /// Returns the span of `text`, which is appended unless it is part of the payload.
    pub(super) fn keep(&mut self, text: Cow<'a, str>) -> Span {
        let start = match &text {
            Cow::Borrowed(text) => text.as_ptr() as usize - self.json.as_ptr() as usize,
            Cow::Owned(text) => {
                self.unescaped.push_str(text);
                self.json.len() + self.unescaped.len() - text.len()
            }
        };
        Span::new(start, text.len())
    }

    fn put_text(&mut self, claim: Claim, text: Cow<'a, str>) {
        match claim {
            Claim::Subject => self.subject = Some(self.keep(text)),
            Claim::Issuer => self.issuer = Some(self.keep(text)),
            Claim::Audience => self.audience = Some(Audience::One([self.keep(text)])),
            Claim::TokenId => self.token_id = Some(self.keep(text)),
            Claim::Scope => self.scope = Some(Scope::Words(self.keep(text))),
            _ => self.put_other(claim),
        }
    }

    fn put_texts(&mut self, claim: Claim, texts: Vec<Cow<'a, str>>) {
        match claim {
            Claim::Audience => self.audience = Some(Audience::Many(self.keep_all(texts))),
            Claim::Scope => self.scope = Some(Scope::Each(self.keep_all(texts))),
            _ => self.put_other(claim),
        }
    }

    /// Stores a time, if the claim is one.
    fn put_number(&mut self, claim: Claim, number: f64) {
        let (slot, out_of_range) = match claim {
            Claim::Expiry => (&mut self.expires_at, RejectReason::ExpiryRange),
            Claim::NotBefore => (&mut self.not_before, RejectReason::NotBeforeRange),
            Claim::IssuedAt => (&mut self.issued_at, RejectReason::IssuedAtRange),
            _ => return self.put_other(claim),
        };
        match numeric_date::is_in_range(number) {
            true => *slot = Some(number),
            false => self.reject(out_of_range),
        }
    }

    #[cold]
    fn put_subject(&mut self, value: Value<'a>) {
        match self.keep_subject(value) {
            Ok(subject) => self.subject = Some(subject),
            Err(reason) => self.reject(reason),
        }
    }

    /// Handles a claim of the wrong type. A registered claim that is checked is never treated as absent;
    /// the type of an optional one (`jti`, `scope`, `gen`) does not reject the token.
    #[cold]
    fn put_other(&mut self, claim: Claim) {
        match claim {
            Claim::Subject => self.reject(RejectReason::SubjectType),
            Claim::Issuer => self.reject(RejectReason::IssuerType),
            Claim::Audience => self.reject(RejectReason::AudienceType),
            Claim::Expiry => self.reject(RejectReason::ExpiryType),
            Claim::NotBefore => self.reject(RejectReason::NotBeforeType),
            Claim::IssuedAt => self.reject(RejectReason::IssuedAtType),
            Claim::Generation => self.generation = None,
            Claim::TokenId | Claim::Scope => {}
        }
    }

    #[cold]
    fn reject(&mut self, reason: RejectReason) {
        self.reject_reason.get_or_insert(reason);
    }

    /// Keeps a subject. A number is an integer, in its JSON form without fraction and exponent.
    pub(super) fn keep_subject(&mut self, value: Value<'a>) -> Result<Span, RejectReason> {
        match value {
            Value::Text(text) => Ok(self.keep(text)),
            Value::Integer(number) if self.numeric_subject => {
                Ok(self.keep(number.to_string().into()))
            }
            Value::Negative(number) if self.numeric_subject => {
                Ok(self.keep(number.to_string().into()))
            }
            _ => Err(RejectReason::SubjectType),
        }
    }

    fn keep_all(&mut self, texts: Vec<Cow<'a, str>>) -> Arc<[Span]> {
        texts.into_iter().map(|text| self.keep(text)).collect()
    }
}

impl<'de> ObjectFields<'de> for RawClaims<'de> {
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
        let bit = 1 << claim as u16;
        if self.seen & bit != 0 {
            return Err(strict_json::duplicate());
        }
        self.seen |= bit;
        let payload = self;
        map.next_value_seed(ClaimValue { payload, claim })?;
        Ok(true)
    }
}

/// Reads the value of a claim, of any type, into its field. `null` counts as absent: some issuers
/// write it for a claim without a value.
struct ClaimValue<'p, 'a> {
    payload: &'p mut RawClaims<'a>,
    claim: Claim,
}

impl<'de> DeserializeSeed<'de> for ClaimValue<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ClaimValue<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.payload.put_other(self.claim);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        match self.claim {
            Claim::Subject => self.payload.put_subject(Value::Negative(number)),
            claim => self.payload.put_number(claim, number as f64),
        }
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        match self.claim {
            Claim::Subject => self.payload.put_subject(Value::Integer(number)),
            Claim::Generation => self.payload.generation = Some(number),
            claim => self.payload.put_number(claim, number as f64),
        }
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.payload.put_number(self.claim, number);
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.payload.put_text(self.claim, Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.payload
            .put_text(self.claim, Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        match AnyValue::new().visit_seq(seq)? {
            Value::Texts(texts) => self.payload.put_texts(self.claim, texts),
            _ => self.payload.put_other(self.claim),
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        AnyValue::new().visit_map(map)?;
        self.payload.put_other(self.claim);
        Ok(())
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
