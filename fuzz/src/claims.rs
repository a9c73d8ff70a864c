//! Claims, compared with `serde_json`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value, json};
use tower_warder::Claims;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let object = read_strictly(text);
    match (Claims::from_json(text), &object) {
        (Ok(claims), object) => check(&claims, object.as_ref().unwrap()),
        (Err(error), None) => assert_eq!(error.reason(), "claims"),
        (Err(error), Some(object)) => {
            assert_ne!(error.reason(), "claims");
            assert!(!has_valid_claims(object));
        }
    }
    if let Some(Value::Object(object)) = object {
        must_be_accepted_without_registered_claims(object);
    }
}

/// The object, if `serde_json` reads it, no name occurs twice and it has at most 64 levels.
fn read_strictly(text: &str) -> Option<Value> {
    let Members(members) = serde_json::from_str(text).ok()?;
    let count = members.len();
    let object: Map<String, Value> = members.into_iter().collect();
    (object.len() == count && nesting(text) <= 64).then_some(Value::Object(object))
}

/// Members of an object, of which `serde_json` would keep the last one of a name.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// Levels of a valid text.
fn nesting(json: &str) -> usize {
    let (mut level, mut deepest, mut in_string) = (0_usize, 0, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => level += 1,
            b']' | b'}' if !in_string => level -= 1,
            _ => {}
        }
        deepest = deepest.max(level);
    }
    deepest
}

fn has_valid_claims(object: &Value) -> bool {
    let is_absent_or = |name: &str, is_valid: fn(&Value) -> bool| {
        let value = &object[name];
        value.is_null() || is_valid(value)
    };
    let is_subject =
        |subject: &str| (1..=255).contains(&subject.len()) && !subject.contains(char::is_control);
    object["sub"].as_str().is_some_and(is_subject)
        && is_date(&object["exp"])
        && is_absent_or("nbf", is_date)
        && is_absent_or("iat", is_date)
        && is_absent_or("iss", Value::is_string)
        && is_absent_or("aud", |value| {
            let values = value.as_array();
            value.is_string() || values.is_some_and(|all| all.iter().all(Value::is_string))
        })
}

fn is_date(value: &Value) -> bool {
    let end_of_9999 = 253_402_300_799.0;
    value
        .as_f64()
        .is_some_and(|seconds| (0.0..=end_of_9999).contains(&seconds))
}

fn check(claims: &Claims, value: &Value) {
    assert!(has_valid_claims(value));
    let text = |name: &str| value[name].as_str();
    assert_eq!(Some(claims.subject()), text("sub"));
    assert_eq!(claims.issuer(), text("iss"));
    // An ID of another type does not reject the claims.
    assert_eq!(claims.token_id(), text("jti"));
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
    let generation = match &value["gen"] {
        Value::Null => Some(0),
        number => number.as_u64(),
    };
    assert_eq!(claims.generation(), generation);
    assert_eq!(claims.deserialize::<Value>().unwrap(), *value);
    let _ = format!("{claims:?}");
}

/// A claim that is not registered rejects no token.
fn must_be_accepted_without_registered_claims(mut object: Map<String, Value>) {
    for name in ["iss", "aud", "nbf", "iat", "jti", "scope", "gen"] {
        object.remove(name);
    }
    object.insert("sub".to_owned(), json!("7"));
    object.insert("exp".to_owned(), json!(4_102_444_800_u64));
    // Written and read again, because `serde_json` rounds the last digit of long numbers.
    let text = Value::Object(object).to_string();
    let value: Value = serde_json::from_str(&text).unwrap();
    let claims = Claims::from_json(text).unwrap();
    assert_eq!(claims.deserialize::<Value>().unwrap(), value);
}
