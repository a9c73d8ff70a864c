//! Messages for users, shared with the scripts.

use std::sync::LazyLock;

use axum::http::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// The messages as a script module.
pub(super) fn script() -> String {
    format!("export default {MESSAGES};\n")
}

/// Returns the message for an error response of the API.
pub(super) fn for_error(headers: &HeaderMap, problem: &Value) -> String {
    let code = problem.get("code").and_then(Value::as_str);
    if code == Some("too_many_requests")
        && let Some(seconds) = retry_seconds(headers)
    {
        return text(&["wait"]).replace("{}", &seconds.to_string());
    }
    let error = problem.get("detail").and_then(|detail| detail.get(0));
    let message = match (code, error) {
        (Some(code), _) => first(&["codes", code]),
        (None, Some(error)) => for_field(error),
        (None, None) => None,
    };
    message.unwrap_or_else(|| text(&["unknown"])).to_owned()
}

/// The message of a password rule is the server's own: there is more than one.
fn for_field(error: &Value) -> Option<&str> {
    let field = error.get("loc")?.get(1)?.as_str()?;
    let kind = error.get("type")?.as_str()?;
    if field.ends_with("password") && kind == "value_error" {
        return error.get("msg")?.as_str();
    }
    first(&["fields", field])
}

fn retry_seconds(headers: &HeaderMap) -> Option<u32> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

/// Returns the text of a message that has a field to correct as well.
fn first(path: &[&str]) -> Option<&'static str> {
    find(path)?.get(0)?.as_str()
}

fn text(path: &[&str]) -> &'static str {
    find(path).and_then(Value::as_str).unwrap_or_default()
}

fn find(path: &[&str]) -> Option<&'static Value> {
    path.iter()
        .try_fold(&*PARSED, |value, name| value.get(*name))
}

static PARSED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(MESSAGES).unwrap_or_default());

const MESSAGES: &str = include_str!("messages.json");

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_message_is_found() {
        for code in [
            "invalid_credentials",
            "email_taken",
            "cross_origin",
            "unavailable",
        ] {
            assert!(first(&["codes", code]).is_some(), "{code}");
        }
        for name in ["wait", "offline", "no_cookie", "unknown"] {
            assert!(!text(&[name]).is_empty(), "{name}");
        }
    }

    #[test]
    fn message_is_chosen_by_code_then_by_field() {
        let message = |problem| for_error(&HeaderMap::new(), &problem);
        let unknown = message(Value::Null);
        assert_eq!(unknown, text(&["unknown"]));
        assert_eq!(message(json!({"code": "no such code"})), unknown);
        assert_eq!(message(json!({"detail": []})), unknown);
        let taken = message(json!({"code": "email_taken", "detail": "Email already registered"}));
        assert_eq!(Some(&*taken), first(&["codes", "email_taken"]));
        let error = |kind, msg| json!({"detail": [{"type": kind, "loc": ["body", "password"], "msg": msg}]});
        let short = message(error("string_too_short", "-"));
        assert_eq!(Some(&*short), first(&["fields", "password"]));
        assert_eq!(message(error("value_error", "Too common")), "Too common");
    }

    #[test]
    fn wait_is_told_in_seconds() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("27"));
        let problem = json!({"code": "too_many_requests"});
        assert!(for_error(&headers, &problem).contains("27"));
        for odd in ["Wed, 21 Oct 2015 07:28:00 GMT", "-1", "<b>"] {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(odd));
            assert!(!for_error(&headers, &problem).contains(odd));
        }
    }
}
