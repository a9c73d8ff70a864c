//! Claims that a verifier reads in place of the registered ones.

use super::json_reader::{Malformed, Value};
use super::raw_claims::RawClaims;
use super::span::{Scope, Span};
use super::strict_json::{self, ObjectFields};
use crate::error::RejectReason;

/// Configured claim names. Their claims are read in a second pass over the payload, so that
/// verifiers without such names do not pay for it.
#[derive(Clone, Debug, Default)]
pub(super) struct ClaimRules {
    pub(super) subject: Option<Vec<Box<str>>>,
    pub(super) numeric_subject: bool,
    pub(super) scope: Option<Vec<Box<str>>>,
    pub(super) generation: Option<Box<str>>,
    /// Claims that must be present, with any value.
    pub(super) required: Vec<Box<str>>,
    pub(super) only_subject: Option<Box<str>>,
}

impl ClaimRules {
    /// Replaces the values of the registered claims by those of the configured ones. A configured
    /// claim of another type rejects the token; `null` counts as absent.
    pub(super) fn apply<'a>(
        &self,
        json: &'a str,
        payload: &mut RawClaims<'a>,
    ) -> Result<(), RejectReason> {
        let named = Named::read(json, self.names())?;
        if let Some(names) = &self.subject {
            payload.subject = None;
            for name in names {
                let value = named.value(name);
                if let Some(value) = value.filter(|value| !matches!(value, Value::Null)) {
                    let subject = payload.keep_subject(value.clone())?;
                    payload.subject.get_or_insert(subject);
                }
            }
        }
        if let Some(names) = &self.scope {
            let mut scopes = Vec::new();
            for name in names {
                put_scopes(&mut scopes, payload, named.value(name))?;
            }
            payload.scope = Some(Scope::Each(scopes.into()));
        }
        if let Some(name) = &self.generation {
            payload.generation = match named.value(name) {
                None | Some(Value::Null) => Some(0),
                Some(Value::Integer(generation)) => Some(*generation),
                // Rejected where the generation is compared.
                Some(_) => None,
            };
        }
        let is_absent = |name: &str| matches!(named.value(name), None | Some(Value::Null));
        if self.required.iter().any(|name| is_absent(name)) {
            return Err(RejectReason::RequiredClaim);
        }
        match (&self.only_subject, payload.subject) {
            (Some(only), Some(subject)) if payload.text(subject) != &**only => {
                Err(RejectReason::OtherSubject)
            }
            _ => Ok(()),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let lists = self.subject.iter().chain(&self.scope).flatten();
        let names = lists.chain(&self.generation).chain(&self.required);
        names.map(|name| &**name)
    }
}

fn put_scopes<'a>(
    scopes: &mut Vec<Span>,
    payload: &mut RawClaims<'a>,
    value: Option<&Value<'a>>,
) -> Result<(), RejectReason> {
    match value {
        None | Some(Value::Null) => {}
        Some(Value::Text(text)) => {
            let words = payload.keep(text.clone());
            scopes.extend(words.words(payload.text(words)));
        }
        Some(Value::Texts(texts)) => {
            scopes.extend(texts.clone().map(|text| payload.keep(text)));
        }
        Some(_) => return Err(RejectReason::ScopeType),
    }
    Ok(())
}

/// Values of selected claims of a payload, by name.
pub(super) struct Named<'n, 'a>(Vec<(&'n str, Option<Value<'a>>)>);

impl<'n, 'a> Named<'n, 'a> {
    pub(super) fn read(
        json: &'a str,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<Self, RejectReason> {
        let mut named = Self(Vec::new());
        for name in names {
            if named.0.iter().all(|(known, _)| *known != name) {
                named.0.push((name, None));
            }
        }
        if named.0.is_empty() {
            return Ok(named);
        }
        strict_json::read_object(json, &mut named).map_err(|Malformed| RejectReason::Claims)?;
        Ok(named)
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value<'a>> {
        let mut claims = self.0.iter();
        claims.find(|(known, _)| *known == name)?.1.as_ref()
    }
}

impl<'a> ObjectFields<'a> for Named<'_, 'a> {
    fn put(&mut self, name: &str, value: Value<'a>) -> Result<bool, Malformed> {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, slot)) => strict_json::keep(slot, value),
            None => Ok(false),
        }
    }
}
