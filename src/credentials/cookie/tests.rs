//! Reading and writing the cookie.

use super::super::credential::is_malformed;
use super::*;

fn read(lines: &[&[u8]]) -> Result<Option<Credential>, CredentialError> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
    }
    let found = AuthCookie::new("id").unwrap().read(&mut headers);
    let lines = headers.get_all(COOKIE);
    assert!(lines.iter().all(HeaderValue::is_sensitive));
    found
}

#[test]
fn cookie_is_found_among_others() {
    for lines in [
        &[&b"__Host-id=a.b-c="[..]][..],
        &[b"a=1; __Host-id=a.b-c=; b"],
        &[b"a=\xff\"; ;;=;\t__Host-id=a.b-c=  ;"],
        &[b"a=1", b"__Host-id=a.b-c=", b"id=2"],
        &[b"x__Host-id=1;__Host-id=a.b-c=;__Host-idx=2;__host-id=3;id=4"],
    ] {
        let credential = read(lines).unwrap().unwrap();
        assert_eq!(credential.token(20, false).unwrap(), "a.b-c=");
        assert!(credential.is_cookie());
    }
}

#[test]
fn other_cookies_are_no_credential() {
    for lines in [
        &[][..],
        &[&b""[..]],
        &[b"id=a"],
        &[b"__Host-id"],
        &[b"__Host-id =a"],
        &[b"__Secure-id=a"],
        &[b"__HOST-id=a"],
        &[b"a=__Host-id=a"],
        &[b"a=1, __Host-id=a"],
    ] {
        assert!(matches!(read(lines), Ok(None)), "{lines:?}");
    }
}

#[test]
fn value_that_is_not_a_token_is_malformed() {
    for lines in [
        &[&b"__Host-id="[..]][..],
        &[b"__Host-id=\"a.b\""],
        &[b"__Host-id=a b"],
        &[b"__Host-id= a"],
        &[b"__Host-id=a%20b"],
        &[b"__Host-id=a,b"],
        &[b"__Host-id=a\xff"],
        &[b"__Host-id=a\tb"],
        &[b"__Host-id=="],
    ] {
        assert!(is_malformed(&read(lines)), "{lines:?}");
    }
}

#[test]
fn duplicate_cookie_is_rejected() {
    for lines in [
        &[&b"__Host-id=a; __Host-id=a"[..]][..],
        &[b"__Host-id=a", b"__Host-id=b"],
        &[b"__Host-id=; a=1; __Host-id=a"],
        &[b"__Host-id=a; __Host-id=b; __Host-id=c"],
    ] {
        let found = read(lines).map(|_| ());
        assert_eq!(found, Err(CredentialError::DuplicateCookie), "{lines:?}");
    }
}

#[cfg(feature = "axum")]
#[test]
fn all_cookies_of_the_name_are_read_up_to_the_limit() {
    for (lines, limit, expected) in [
        (&[][..], 2, &[][..]),
        (&["__Host-id=a; b=1; __Host-id=c"], 2, &["a", "c"]),
        (
            &["__Host-id=a", "__Host-id=b", "__Host-id=c"],
            2,
            &["a", "b"],
        ),
        (&["__Host-id=a; __Host-id=b"], 1, &["a"]),
        (&["__Host-id=a"], 0, &[]),
    ] {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        let found = AuthCookie::new("id").unwrap().read_all(&mut headers, limit);
        let found: Vec<_> = found
            .iter()
            .map(|credential| credential.token(20, false).unwrap())
            .collect();
        assert_eq!(found, expected, "{lines:?}");
    }
}

#[test]
fn set_cookie_has_the_safe_attributes() {
    let minute = Duration::from_millis(60_999);
    let cookie = AuthCookie::new("id").unwrap();
    let plain = AuthCookie::dangerous_without_tls("id").unwrap();
    for (line, expected) in [
        (
            cookie.set("a.b", minute).unwrap(),
            "__Host-id=a.b; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
        ),
        (
            cookie.clear(),
            "__Host-id=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure",
        ),
        (
            cookie.same_site_strict().set("a.b", minute).unwrap(),
            "__Host-id=a.b; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure",
        ),
        (
            plain.set("a.b", minute).unwrap(),
            "id=a.b; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
        ),
    ] {
        assert_eq!(line, expected);
        assert!(line.is_sensitive());
    }
}

#[test]
fn invalid_or_too_long_token_is_not_set() {
    let cookie = AuthCookie::new("id").unwrap();
    let longest = MAX_PAIR_BYTES - cookie.name().len();
    assert!(cookie.set(&"a".repeat(longest), Duration::MAX).is_ok());
    for token in [
        "",
        "a; Domain=example.org",
        "a\r\nb",
        "\"a\"",
        "ä",
        &"a".repeat(longest + 1),
    ] {
        assert_eq!(
            cookie.set(token, Duration::MAX),
            Err(InvalidCookieValue(()))
        );
    }
}

#[test]
fn invalid_or_prefixed_name_is_rejected() {
    for name in [
        "",
        "__Host-id",
        "__host-id",
        "__Secure-id",
        "a b",
        "a=b",
        "a;b",
        "ä",
        "a\r\nb",
    ] {
        assert!(AuthCookie::new(name).is_err(), "{name}");
        assert!(AuthCookie::dangerous_without_tls(name).is_err(), "{name}");
    }
}
