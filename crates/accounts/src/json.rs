//! Strict parser of a JSON body.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::validation_error::ValidationError;

/// Parses a document in which no object, at any depth, has two members of the same name. RFC 8259,
/// section 4, leaves open which of them counts, and a proxy may decide otherwise than this parser.
///
/// Parses twice, because a [`Value`] silently keeps the last duplicate.
pub(super) fn read(json: &[u8]) -> Result<Value, ValidationError> {
    match serde_json::from_slice(json) {
        Ok(UniqueMembers) => serde_json::from_slice(json).map_err(|_| ValidationError::not_json()),
        Err(error) if error.is_data() => Err(ValidationError::duplicate_member()),
        Err(_) => Err(ValidationError::not_json()),
    }
}

/// Any JSON value without duplicate members. Names are compared after unescaping.
struct UniqueMembers;

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for UniqueMembers {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value without duplicate members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("duplicate member"));
            }
            map.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn duplicate_members_are_rejected_at_any_depth() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "b": 2, "\u0061": 3}"#,
            r#"{"b": [{"c": {"a": null, "a": null}}]}"#,
            r#"[{}, {"a": 1, "a": {}}]"#,
            r#"{"": 1, "": 2}"#,
            r#"{"\ud83d\uddfc": 1, "🗼": 2}"#,
        ] {
            assert_eq!(
                read(text.as_bytes()),
                Err(ValidationError::duplicate_member()),
                "{text}"
            );
        }
        let text = r#"{"a": {"a": [{"a": 1}, {"a": 2}]}, "A": 1}"#;
        assert_eq!(
            read(text.as_bytes()).unwrap(),
            json!({"a": {"a": [{"a": 1}, {"a": 2}]}, "A": 1})
        );
    }

    #[test]
    fn malformed_json_is_not_reported_as_duplicate() {
        let deep = "[".repeat(60_000);
        for text in [
            "",
            "{",
            "nul",
            r#"{"a": 1,}"#,
            "1e999",
            "{} x",
            r#""\ud800""#,
            &deep,
        ] {
            assert_eq!(
                read(text.as_bytes()),
                Err(ValidationError::not_json()),
                "{text:.40}"
            );
        }
        assert_eq!(read(b"\"\xff\""), Err(ValidationError::not_json()));
    }

    proptest! {
        #[test]
        fn object_is_accepted_if_its_names_are_unique(names in prop::collection::vec("[a-c\"\\\\ä]{0,2}", 0..4)) {
            let body: String = names
                .iter()
                .map(|name| format!("{}: [1.5, true]", json!(name)))
                .collect::<Vec<_>>()
                .join(",");
            let unique: HashSet<_> = names.iter().collect();
            let read = read(format!("{{{body}}}").as_bytes());
            prop_assert_eq!(read.is_ok(), unique.len() == names.len());
        }
    }
}
