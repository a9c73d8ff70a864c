//! What is kept of a payload: where its claims stand.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::MapAccess;

use super::json::{self, Members, NumericDate, OneOrMany, Text, Texts};
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
    pub(super) scope: Option<Span>,
    pub(super) generation: Option<u64>,
}

impl<'a> Payload<'a> {
    /// Reads one strict JSON object.
    pub(super) fn read(json: &'a str) -> Result<Self, Refusal> {
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
            generation: None,
        };
        json::read_object(json, empty).map_err(|_| Refusal::Claims)
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

    fn keep(&mut self, text: Cow<'a, str>) -> Span {
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
}

impl<'de> Members<'de> for Payload<'de> {
    // A registered claim of the wrong type is an error, also `null`: never as if it were absent.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "sub" | "iss" | "jti" | "scope" => {
                let span = self.keep(map.next_value_seed(Text)?);
                let place = match name {
                    "sub" => &mut self.subject,
                    "iss" => &mut self.issuer,
                    "jti" => &mut self.token_id,
                    _ => &mut self.scope,
                };
                json::keep(place, span)?;
            }
            "aud" => {
                let audience = match map.next_value_seed(OneOrMany)? {
                    Texts::One(text) => Audience::One([self.keep(text)]),
                    Texts::Many(texts) => {
                        Audience::Many(texts.into_iter().map(|text| self.keep(text)).collect())
                    }
                };
                json::keep(&mut self.audience, audience)?;
            }
            "exp" => json::keep(&mut self.expires_at, map.next_value_seed(NumericDate)?)?,
            "nbf" => json::keep(&mut self.not_before, map.next_value_seed(NumericDate)?)?,
            "iat" => json::keep(&mut self.issued_at, map.next_value_seed(NumericDate)?)?,
            "gen" => json::keep(&mut self.generation, map.next_value()?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A piece of the text that claims keep.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
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

/// Bytes of a payload, of which no unescaped text is longer.
const MAX_PAYLOAD: usize = 1 << 30;
