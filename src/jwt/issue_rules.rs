//! Rules for the claims of issued tokens.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::claims;
use super::issue_error::IssueError;
use super::numeric_date::{MAX_DATE_SECONDS, is_in_range};

/// The claims of RFC 7519, section 4.1, and `auth_time` of OpenID Connect.
pub(super) const REGISTERED: [&str; 8] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time"];

/// Converts claims to a JSON object.
pub(super) fn object(claims: &impl Serialize) -> Result<Map<String, Value>, IssueError> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err(IssueError::ClaimsNotAnObject),
    }
}

/// Returns `true` if both name the same audiences. A string equals a list of only that string
/// (RFC 7519, section 4.1.3).
pub(super) fn is_same_audience(theirs: &Value, ours: &Value) -> bool {
    fn texts(audience: &Value) -> HashSet<&Value> {
        match audience {
            Value::Array(texts) => texts.iter().collect(),
            text => HashSet::from([text]),
        }
    }
    texts(theirs) == texts(ours)
}

pub(super) fn check_texts(claims: &Map<String, Value>, generation: &str) -> Result<(), IssueError> {
    let is_text = |name| {
        let text = claims.get(name).and_then(Value::as_str);
        text.is_some_and(claims::is_subject)
    };
    if !is_text("sub") {
        return Err(IssueError::InvalidSubject);
    }
    if !is_text("jti") {
        return Err(IssueError::InvalidTokenId);
    }
    let not_a_number = claims.get(generation).is_some_and(|value| !value.is_u64());
    // An empty `aud`: every verifier would reject the token.
    let audiences = claims.get("aud").and_then(Value::as_array);
    if not_a_number || audiences.is_some_and(Vec::is_empty) {
        return Err(IssueError::InvalidClaims);
    }
    Ok(())
}

pub(super) fn check_times(
    claims: &Map<String, Value>,
    now: f64,
    lifetime: f64,
) -> Result<(), IssueError> {
    let date = |name| match claims.get(name) {
        Some(value) => value.as_f64().map(Some).ok_or(IssueError::InvalidTime),
        None => Ok(None),
    };
    let (issued_at, not_before, expires_at) = (date("iat")?, date("nbf")?, date("exp")?);
    // May be in the future by the difference between the clocks of two nodes.
    if date("auth_time")?.is_some_and(|login| !is_in_range(login)) {
        return Err(IssueError::InvalidTime);
    }
    if expires_at.is_some_and(|end| end > (now + lifetime).min(MAX_DATE_SECONDS)) {
        return Err(IssueError::LifetimeExceeded);
    }
    let fits = expires_at.is_some_and(|end| {
        end > now
            && not_before.is_none_or(|begin| (0.0..end).contains(&begin))
            && issued_at.is_none_or(|begin| (0.0..=now).contains(&begin))
    });
    fits.then_some(()).ok_or(IssueError::InvalidTime)
}
