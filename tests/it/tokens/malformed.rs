//! Malformed claims, compared with `serde_json`.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use tower_warder::Claims;

use super::forge::*;
use super::property::{mutate, mutations};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2048,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn malformed_claims_are_those_that_serde_json_rejects(
        value in value(),
        name in text(),
        blanks in "[ \t\r\n]{0,2}",
        mutations in mutations(),
        mutated in any::<bool>(),
    ) {
        let json = format!(
            r#"{blanks}{{"sub":"7",{blanks}"exp"{blanks}:1767229200,{name}:{blanks}{value}{blanks}}}"#
        );
        let json = match mutated {
            true => String::from_utf8_lossy(&mutate(&json, &mutations)).into_owned(),
            false => json,
        };
        let malformed = match Claims::from_json(&json) {
            Ok(_) => false,
            Err(error) => error.reason() == JSON_CLAIMS,
        };
        prop_assert_eq!(malformed, !is_strict_object(&json), "{}", json);
    }
}

/// Returns `true` if `serde_json` reads one object, in which no name occurs twice.
fn is_strict_object(json: &str) -> bool {
    // Strings are read, so that they are Unicode.
    let valid = serde_json::from_str::<Value>(json).is_ok();
    valid && serde_json::from_str::<UniqueNames>(json).is_ok()
}

struct UniqueNames;

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for UniqueNames {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without duplicate names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = Vec::<String>::new();
        while let Some((name, IgnoredAny)) = map.next_entry()? {
            if names.contains(&name) {
                return Err(serde::de::Error::custom("duplicate"));
            }
            names.push(name);
        }
        Ok(self)
    }
}

/// JSON text of a value, with numbers and strings that are invalid now and then.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "-?[0-9]{1,3}",
        "-?[1-9][0-9]{17,20}",
        "-?[0-9]{1,3}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        text(),
        select(&["null", "true", "false", "[]", "{ }"][..]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let member = (text(), inner.clone()).prop_map(|(name, value)| format!("{name} :{value}"));
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| format!("[ {}]", values.join(","))),
            vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(" ,"))),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[ -!#-\\[\\]-~]{0,12}",
        2 => "[é€😀\u{7f}\u{80}]",
        2 => "\\\\[\"\\\\/bfnrt]",
        1 => "\\\\u[0-9a-fA-F]{4}",
        1 => "\\\\ud[89ab][0-9a-f]{2}\\\\ud[c-f][0-9a-f]{2}",
        1 => select(&["\\ud800", "\\udc00", "\\x", "\\u12", "\t", "\0", "\u{1f}", "\\"][..])
            .prop_map(str::to_owned),
    ];
    vec(piece, 0..3).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}
