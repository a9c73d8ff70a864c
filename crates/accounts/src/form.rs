//! Strict parser of `application/x-www-form-urlencoded`, in bodies and queries.

use std::collections::HashSet;
use std::{mem, str};

use tower_warder::private::decode_form;
use zeroize::Zeroizing;

use super::validation_error::{Location, ValidationError, ValidationErrorKind};

/// Passes the decoded name and value of each parameter of `form` to `take`.
///
/// Duplicate parameters are rejected (RFC 6749, section 3.2), also unknown ones: two parsers could
/// disagree about which of them counts. A `%` without two hex digits, and bytes that are not UTF-8,
/// are rejected, too; lenient parsers would replace them.
pub(super) fn read(
    form: &[u8],
    location: Location,
    mut take: impl FnMut(&str, Zeroizing<String>),
) -> Result<(), ValidationError> {
    let malformed =
        || ValidationError::of_whole(location, ValidationErrorKind::ValueError, MALFORMED);
    let form = str::from_utf8(form).map_err(|_| malformed())?;
    let mut seen = HashSet::new();
    for parameter in form.split('&').filter(|text| !text.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let mut name = decode(name).ok_or_else(malformed)?;
        let value = decode(value).ok_or_else(malformed)?;
        if seen.contains(&*name) {
            return Err(ValidationError::of_whole(
                location,
                ValidationErrorKind::ValueError,
                TWICE,
            ));
        }
        take(&name, value);
        seen.insert(mem::take(&mut *name));
    }
    Ok(())
}

fn decode(text: &str) -> Option<Zeroizing<String>> {
    // Allocated once: a vector that grows leaves copies of the password behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for byte in decode_form(text) {
        bytes.push(byte?);
    }
    str::from_utf8(&bytes).ok()?;
    String::from_utf8(mem::take(&mut *bytes))
        .ok()
        .map(Zeroizing::new)
}

const MALFORMED: &str = "Percent-encoded UTF-8 expected";
const TWICE: &str = "Each field may be given once";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(form: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
        let mut fields = Vec::new();
        read(form, Location::Body, |name, value| {
            fields.push((name.to_owned(), value.as_str().to_owned()));
        })
        .map(|()| fields)
        .map_err(|error| {
            if error.message == TWICE {
                "twice"
            } else {
                "malformed"
            }
        })
    }

    #[test]
    fn fields_are_decoded() {
        let expected = [("a b", "c+d"), ("e", ""), ("ä", "=🗼=")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for form in [
            "a+b=c%2Bd&e&ä==🗼=",
            "&a%20b=c%2bd&&e=&%C3%A4=%3D%F0%9F%97%BC%3d&",
        ] {
            assert_eq!(fields(form.as_bytes()).unwrap(), expected, "{form}");
        }
        assert_eq!(fields(b"").unwrap(), []);
    }

    #[test]
    fn malformed_text_is_rejected() {
        for form in [
            &b"a=%"[..],
            b"a=%2",
            b"a=%zz",
            b"a=%+1",
            b"%=a",
            b"a=%ff",
            b"a=%C3",
            b"a=%C3%28",
            b"a=%ED%A0%80",
            b"%ff=a",
            b"a=\xff",
            b"a=1&b=%F0%9F",
        ] {
            assert_eq!(fields(form), Err("malformed"), "{form:?}");
        }
    }

    #[test]
    fn duplicate_fields_are_rejected_in_any_encoding() {
        for form in [
            "a=1&a=1",
            "a&a",
            "a=1&b=2&%61=3",
            "=1&=2",
            "a+b=1&a%20b=2",
            "ä=1&%C3%A4=2",
        ] {
            assert_eq!(fields(form.as_bytes()), Err("twice"), "{form}");
        }
        assert!(fields(b"a=1&A=2&b=1").is_ok());
    }

    proptest! {
        /// Accepted forms have the parameters that the library `form_urlencoded` reads; rejected
        /// ones have duplicates, or text that it would not write.
        #[test]
        fn form_urlencoded_library_agrees(form in "([ab]|%6[12]|[=&+%]|%[0-9A-Fa-f]{2}|ä){0,12}") {
            let others: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
            match fields(form.as_bytes()) {
                Ok(fields) => prop_assert_eq!(fields, others),
                Err("twice") => {
                    let names: HashSet<_> = others.iter().map(|(name, _)| name).collect();
                    prop_assert!(names.len() < others.len());
                }
                Err(_) => {
                    // Read as it stands, or with replacement characters.
                    let again = form_urlencoded::Serializer::new(String::new())
                        .extend_pairs(&others)
                        .finish();
                    prop_assert!(again.contains("%25") || again.contains("%EF%BF%BD"));
                }
            }
        }

        #[test]
        fn forms_of_the_form_urlencoded_library_are_read(fields_written in
            prop::collection::hash_map(any::<String>(), any::<String>(), 0..5)) {
            let written = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&fields_written)
                .finish();
            let read: std::collections::HashMap<_, _> =
                fields(written.as_bytes()).unwrap().into_iter().collect();
            prop_assert_eq!(read, fields_written);
        }
    }
}
