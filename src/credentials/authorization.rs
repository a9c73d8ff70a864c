//! The `Authorization` header.

use http::header::{AUTHORIZATION, Entry, HeaderMap, HeaderValue};

use super::credential::{Presented, is_token_char};

/// What the header brought.
pub(super) fn find(headers: &mut HeaderMap) -> Presented {
    let Some(value) = headers.get_mut(AUTHORIZATION) else {
        return Presented::Nothing;
    };
    value.set_sensitive(true);
    let value = value.clone();
    // RFC 9110, section 5.3: one line. A proxy that takes the other one would disagree.
    if headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
        if let Entry::Occupied(mut lines) = headers.entry(AUTHORIZATION) {
            lines.iter_mut().for_each(|line| line.set_sensitive(true));
        }
        return Presented::twice();
    }
    read(value)
}

/// `credentials = auth-scheme [ 1*SP token68 ]` (RFC 9110, section 11.4), with the `b64token` of
/// RFC 6750, section 2.1, as the only form that passes.
fn read(value: HeaderValue) -> Presented {
    let bytes = value.as_bytes();
    let rest = match bytes.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
        // No value of any scheme.
        _ if !bytes.is_ascii() => return Presented::bad(),
        _ => return Presented::Nothing,
    };
    match rest.iter().take_while(|byte| **byte == b' ').count() {
        // `BearerX` is another scheme, `Bearer,` none at all.
        0 if rest.first().copied().is_some_and(is_token_char) => Presented::Nothing,
        0 => Presented::bad(),
        blanks => {
            let token = SCHEME.len() + blanks..bytes.len();
            Presented::at(value, token)
        }
    }
}

const SCHEME: &[u8] = b"Bearer";

#[cfg(test)]
mod tests {
    use super::*;

    fn find(lines: &[&[u8]]) -> (Presented, HeaderMap) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(line).unwrap());
        }
        let presented = super::find(&mut headers);
        (presented, headers)
    }

    #[test]
    fn the_scheme_is_case_insensitive_and_blanks_may_be_many() {
        for line in [
            "Bearer a.b-c_d~e+f/g==",
            "bearer   a.b-c_d~e+f/g==",
            "BEARER a.b-c_d~e+f/g==",
        ] {
            let (presented, _) = find(&[line.as_bytes()]);
            assert_eq!(presented.token(20, false).unwrap(), "a.b-c_d~e+f/g==");
        }
    }

    #[test]
    fn a_bearer_line_that_is_not_one_b64token_is_a_bad_token() {
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
            let (presented, _) = find(&[line.as_bytes()]);
            assert!(presented.is_bad(), "{line}");
        }
    }

    #[test]
    fn another_scheme_or_none_is_no_credential() {
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
            let (presented, _) = find(&[line.as_bytes()]);
            assert!(matches!(presented, Presented::Nothing), "{line}");
        }
        assert!(matches!(find(&[]).0, Presented::Nothing));
    }

    #[test]
    fn a_value_that_is_not_ascii_is_refused() {
        for line in [
            &b"Bearer \xff"[..],
            b"Bearer a\xc2\xa0b",
            b"\xff\xfe",
            b"Basic \xe9",
        ] {
            assert!(find(&[line]).0.is_bad(), "{line:?}");
        }
    }

    #[test]
    fn two_lines_are_a_malformed_request_whatever_they_say() {
        for lines in [
            [&b"Bearer a"[..], b"Bearer a"],
            [b"Basic a", b"Bearer a"],
            [b"", b""],
        ] {
            let (presented, headers) = find(&lines);
            assert!(matches!(presented, Presented::Unacceptable(_)));
            assert!(
                headers
                    .get_all(AUTHORIZATION)
                    .iter()
                    .all(HeaderValue::is_sensitive)
            );
        }
    }

    #[test]
    fn the_value_is_marked_sensitive_once_read() {
        for line in ["Bearer abc", "Basic abc"] {
            let (_, headers) = find(&[line.as_bytes()]);
            assert!(headers[AUTHORIZATION].is_sensitive());
        }
    }
}
