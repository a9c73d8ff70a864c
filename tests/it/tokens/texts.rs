//! Accessors of claims, compared with another JSON reader; duplicate names among many members.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::forge::*;

proptest! {
    #[test]
    fn strings_agree_with_another_json_reader(
        texts in vec(text(), 5),
        audience in prop_oneof![vec(text(), 1).prop_map(Ok), vec(text(), 0..5).prop_map(Err)],
        filler in 0..2000_usize,
        blanks in "[ \n\t]{0,3}",
    ) {
        let audience = match audience {
            Ok(one) => one.concat(),
            Err(many) => format!("[{}]", many.join(&format!("{blanks},{blanks}"))),
        };
        let [subject, issuer, token_id, scope, own] = &*texts else { unreachable!() };
        let json = format!(
            r#"{{"own":{own},"aud":{audience},"sub":{subject},"x":"{:é<filler$}",
                "iss"{blanks}:{blanks}{issuer},"jti":{token_id},"scope":{scope},"exp":1767229200}}"#,
            ""
        );
        let theirs: Map<String, Value> = serde_json::from_str(&json).unwrap();
        let expected = theirs["sub"].as_str().unwrap();
        let is_subject = (1..=255).contains(&expected.len()) && !expected.contains(char::is_control);
        let claims = tower_warder::Claims::from_json(&json);
        prop_assert_eq!(claims.is_ok(), is_subject, "{}", json);
        let Ok(claims) = claims else { return Ok(()) };

        prop_assert_eq!(claims.subject(), expected);
        prop_assert_eq!(claims.issuer(), theirs["iss"].as_str());
        prop_assert_eq!(claims.token_id(), theirs["jti"].as_str());
        let audience: Vec<_> = match &theirs["aud"] {
            Value::Array(texts) => texts.iter().map(|text| text.as_str().unwrap()).collect(),
            text => vec![text.as_str().unwrap()],
        };
        prop_assert_eq!(claims.audience().collect::<Vec<_>>(), audience);
        let scope = theirs["scope"].as_str().unwrap().split(' ').filter(|word| !word.is_empty());
        prop_assert!(claims.scopes().eq(scope));
        // Without the values that are stored beside the payload.
        prop_assert_eq!(claims.deserialize::<Map<String, Value>>().unwrap(), theirs);
    }

    #[test]
    fn duplicate_names_are_rejected_among_many_members(
        names in proptest::collection::hash_set("[a-z]{1,3}é?", 1..60),
        again in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        escaped in any::<bool>(),
    ) {
        let known = ["sub", "exp", "nbf", "iat", "iss", "aud", "jti", "gen"];
        let names: Vec<String> = names.into_iter().filter(|name| !known.contains(&&**name)).collect();
        prop_assume!(!names.is_empty());
        let mut members: Vec<_> = names.iter().map(|name| format!(r#""{name}":[{{}},null]"#)).collect();
        check(&with_claims(members.join(",")), ACCEPTED, "each once");
        let name = again.get(&names);
        let name = if escaped { escape(name) } else { name.clone() };
        members.insert(at.index(members.len() + 1), format!(r#""{name}":0"#));
        check(&with_claims(members.join(",")), JSON_CLAIMS, name);
    }
}

proptest! {
    #[test]
    fn claims_agree_with_another_json_reader(
        (sub, exp, nbf, iat) in (claim(r#""7""#), claim("1767229200"), claim("1"), claim("0.5")),
        (iss, aud, jti) in (claim(r#""i""#), claim(r#"["a"]"#), claim(r#""x""#)),
        (scope, scp, generation) in (claim(r#""a b""#), claim(r#"["c"]"#), claim("3")),
    ) {
        let names = ["sub", "exp", "nbf", "iat", "iss", "aud", "jti", "scope", "scp", "gen"];
        let values = [sub, exp, nbf, iat, iss, aud, jti, scope, scp, generation];
        let members: Vec<_> = names
            .iter()
            .zip(values)
            .filter_map(|(name, value)| Some(format!(r#""{name}":{}"#, value?)))
            .collect();
        let json = format!("{{{}}}", members.join(","));
        let theirs: Map<String, Value> = serde_json::from_str(&json).unwrap();
        let read = tower_warder::Claims::from_json(&json);
        prop_assert_eq!(read.is_ok(), is_well_formed(&theirs), "{}", json);
        let verifier = verifier().audience("a").scope_claims(["scope", "scp"]);
        let verified = verifier.verify_token(&with_payload(&json));
        let scopes: Option<Vec<_>> = ["scope", "scp"].iter().map(|name| scopes(&theirs, name)).collect();
        let Ok(claims) = read else {
            prop_assert!(verified.is_err());
            return Ok(());
        };
        prop_assert_eq!(claims.subject(), &theirs["sub"]);
        prop_assert_eq!(claims.issuer(), text_of(&theirs, "iss"));
        prop_assert_eq!(claims.token_id(), text_of(&theirs, "jti"));
        prop_assert_eq!(claims.audience().collect::<Vec<_>>(), texts_of(&theirs, "aud").unwrap());
        prop_assert_eq!(claims.expires_at(), time_of(&theirs, "exp").unwrap());
        prop_assert_eq!(claims.not_before(), time_of(&theirs, "nbf"));
        prop_assert_eq!(claims.issued_at(), time_of(&theirs, "iat"));
        let generation = match theirs.get("gen") {
            None | Some(Value::Null) => Some(0),
            Some(value) => value.as_u64(),
        };
        prop_assert_eq!(claims.generation(), generation);
        let usual = self::scopes(&theirs, "scope").unwrap_or_default();
        prop_assert_eq!(claims.scopes().collect::<Vec<_>>(), usual);
        match (verified, scopes) {
            (Ok(claims), Some(scopes)) => {
                prop_assert_eq!(claims.scopes().collect::<Vec<_>>(), scopes.concat());
            }
            (Ok(_), None) => prop_assert!(false, "another type of scope in {}", json),
            // Rejected for times or audience, which other tests cover.
            (Err(error), Some(_)) => prop_assert_ne!(error.reason(), "scope_type", "{}", json),
            (Err(_), None) => {}
        }
    }
}

/// JSON value of a claim or `None`: often the valid one.
fn claim(good: &'static str) -> impl Strategy<Value = Option<String>> {
    let odd = [
        "null",
        "true",
        "{}",
        "[]",
        "0",
        "-0",
        "-1",
        "7",
        "1.5",
        "1e3",
        "1e300",
        "253402300799",
        "253402300800",
        "18446744073709551615",
        "18446744073709551616",
        r#""""#,
        r#"" ""#,
        r#""1""#,
        r#""a\u0020b""#,
        r#"["a"]"#,
        r#"["\u0061","b c",""]"#,
        r#"["a",1]"#,
        "[null]",
        r#"[["a"]]"#,
        r#"{"a":["b"]}"#,
    ];
    let odd = prop::sample::select(odd.map(str::to_owned).to_vec());
    prop_oneof![
        8 => Just(Some(good.to_owned())),
        1 => Just(None),
        2 => prop_oneof![text(), odd].prop_map(Some),
    ]
}

fn is_well_formed(claims: &Map<String, Value>) -> bool {
    let is_absent = |name| matches!(claims.get(name), None | Some(Value::Null));
    let is_date = |name| is_absent(name) || time_of(claims, name).is_some();
    let subject = text_of(claims, "sub").unwrap_or_default();
    (1..=255).contains(&subject.len())
        && !subject.contains(char::is_control)
        && !is_absent("exp")
        && ["exp", "nbf", "iat"].into_iter().all(is_date)
        && (is_absent("iss") || text_of(claims, "iss").is_some())
        && texts_of(claims, "aud").is_some()
}

fn text_of<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

fn texts_of<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<Vec<&'a str>> {
    match claims.get(name) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(texts)) => texts.iter().map(Value::as_str).collect(),
        Some(value) => value.as_str().map(|text| vec![text]),
    }
}

fn time_of(claims: &Map<String, Value>, name: &str) -> Option<SystemTime> {
    let seconds = claims.get(name)?.as_f64()?;
    let in_range = (0.0..=253_402_300_799.0).contains(&seconds);
    in_range.then(|| UNIX_EPOCH + Duration::from_secs_f64(seconds))
}

/// Scopes of the claim; `None` if it has another type.
fn scopes<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<Vec<&'a str>> {
    let mut scopes = texts_of(claims, name)?;
    if let Some(words) = text_of(claims, name) {
        scopes = words.split(' ').collect();
    }
    scopes.retain(|scope| !scope.is_empty());
    Some(scopes)
}

/// JSON string with some characters escaped.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        "[ -~]".prop_map(|text| text.chars().next().unwrap()),
        any::<char>(),
    ];
    vec((character, any::<bool>()), 0..12).prop_map(|characters| {
        let spell = |(character, escaped): (char, bool)| match character {
            '"' | '\\' | '\0'..'\x20' => escape(&character.to_string()),
            _ if escaped => escape(&character.to_string()),
            _ => character.to_string(),
        };
        format!(
            r#""{}""#,
            characters.into_iter().map(spell).collect::<String>()
        )
    })
}

fn escape(text: &str) -> String {
    text.encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect()
}
