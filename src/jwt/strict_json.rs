//! Strict reading of one JSON object.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;

use super::json_reader::{Malformed, Reader, Value};
use super::limits::MAX_NESTING_LEVELS;

/// Members that are read from an object.
pub(super) trait ObjectFields<'a> {
    /// Stores the value of the member `name`, or returns `false` if it is not one of these. Fails for a
    /// duplicate.
    fn put(&mut self, name: &str, value: Value<'a>) -> Result<bool, Malformed>;
}

/// Stores the value of a member. Fails for a duplicate.
pub(super) fn keep<T>(slot: &mut Option<T>, value: T) -> Result<bool, Malformed> {
    match slot.replace(value) {
        None => Ok(true),
        Some(_) => Err(Malformed),
    }
}

/// Reads `json` as one object without duplicate names and without anything after it. Ignored values are
/// checked as well: their strings have to be Unicode and their nesting is limited.
pub(super) fn read_object<'a>(
    json: &'a str,
    members: &mut impl ObjectFields<'a>,
) -> Result<(), Malformed> {
    let mut others = SeenNames::default();
    let mut reader = Reader::new(json);
    reader.expect(b'{')?;
    reader.object(|name, reader| {
        let value = reader.value(MAX_NESTING_LEVELS - 1)?;
        // Names are compared after unescaping.
        match members.put(&name, value)? || others.insert(name) {
            true => Ok(()),
            false => Err(Malformed),
        }
    })?;
    reader.end()
}

/// Reads `json` as one object into a type that derives `Deserialize`. Members that the type lacks
/// may have any value. Unlike serde alone, rejects an array in place of an object and ill-formed UTF-8
/// in ignored members.
pub(super) fn deserialize_object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Option<T> {
    let text = std::str::from_utf8(json).ok()?;
    let is_object = text.trim_start().starts_with('{');
    is_object.then(|| serde_json::from_str(text).ok())?
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
