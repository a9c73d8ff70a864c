//! Token in the query parameter `token`.

use std::iter;

use http::{HeaderValue, Uri};

use super::credential::{Credential, CredentialError, SentIn};

/// Finds the credential in `?token=`. Other parameters are not read.
pub(super) fn find(uri: &Uri) -> Result<Option<Credential>, CredentialError> {
    let parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
    let mut tokens = parameters.filter_map(token);
    let Some(token) = tokens.next() else {
        return Ok(None);
    };
    if tokens.next().is_some() {
        return Err(CredentialError::Multiple);
    }
    read(token)
}

/// Value of the parameter, if it is named `token`. The name may be percent-encoded (`%74oken`).
fn token(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let name_matches = decode(name).eq(NAME.bytes().map(Some));
    name_matches.then_some(value)
}

fn read(value: &str) -> Result<Option<Credential>, CredentialError> {
    let decoded: Option<Vec<u8>> = decode(value).collect();
    let Some(Ok(mut value)) = decoded.map(HeaderValue::try_from) else {
        return Err(CredentialError::Malformed);
    };
    value.set_sensitive(true);
    let whole = 0..value.len();
    Ok(Some(Credential::new(value, whole, SentIn::ListedPath)))
}

/// Decodes `application/x-www-form-urlencoded` strictly: a `%` without two hex digits is `None`.
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
    use super::super::credential::is_malformed;
    use super::*;

    fn found(query: &str) -> Result<Option<Credential>, CredentialError> {
        find(&format!("/events?{query}").parse().unwrap())
    }

    #[test]
    fn single_token_is_found_and_decoded() {
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
            let credential = found(query).unwrap().unwrap();
            assert_eq!(credential.token(20, false).unwrap(), token, "{query}");
        }
    }

    #[test]
    fn query_without_token_has_no_credential() {
        for query in [
            "",
            "a=token",
            "Token=a",
            "tokens=a",
            "%=token",
            "access_token=a",
        ] {
            assert!(matches!(found(query), Ok(None)), "{query}");
        }
        assert!(matches!(find(&"/events".parse().unwrap()), Ok(None)));
    }

    #[test]
    fn value_that_is_not_a_token_is_malformed() {
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
            assert!(is_malformed(&found(query)), "{query}");
        }
    }

    #[test]
    fn second_token_parameter_is_rejected() {
        for query in ["token=a&token=a", "token=a&%74oken=b", "token&a=b&token="] {
            assert!(
                matches!(found(query), Err(CredentialError::Multiple)),
                "{query}"
            );
        }
    }
}
