//! What the accessors say is what another JSON reader says, however a text is spelled; T3 for names
//! however many there are.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::forge::*;

proptest! {
    #[test]
    fn texts_are_what_another_reader_says(
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
        // Not what is kept beside the payload.
        prop_assert_eq!(claims.custom::<Map<String, Value>>().unwrap(), theirs);
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_however_many_there_are(
        names in proptest::collection::hash_set("[a-z]{1,3}é?", 1..60),
        again in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        escaped in any::<bool>(),
    ) {
        let known = ["sub", "exp", "nbf", "iat", "iss", "aud", "jti", "gen"];
        let names: Vec<String> = names.into_iter().filter(|name| !known.contains(&&**name)).collect();
        prop_assume!(!names.is_empty());
        let mut members: Vec<_> = names.iter().map(|name| format!(r#""{name}":[{{}},null]"#)).collect();
        judge(&with_claims(members.join(",")), ACCEPTED, "each once");
        let name = again.get(&names);
        let name = if escaped { escape(name) } else { name.clone() };
        members.insert(at.index(members.len() + 1), format!(r#""{name}":0"#));
        judge(&with_claims(members.join(",")), JSON_CLAIMS, name);
    }
}

/// A string as JSON spells it: some characters as they are, some escaped.
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
