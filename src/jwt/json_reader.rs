//! JSON text (RFC 8259), read value by value.

use std::borrow::Cow;
use std::slice;

/// The text is not JSON of the expected form.
pub(super) struct Malformed;

/// Value of a member, of any type.
#[derive(Clone)]
pub(super) enum Value<'a> {
    Null,
    /// A string, borrowed from the input unless it has escapes.
    Text(Cow<'a, str>),
    /// An array of strings.
    Texts(Texts<'a>),
    Integer(u64),
    /// A negative integer.
    Negative(i64),
    /// Any other number.
    Float(f64),
    Other,
}

/// The strings of an array that is valid.
#[derive(Clone)]
pub(super) struct Texts<'a>(Reader<'a>);

impl<'a> Iterator for Texts<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.next_token()? {
            b'"' => self.0.string().ok(),
            b',' => self.next(),
            _ => None,
        }
    }
}

/// Reader of a text. The rare forms, strings with escapes and numbers other than positive integers, are
/// left to `serde_json`.
///
/// What most values pass through is inlined, so that they are not moved in memory.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    json: &'a str,
    rest: slice::Iter<'a, u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(json: &'a str) -> Self {
        Self {
            json,
            rest: json.as_bytes().iter(),
        }
    }

    /// Reads a value with at most `levels` levels of objects and arrays.
    #[inline(always)]
    pub(super) fn value(&mut self, levels: u8) -> Result<Value<'a>, Malformed> {
        match self.next_token().ok_or(Malformed)? {
            b'"' => self.string().map(Value::Text),
            first @ b'0'..=b'9' => self.number(first),
            first => self.other_value(first, levels),
        }
    }

    fn other_value(&mut self, first: u8, levels: u8) -> Result<Value<'a>, Malformed> {
        match first {
            b'[' => self.array(levels.checked_sub(1).ok_or(Malformed)?),
            b'{' => {
                let levels = levels.checked_sub(1).ok_or(Malformed)?;
                self.object(|_, reader| reader.value(levels).map(drop))?;
                Ok(Value::Other)
            }
            b'n' => self.literal(b"ull", Value::Null),
            b't' => self.literal(b"rue", Value::Other),
            b'f' => self.literal(b"alse", Value::Other),
            _ => self.other_number(self.position() - 1),
        }
    }

    /// Reads an array after its first bracket.
    fn array(&mut self, levels: u8) -> Result<Value<'a>, Malformed> {
        let (texts, mut others) = (Texts(self.clone()), false);
        self.items(b']', |reader| {
            others |= !matches!(reader.value(levels)?, Value::Text(_));
            Ok(())
        })?;
        match others {
            false => Ok(Value::Texts(texts)),
            true => Ok(Value::Other),
        }
    }

    /// Reads an object after its first bracket. `member` gets each name and reads the value.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(Cow<'a, str>, &mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.items(b'}', |reader| {
            reader.expect(b'"')?;
            let name = reader.string()?;
            reader.expect(b':')?;
            member(name, reader)
        })
    }

    /// Reads items with commas between them, and the bracket after them.
    fn items(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut after = self.clone();
        if after.next_token() == Some(close) {
            *self = after;
            return Ok(());
        }
        loop {
            item(self)?;
            match self.next_token() {
                Some(b',') => {}
                Some(token) if token == close => return Ok(()),
                _ => return Err(Malformed),
            }
        }
    }

    /// Reads a string after its first quotation mark.
    #[inline(always)]
    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let start = self.position();
        let length = plain_bytes(self.rest.as_slice());
        match self.rest.nth(length) {
            Some(b'"') => {
                let text = self.json.get(start..start + length);
                text.map(Cow::Borrowed).ok_or(Malformed)
            }
            Some(b'\\') => self.string_with_escapes(start).map(Cow::Owned),
            _ => Err(Malformed),
        }
    }

    /// Reads a string that begins at `start`, after its first backslash.
    #[cold]
    fn string_with_escapes(&mut self, start: usize) -> Result<String, Malformed> {
        loop {
            // The byte after a backslash does not end the string.
            self.rest.next();
            let length = plain_bytes(self.rest.as_slice());
            if self.rest.nth(length) != Some(&b'\\') {
                break;
            }
        }
        let quoted = self.json.get(start - 1..self.position());
        serde_json::from_str(quoted.ok_or(Malformed)?).map_err(|_| Malformed)
    }

    /// Reads a number after its first byte.
    #[inline(always)]
    fn number(&mut self, first: u8) -> Result<Value<'a>, Malformed> {
        let start = self.position() - 1;
        let (mut integer, mut digits) = (u64::from(first.wrapping_sub(b'0')), 1);
        let rest = self.rest.as_slice().iter();
        let digit_values = rest.map(|byte| byte.wrapping_sub(b'0'));
        for digit in digit_values.take_while(|digit| *digit <= 9) {
            integer = integer.wrapping_mul(10).wrapping_add(digit.into());
            digits += 1;
        }
        self.skip(digits - 1);
        let is_longer = matches!(self.rest.as_slice().first(), Some(b'.' | b'e' | b'E'));
        match matches!(first, b'1'..=b'9') && digits <= MAX_DIGITS && !is_longer {
            true => Ok(Value::Integer(integer)),
            false => self.other_number(start),
        }
    }

    /// Reads a number that begins at `start`, after its first digits.
    #[cold]
    fn other_number(&mut self, start: usize) -> Result<Value<'a>, Malformed> {
        let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        self.skip(self.rest.as_slice().iter().take_while(is_part).count());
        let text = self.json.get(start..self.position()).ok_or(Malformed)?;
        let float: f64 = serde_json::from_str(text).map_err(|_| Malformed)?;
        Ok(match (text.parse(), text.parse()) {
            (Ok(integer), _) => Value::Integer(integer),
            (_, Ok(integer @ ..0)) => Value::Negative(integer),
            _ => Value::Float(float),
        })
    }

    fn literal(&mut self, text: &[u8], value: Value<'a>) -> Result<Value<'a>, Malformed> {
        let found = text.iter().all(|byte| self.rest.next() == Some(byte));
        found.then_some(value).ok_or(Malformed)
    }

    pub(super) fn expect(&mut self, token: u8) -> Result<(), Malformed> {
        match self.next_token() == Some(token) {
            true => Ok(()),
            false => Err(Malformed),
        }
    }

    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        match self.next_token() {
            None => Ok(()),
            Some(_) => Err(Malformed),
        }
    }

    /// Skips white space and returns the byte after it.
    fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.rest.next() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => {}
                other => return other.copied(),
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.as_slice().get(bytes..).unwrap_or_default().iter();
    }

    fn position(&self) -> usize {
        self.json.len() - self.rest.len()
    }
}

/// Number of bytes before the first quotation mark, backslash or control character.
fn plain_bytes(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return bytes.len() - rest.len() + special.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let end = rest.iter().position(is_special).unwrap_or(rest.len());
    bytes.len() - rest.len() + end
}

/// Sets the highest bit of each quotation mark, backslash and control character. Bytes above the lowest
/// of them may have it as well.
const fn special_bytes(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    // Swaps the quotation mark and the space, so that the former follows the control characters.
    let controls = word ^ (EACH * (b'"' ^ b' ') as u64);
    let backslashes = word ^ (EACH * b'\\' as u64);
    let is_control = controls.wrapping_sub(EACH * (b' ' + 1) as u64);
    (is_control | backslashes.wrapping_sub(EACH)) & !word & (EACH << 7)
}

/// As many decimal digits fit into 64 bits.
const MAX_DIGITS: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bytes_end_at_the_first_special_byte() {
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..32);
        for byte in 0..=u8::MAX {
            for length in 0..=18 {
                // What follows, in the same word, makes no difference.
                for after in [&b""[..], b"\"", b"\0\\!", b"!!!!!!!!!\xff"] {
                    let plain = &b"~ \x80\xff#![]~ \xe2\xa2\x7f!~ \x80\xff"[..length];
                    let text = [plain, &[byte], after].concat();
                    let expected = text.iter().position(is_special).unwrap_or(text.len());
                    assert_eq!(plain_bytes(&text), expected, "{text:?}");
                }
            }
        }
    }
}
