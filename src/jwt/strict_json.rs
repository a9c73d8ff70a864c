//! One JSON object, read strictly: what a lenient reader passes over is an error here.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::limits::MAX_NESTING_LEVELS;

/// The members that a reader of an object is interested in.
pub(super) trait ObjectFields<'de> {
    /// Takes the value of the member called `name` out of `map` and says that it kept it, or
    /// leaves it there.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Keeps the value of a member that is there once.
pub(super) fn keep<T, E: Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(duplicate()),
    }
}

/// Reads `json` as one object without duplicate names and without anything after it.
pub(super) fn read_object<'de, M: ObjectFields<'de>>(
    json: &'de str,
    mut members: M,
) -> Result<M, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Object(&mut members))?;
    deserializer.end()?;
    Ok(members)
}

/// Reads `json` as one object into a type that derives `Deserialize`, where members that nobody reads
/// may be anything. By itself serde would take an array for a struct, and skip ill-formed UTF-8 in
/// such members.
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

/// The names of an object that nobody keeps. A few are compared one by one; the others, so that
/// many names are not many times as dear, are kept in order.
#[derive(Default)]
struct SeenNames<'a> {
    few: [&'a str; 16],
    count: usize,
    others: BTreeSet<Cow<'a, str>>,
}

impl<'a> SeenNames<'a> {
    /// Says whether the name is new.
    fn insert(&mut self, name: Cow<'a, str>) -> bool {
        let (few, free) = self.few.split_at_mut(self.count);
        if few.iter().any(|known| **known == *name) || self.others.contains(&name) {
            return false;
        }
        match (name, free.first_mut()) {
            (Cow::Borrowed(name), Some(place)) => {
                *place = name;
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

/// The value of a claim, of whatever type it is.
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

/// Reads a [`Value`], as strictly as one that is [`ValidatedIgnored`].
pub(super) struct AnyValue(ValidatedIgnored);

impl AnyValue {
    /// The value of a member of the outermost object.
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

/// Any value that nobody keeps. Read nonetheless, because a value that is skipped is not checked:
/// its strings must be Unicode, its nesting bounded.
pub(super) struct ValidatedIgnored {
    levels: u8,
}

impl ValidatedIgnored {
    /// The value of a member of the outermost object.
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
