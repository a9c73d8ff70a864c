//! Strict reading of one JSON object.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::limits::MAX_NESTING_LEVELS;

/// Members that are read from an object.
pub(super) trait ObjectFields<'de> {
    /// Takes the value of the member `name` out of `map` and returns `true`, or returns `false` and
    /// leaves the value in `map`.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Stores the value of a member. Fails for a duplicate.
pub(super) fn keep<T, E: Error>(slot: &mut Option<T>, value: T) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(duplicate()),
    }
}

/// Reads `json` as one object without duplicate names and without anything after it.
pub(super) fn read_object<'de>(
    json: &'de str,
    members: &mut impl ObjectFields<'de>,
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Object(members))?;
    deserializer.end()
}

/// Reads `json` as one object into a type that derives `Deserialize`. Members that the type lacks
/// may have any value. Unlike serde alone, rejects an array in place of an object and ill-formed UTF-8
/// in ignored members.
pub(super) fn deserialize_object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Option<T> {
    let text = std::str::from_utf8(json).ok()?;
    let is_object = text.trim_start().starts_with('{');
    is_object.then(|| serde_json::from_str(text).ok())?
}

struct Object<'m, M>(&'m mut M);

impl<'de, M: ObjectFields<'de>> Visitor<'de> for Object<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut others = SeenNames::default();
        // Names are compared after unescaping.
        while let Some(name) = map.next_key_seed(Text)? {
            if !self.0.read(&name, &mut map)? {
                map.next_value_seed(ValidatedIgnored::new())?;
                if !others.insert(name) {
                    return Err(duplicate());
                }
            }
        }
        Ok(())
    }
}

pub(super) fn duplicate<E: Error>() -> E {
    E::custom("duplicate member")
}

/// Names of the members that are not kept. The first ones are compared one by one; the others are in
/// an ordered set, so that the cost does not grow with the square of their number.
#[derive(Default)]
struct SeenNames<'a> {
    few: [&'a str; 16],
    count: usize,
    others: BTreeSet<Cow<'a, str>>,
}

impl<'a> SeenNames<'a> {
    /// Returns `true` if the name is new.
    fn insert(&mut self, name: Cow<'a, str>) -> bool {
        let (few, free) = self.few.split_at_mut(self.count);
        if few.iter().any(|known| **known == *name) || self.others.contains(&name) {
            return false;
        }
        match (name, free.first_mut()) {
            (Cow::Borrowed(name), Some(slot)) => {
                *slot = name;
                self.count += 1;
                true
            }
            (name, _) => self.others.insert(name),
        }
    }
}

/// A string, borrowed from the input unless it has escapes.
pub(super) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Value of a claim, of any type.
#[derive(Clone)]
pub(super) enum Value<'a> {
    Null,
    Text(Cow<'a, str>),
    /// An array of strings.
    Texts(Vec<Cow<'a, str>>),
    Integer(u64),
    /// A negative integer.
    Negative(i64),
    Other,
}

/// Reads a [`Value`] with the checks of [`ValidatedIgnored`].
pub(super) struct AnyValue(ValidatedIgnored);

impl AnyValue {
    /// For a member of the outermost object.
    pub(super) const fn new() -> Self {
        Self(ValidatedIgnored::new())
    }
}

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Negative(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let levels = self.0.inner()?;
        let (mut texts, mut others) = (Vec::new(), false);
        while let Some(value) = seq.next_element_seed(Self(ValidatedIgnored { levels }))? {
            match value {
                Value::Text(text) => texts.push(text),
                _ => others = true,
            }
        }
        match others {
            false => Ok(Value::Texts(texts)),
            true => Ok(Value::Other),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.visit_map(map)?;
        Ok(Value::Other)
    }
}

/// Reads and drops a value. Unlike a skipped value, it is checked: its strings have to be Unicode and
/// its nesting is limited.
pub(super) struct ValidatedIgnored {
    levels: u8,
}

impl ValidatedIgnored {
    /// For a member of the outermost object.
    pub(super) const fn new() -> Self {
        Self {
            levels: MAX_NESTING_LEVELS - 1,
        }
    }

    fn inner<E: Error>(&self) -> Result<u8, E> {
        self.levels
            .checked_sub(1)
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for ValidatedIgnored {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValidatedIgnored {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let levels = self.inner()?;
        while seq.next_element_seed(Self { levels })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let levels = self.inner()?;
        while map.next_key_seed(Text)?.is_some() {
            map.next_value_seed(Self { levels })?;
        }
        Ok(())
    }
}
