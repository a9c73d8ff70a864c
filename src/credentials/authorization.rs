//! Bearer token in the `Authorization` header.

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::credential::{Credential, CredentialError, SentIn, is_token_char, only_line};

/// Finds the credential in the header.
pub(super) fn find(headers: &mut HeaderMap) -> Result<Option<Credential>, CredentialError> {
    match only_line(headers, &AUTHORIZATION)? {
        Some(value) => read(value),
        None => Ok(None),
    }
}

/// `credentials = auth-scheme [ 1*SP token68 ]` (RFC 9110, section 11.4), with the `b64token` of
/// RFC 6750, section 2.1, as the only accepted form.
fn read(value: HeaderValue) -> Result<Option<Credential>, CredentialError> {
    let bytes = value.as_bytes();
    let rest = match bytes.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
        _ => return of_other_scheme(bytes),
    };
    match rest.iter().take_while(|byte| **byte == b' ').count() {
        // `BearerX` is another scheme, `Bearer,` is malformed.
        0 if rest.first().copied().is_some_and(is_token_char) => of_other_scheme(bytes),
        0 => Err(CredentialError::Malformed),
        spaces => {
            let token = SCHEME.len() + spaces..bytes.len();
            Ok(Some(Credential::new(value, token, SentIn::Header)))
        }
    }
}

/// No credential, unless the value is invalid for any scheme.
fn of_other_scheme(value: &[u8]) -> Result<Option<Credential>, CredentialError> {
    match value.is_ascii() {
        true => Ok(None),
        false => Err(CredentialError::Malformed),
    }
}

const SCHEME: &[u8] = b"Bearer";

#[cfg(test)]
mod tests {
    use super::super::credential::is_malformed;
    use super::*;

    fn find(lines: &[&[u8]]) -> (Result<Option<Credential>, CredentialError>, HeaderMap) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(line).unwrap());
        }
        let found = super::find(&mut headers);
        (found, headers)
    }

    #[test]
    fn scheme_is_case_insensitive_and_spaces_may_repeat() {
        for line in [
            "Bearer a.b-c_d~e+f/g==",
            "bearer   a.b-c_d~e+f/g==",
            "BEARER a.b-c_d~e+f/g==",
        ] {
            let credential = find(&[line.as_bytes()]).0.unwrap().unwrap();
            assert_eq!(credential.token(20, false).unwrap(), "a.b-c_d~e+f/g==");
        }
    }

    #[test]
    fn bearer_value_that_is_not_one_b64token_is_malformed() {
        for line in [
            "Bearer",
            "Bearer ",
            "bearer  ",
            "Bearer\tabc",
            "Bearer a\tb",
            "Bearer a,b",
            "Bearer \"a\"",
            "Bearer a%20b",
            "Bearer a=b",
            "Bearer ===",
            "Bearer a b",
            "Bearer abc ",
            "Bearer,abc",
            "Bearer a.b.c, Bearer d.e.f",
            "Bearer=abc",
            "Bearer a:b",
        ] {
            let (found, _) = find(&[line.as_bytes()]);
            assert!(is_malformed(&found), "{line}");
        }
    }

    #[test]
    fn other_or_missing_scheme_is_no_credential() {
        for line in [
            "",
            "abc",
            "BearerX abc",
            "Basic YTpi",
            "Token abc",
            "Bearer%20abc",
            " Bearer abc",
            "=Bearer a",
        ] {
            let (found, _) = find(&[line.as_bytes()]);
            assert!(matches!(found, Ok(None)), "{line}");
        }
        assert!(matches!(find(&[]).0, Ok(None)));
    }

    #[test]
    fn non_ascii_value_is_malformed() {
        for line in [
            &b"Bearer \xff"[..],
            b"Bearer a\xc2\xa0b",
            b"\xff\xfe",
            b"Basic \xe9",
            b"BearerX \xe9",
        ] {
            assert!(is_malformed(&find(&[line]).0), "{line:?}");
        }
    }

    #[test]
    fn second_authorization_line_is_rejected() {
        for lines in [
            [&b"Bearer a"[..], b"Bearer a"],
            [b"Basic a", b"Bearer a"],
            [b"", b""],
        ] {
            let (found, headers) = find(&lines);
            assert!(matches!(found, Err(CredentialError::Multiple)));
            assert!(
                headers
                    .get_all(AUTHORIZATION)
                    .iter()
                    .all(HeaderValue::is_sensitive)
            );
        }
    }

    #[test]
    fn value_is_marked_sensitive_when_read() {
        for line in ["Bearer abc", "Basic abc"] {
            let (_, headers) = find(&[line.as_bytes()]);
            assert!(headers[AUTHORIZATION].is_sensitive());
        }
    }
}
