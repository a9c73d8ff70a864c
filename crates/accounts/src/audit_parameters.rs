//! Parameters of the routes of audit events, in the query of a URL.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use zeroize::Zeroizing;

use super::answer;
use super::form;
use super::list_parameters::integer;
use super::validation_error::{Location, ValidationError, ValidationErrorKind};

/// Extractor of the parameter `limit`. Responds 422 if it is not an integer from 1 to 500.
pub(super) struct EventLimit(pub(super) u32);

/// Extractor of the parameter `ids`. Responds 422 if it is not a list of up to 100 integers, with commas
/// between them.
pub(super) struct AccountIds(pub(super) Vec<i64>);

impl EventLimit {
    fn parse(query: &str) -> Result<Self, ValidationError> {
        let Some(text) = parameter(query, "limit")? else {
            return Ok(Self(DEFAULT_EVENTS));
        };
        let number = integer(&text)
            .ok()
            .and_then(|number| number.try_into().ok());
        let number = number.filter(|number| (1..=MAX_EVENTS).contains(number));
        let message = "Input should be an integer from 1 to 500";
        number.map(Self).ok_or_else(|| invalid("limit", message))
    }
}

impl AccountIds {
    fn parse(query: &str) -> Result<Self, ValidationError> {
        let text = parameter(query, "ids")?.unwrap_or_default();
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        // One more than are allowed, however long the query is.
        let ids = text.split(',').take(MAX_IDS + 1).map(integer);
        let ids: Option<Vec<_>> = ids.map(Result::ok).collect();
        let ids = ids.filter(|ids| ids.len() <= MAX_IDS);
        let message = "Input should be up to 100 ids, with commas between them";
        ids.map(Self).ok_or_else(|| invalid("ids", message))
    }
}

fn parameter(query: &str, wanted: &str) -> Result<Option<Zeroizing<String>>, ValidationError> {
    let mut found = None;
    form::read(query.as_bytes(), Location::Query, |name, value| {
        if name == wanted {
            found = Some(value);
        }
    })?;
    Ok(found)
}

fn invalid(name: &'static str, message: &'static str) -> ValidationError {
    ValidationError::new(
        ValidationErrorKind::ValueError,
        Location::Query,
        name,
        message,
    )
}

impl<S: Send + Sync> FromRequestParts<S> for EventLimit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let query = parts.uri.query().unwrap_or_default();
        Self::parse(query).map_err(|error| answer::invalid(&[error]))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AccountIds {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let query = parts.uri.query().unwrap_or_default();
        Self::parse(query).map_err(|error| answer::invalid(&[error]))
    }
}

pub(crate) const DEFAULT_EVENTS: u32 = 50;
pub(crate) const MAX_EVENTS: u32 = 500;
pub(crate) const MAX_IDS: usize = 100;
