//! The parameter `token` of a query.

use std::iter;

use http::{HeaderValue, Uri};

use super::credential::Presented;

/// What `?token=` brought; `None` if it is not there. Other parameters are not looked at.
pub(super) fn find(uri: &Uri) -> Option<Presented> {
    let mut tokens = uri.query()?.split('&').filter_map(token);
    let token = tokens.next()?;
    if tokens.next().is_some() {
        return Some(Presented::twice());
    }
    Some(read(token))
}

/// The value of the parameter, if this is it: `%74oken` is another spelling of its name.
fn token(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let name_is_ours = decode(name).eq(NAME.bytes().map(Some));
    name_is_ours.then_some(value)
}

fn read(value: &str) -> Presented {
    let decoded: Option<Vec<u8>> = decode(value).collect();
    let Some(Ok(mut value)) = decoded.map(HeaderValue::try_from) else {
        return Presented::bad();
    };
    value.set_sensitive(true);
    let whole = 0..value.len();
    Presented::at(value, whole)
}

/// `application/x-www-form-urlencoded`, strictly: a `%` without two digits is `None`.
pub fn decode(text: &str) -> impl Iterator<Item = Option<u8>> {
    let mut bytes = text.bytes();
    iter::from_fn(move || {
        Some(match bytes.next()? {
            b'+' => Some(b' '),
            b'%' => octet(bytes.next(), bytes.next()),
            byte => Some(byte),
        })
    })
}

fn octet(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

const NAME: &str = "token";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> Option<Presented> {
        find(&format!("/events?{query}").parse().unwrap())
    }

    #[test]
    fn one_token_is_found_and_decoded() {
        for (query, token) in [
            ("token=a.b-c_d", "a.b-c_d"),
            ("a=1&token=a.b&b=%zz", "a.b"),
            ("%74oken=a.b", "a.b"),
            ("token=%61%2Eb", "a.b"),
            ("token=a%2bb%3D", "a+b="),
            ("&&token=a&", "a"),
            ("Token=x&token=a&token%00=y", "a"),
            ("token=a&%=b", "a"),
            ("token=a=", "a="),
        ] {
            let presented = found(query).unwrap();
            assert_eq!(presented.token(20, false).unwrap(), token, "{query}");
        }
    }

    #[test]
    fn without_the_parameter_nothing_is_found() {
        for query in [
            "",
            "a=token",
            "Token=a",
            "tokens=a",
            "%=token",
            "access_token=a",
        ] {
            assert!(found(query).is_none(), "{query}");
        }
        assert!(find(&"/events".parse().unwrap()).is_none());
    }

    #[test]
    fn a_value_that_is_no_token_is_a_bad_one() {
        for query in [
            "token",
            "token=",
            "token=%",
            "token=a%2",
            "token=%zz",
            "token=%+1",
            "token=%FF",
            "token=%C3%A4",
            "token=%00",
            "token=%0d%0aa",
            "token=a+b",
            "token=a%20b",
            "token=a%25b",
            "token=a;b",
            "token=%3D%3D",
            "token=Bearer%20a",
        ] {
            assert!(found(query).unwrap().is_bad(), "{query}");
        }
    }

    #[test]
    fn the_parameter_twice_is_unacceptable() {
        for query in ["token=a&token=a", "token=a&%74oken=b", "token&a=b&token="] {
            assert!(
                matches!(found(query), Some(Presented::Unacceptable(_))),
                "{query}"
            );
        }
    }
}
