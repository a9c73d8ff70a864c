//! Claims, compared with `serde_json`.

use serde_json::{Value, json};
use tower_warder::Claims;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let value: Option<Value> = serde_json::from_str(text).ok();
    match Claims::from_json(text) {
        Ok(claims) => check(&claims, &value.unwrap()),
        Err(_) => must_be_accepted_without_registered_claims(value),
    }
}

fn check(claims: &Claims, value: &Value) {
    let text = |name: &str| value[name].as_str();
    assert_eq!(Some(claims.subject()), text("sub"));
    assert_eq!(claims.issuer(), text("iss"));
    // An ID of another type does not reject the claims.
    assert!(claims.token_id().is_none_or(|id| Some(id) == text("jti")));
    let audience: Vec<&str> = match &value["aud"] {
        Value::Null => Vec::new(),
        Value::String(one) => vec![one],
        many => {
            let many = many.as_array().unwrap().iter();
            many.map(|one| one.as_str().unwrap()).collect()
        }
    };
    assert!(claims.audience().eq(audience));
    let expires_at = value["exp"].as_f64().unwrap();
    let difference = claims.expires_at().duration_since(std::time::UNIX_EPOCH);
    let difference = difference.unwrap().as_secs_f64() - expires_at;
    assert!(difference.abs() < 1e-3 * expires_at.abs().max(1.0));
    assert_eq!(claims.not_before().is_some(), !value["nbf"].is_null());
    assert_eq!(claims.issued_at().is_some(), !value["iat"].is_null());
    for scope in claims.scopes() {
        let words = value["scope"].as_str().into_iter();
        let words = words.flat_map(|words| words.split(' '));
        let each = value["scope"].as_array().into_iter().flatten();
        let mut all = words.chain(each.filter_map(Value::as_str));
        assert!(all.any(|other| other == scope));
    }
    if let Some(generation) = claims.generation() {
        assert_eq!(
            value.get("gen").map_or(Some(0), Value::as_u64),
            Some(generation)
        );
    }
    assert_eq!(claims.deserialize::<Value>().unwrap(), *value);
    let _ = format!("{claims:?}");
}

/// A claim that is not registered rejects no token.
fn must_be_accepted_without_registered_claims(value: Option<Value>) {
    let Some(Value::Object(mut object)) = value else {
        return;
    };
    for name in ["iss", "aud", "nbf", "iat", "jti", "scope", "gen"] {
        object.remove(name);
    }
    object.insert("sub".to_owned(), json!("7"));
    object.insert("exp".to_owned(), json!(4_102_444_800_u64));
    // Written again, because `serde_json` accepts duplicates, of which it keeps the last one, and read
    // again, because it rounds the last digit of long numbers.
    let text = Value::Object(object).to_string();
    let value: Value = serde_json::from_str(&text).unwrap();
    if nesting(&value) <= 64 {
        let claims = Claims::from_json(text).unwrap();
        assert_eq!(claims.deserialize::<Value>().unwrap(), value);
    }
}

fn nesting(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(nesting).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}
