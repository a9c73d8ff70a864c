//! Token in the subprotocols that a WebSocket client offers.

use http::header::{Entry, HeaderMap, SEC_WEBSOCKET_PROTOCOL};

use super::credential::{Credential, CredentialError, SentIn, list_items};

/// Finds the credential in the list `bearer, <token>`. Several lines are one list (RFC 6455, section
/// 11.3.4).
pub(super) fn find(headers: &mut HeaderMap) -> Result<Option<Credential>, CredentialError> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    let Entry::Occupied(mut lines) = headers.entry(SEC_WEBSOCKET_PROTOCOL) else {
        return Ok(None);
    };
    let mut found = Ok(None);
    for line in lines.iter_mut() {
        line.set_sensitive(true);
        let line = &*line;
        for (start, item) in list_items(line.as_bytes(), b',') {
            found = match found {
                // An error unless the token follows.
                Ok(None) if item == NAME => Err(CredentialError::Malformed),
                Ok(None) => Ok(None),
                Err(CredentialError::Malformed) => {
                    let range = start..start + item.len();
                    let token = Credential::new(line.clone(), range, SentIn::ListedPath);
                    Ok(Some(token))
                }
                // Anything after the token could be another one.
                _ => Err(CredentialError::Multiple),
            };
        }
    }
    found
}

const NAME: &[u8] = b"bearer";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::super::credential::is_malformed;
    use super::*;

    fn found(lines: &[&[u8]]) -> Result<Option<Credential>, CredentialError> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_bytes(line).unwrap();
            headers.append(SEC_WEBSOCKET_PROTOCOL, line);
        }
        let found = find(&mut headers);
        let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL);
        assert!(lines.iter().all(HeaderValue::is_sensitive));
        found
    }

    #[test]
    fn token_follows_the_bearer_subprotocol() {
        for lines in [
            &[&b"bearer, a.b-c"[..]][..],
            &[b"bearer,a.b-c"],
            &[b"chat.v2, bearer ,\t a.b-c "],
            &[b"bearer", b"a.b-c"],
            &[b"chat\xff", b"bearer, a.b-c"],
        ] {
            let credential = found(lines).unwrap().unwrap();
            assert_eq!(credential.token(20, false).unwrap(), "a.b-c");
        }
    }

    #[test]
    fn list_without_bearer_has_no_credential() {
        for lines in [
            &[][..],
            &[&b""[..]],
            &[b"chat, a.b.c"],
            &[b"Bearer, a.b.c"],
            &[b"bearer a.b.c"],
            &[b"bearer=a.b.c"],
            &[b"\xff"],
        ] {
            assert!(matches!(found(lines), Ok(None)), "{lines:?}");
        }
    }

    #[test]
    fn bearer_without_a_token_is_malformed() {
        for lines in [
            &[&b"bearer"[..]][..],
            &[b"chat, bearer"],
            &[b"bearer,"],
            &[b"bearer, a b"],
            &[b"bearer, \"a\""],
            &[b"bearer, a\xff"],
        ] {
            assert!(is_malformed(&found(lines)), "{lines:?}");
        }
    }

    #[test]
    fn item_after_the_token_is_rejected() {
        for lines in [
            &[&b"bearer, a, b"[..]][..],
            &[b"bearer, a, bearer, b"],
            &[b"bearer, a", b"bearer, a"],
            &[b"bearer, a,"],
        ] {
            assert!(
                matches!(found(lines), Err(CredentialError::Multiple)),
                "{lines:?}"
            );
        }
    }
}
