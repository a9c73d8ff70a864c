//! Registered claims of a payload, as positions in its text.

use std::borrow::Cow;
use std::sync::Arc;

use super::json_reader::{Malformed, Texts, Value};
use super::limits::MAX_PAYLOAD_BYTES;
use super::numeric_date;
use super::span::{Audience, Scope, Span};
use super::strict_json::{self, ObjectFields};
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
        strict_json::read_object(json, &mut read).map_err(|Malformed| RejectReason::Claims)?;
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

    #[inline(always)]
    fn put_claim(&mut self, claim: Claim, value: Value<'a>) -> Result<(), RejectReason> {
        match (claim, value) {
            // Counts as absent: some issuers write it for a claim without a value.
            (_, Value::Null) => {}
            (Claim::Subject, value) => self.subject = Some(self.keep_subject(value)?),
            (Claim::Issuer, Value::Text(text)) => self.issuer = Some(self.keep(text)),
            (Claim::Audience, Value::Text(text)) => {
                self.audience = Some(Audience::One([self.keep(text)]));
            }
            (Claim::Audience, Value::Texts(texts)) => {
                self.audience = Some(Audience::Many(self.keep_all(texts)));
            }
            (Claim::Expiry, value) => {
                let reasons = [RejectReason::ExpiryType, RejectReason::ExpiryRange];
                self.expires_at = Some(date(&value, reasons)?);
            }
            (Claim::NotBefore, value) => {
                let reasons = [RejectReason::NotBeforeType, RejectReason::NotBeforeRange];
                self.not_before = Some(date(&value, reasons)?);
            }
            (Claim::IssuedAt, value) => {
                let reasons = [RejectReason::IssuedAtType, RejectReason::IssuedAtRange];
                self.issued_at = Some(date(&value, reasons)?);
            }
            (Claim::TokenId, Value::Text(text)) => self.token_id = Some(self.keep(text)),
            (Claim::Scope, Value::Text(text)) => self.scope = Some(Scope::Words(self.keep(text))),
            (Claim::Scope, Value::Texts(texts)) => {
                self.scope = Some(Scope::Each(self.keep_all(texts)));
            }
            (Claim::Generation, Value::Integer(number)) => self.generation = Some(number),

            // A registered claim that is checked is never treated as absent; the type of an optional one
            // does not reject the token.
            (Claim::Issuer, _) => return Err(RejectReason::IssuerType),
            (Claim::Audience, _) => return Err(RejectReason::AudienceType),
            (Claim::Generation, _) => self.generation = None,
            (Claim::TokenId | Claim::Scope, _) => {}
        }
        Ok(())
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

    fn keep_all(&mut self, texts: Texts<'a>) -> Arc<[Span]> {
        texts.map(|text| self.keep(text)).collect()
    }
}

impl<'a> ObjectFields<'a> for RawClaims<'a> {
    #[inline(always)]
    fn put(&mut self, name: &str, value: Value<'a>) -> Result<bool, Malformed> {
        let claim = match name.as_bytes() {
            b"sub" => Claim::Subject,
            b"iss" => Claim::Issuer,
            b"aud" => Claim::Audience,
            b"exp" => Claim::Expiry,
            b"nbf" => Claim::NotBefore,
            b"iat" => Claim::IssuedAt,
            b"jti" => Claim::TokenId,
            b"scope" => Claim::Scope,
            b"gen" => Claim::Generation,
            _ => return Ok(false),
        };
        let bit = 1 << claim as u16;
        if self.seen & bit != 0 {
            return Err(Malformed);
        }
        self.seen |= bit;
        if let Err(reason) = self.put_claim(claim, value) {
            self.reject_reason.get_or_insert(reason);
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

/// Reads a date, or returns the reason for another type or for a date that is out of range.
fn date(value: &Value<'_>, reasons: [RejectReason; 2]) -> Result<f64, RejectReason> {
    let [wrong_type, out_of_range] = reasons;
    let seconds = match value {
        Value::Integer(seconds) => *seconds as f64,
        Value::Negative(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        _ => return Err(wrong_type),
    };
    let valid = numeric_date::is_in_range(seconds).then_some(seconds);
    valid.ok_or(out_of_range)
}
