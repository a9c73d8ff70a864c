//! One JSON object, read strictly: what a lenient reader passes over is an error here.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The members that a reader of an object is interested in.
pub(super) trait Members<'de> {
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
pub(super) fn read_object<'de, M: Members<'de>>(
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

impl<'de, M: Members<'de>> Visitor<'de> for Object<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut others = Names::default();
        // Names are compared after unescaping.
        while let Some(name) = map.next_key_seed(Text)? {
            if !self.0.read(&name, &mut map)? {
                map.next_value_seed(Ignored::new())?;
                if !others.insert(name) {
                    return Err(duplicate());
                }
            }
        }
        Ok(())
    }
}

fn duplicate<E: Error>() -> E {
    E::custom("duplicate member")
}

/// The names of an object that nobody keeps. A few are compared one by one; the others, so that
/// many names are not many times as dear, are kept in order.
#[derive(Default)]
struct Names<'a> {
    few: [&'a str; 16],
    count: usize,
    others: BTreeSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
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

/// A string, or an array of strings.
pub(super) enum Texts<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

/// Reads [`Texts`].
pub(super) struct OneOrMany;

impl<'de> DeserializeSeed<'de> for OneOrMany {
    type Value = Texts<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Texts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Texts::One(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Texts::One(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = seq.next_element_seed(Text)? {
            texts.push(text);
        }
        Ok(Texts::Many(texts))
    }
}

/// A `NumericDate` (RFC 7519, section 2) from 1970 to the end of the year 9999.
pub(super) struct NumericDate;

impl<'de> DeserializeSeed<'de> for NumericDate {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_f64(self)
    }
}

impl Visitor<'_> for NumericDate {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since 1970")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<f64, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<f64, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<f64, E> {
        // Also catches milliseconds.
        if (0.0..=super::claims::LAST_DATE).contains(&seconds) {
            Ok(seconds)
        } else {
            Err(E::custom("date out of range"))
        }
    }
}

/// Any value that nobody keeps. Read nonetheless, because a value that is skipped is not checked:
/// its strings must be Unicode, its nesting bounded.
pub(super) struct Ignored {
    levels: u8,
}

impl Ignored {
    /// The value of a member of the outermost object.
    pub(super) const fn new() -> Self {
        Self {
            levels: MAX_NESTING - 1,
        }
    }

    fn inner<E: Error>(&self) -> Result<u8, E> {
        self.levels
            .checked_sub(1)
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Ignored {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Ignored {
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

const MAX_NESTING: u8 = 64;
