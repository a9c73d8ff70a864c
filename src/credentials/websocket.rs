//! A token among the subprotocols that a WebSocket client offers.

use http::header::{Entry, HeaderMap, SEC_WEBSOCKET_PROTOCOL};

use super::credential::{Presented, list_items};

/// What the offer `bearer, <token>` brought; `None` if `bearer` is not offered. Several lines are
/// one list (RFC 6455, section 11.3.4).
pub(super) fn find(headers: &mut HeaderMap) -> Option<Presented> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return None;
    }
    let Entry::Occupied(mut lines) = headers.entry(SEC_WEBSOCKET_PROTOCOL) else {
        return None;
    };
    let mut seen = Seen::Nothing;
    for line in lines.iter_mut() {
        line.set_sensitive(true);
        let line = &*line;
        for (start, item) in list_items(line.as_bytes(), b',') {
            seen = match seen {
                Seen::Nothing if item == NAME => Seen::Name,
                Seen::Nothing => Seen::Nothing,
                Seen::Name => {
                    let place = start..start + item.len();
                    Seen::Token(Presented::at(line.clone(), place))
                }
                // Another token, for all we know.
                Seen::Token(_) => Seen::Token(Presented::twice()),
            };
        }
    }
    match seen {
        Seen::Nothing => None,
        Seen::Name => Some(Presented::bad()),
        Seen::Token(presented) => Some(presented),
    }
}

enum Seen {
    Nothing,
    Name,
    Token(Presented),
}

const NAME: &[u8] = b"bearer";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(lines: &[&[u8]]) -> Option<Presented> {
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
    fn the_token_comes_after_the_name() {
        for lines in [
            &[&b"bearer, a.b-c"[..]][..],
            &[b"bearer,a.b-c"],
            &[b"chat.v2, bearer ,\t a.b-c "],
            &[b"bearer", b"a.b-c"],
            &[b"chat\xff", b"bearer, a.b-c"],
        ] {
            let presented = found(lines).unwrap();
            assert_eq!(presented.token(20, false).unwrap(), "a.b-c");
        }
    }

    #[test]
    fn without_the_name_nothing_is_found() {
        for lines in [
            &[][..],
            &[&b""[..]],
            &[b"chat, a.b.c"],
            &[b"Bearer, a.b.c"],
            &[b"bearer a.b.c"],
            &[b"bearer=a.b.c"],
            &[b"\xff"],
        ] {
            assert!(found(lines).is_none(), "{lines:?}");
        }
    }

    #[test]
    fn a_name_without_a_token_is_a_bad_one() {
        for lines in [
            &[&b"bearer"[..]][..],
            &[b"chat, bearer"],
            &[b"bearer,"],
            &[b"bearer, a b"],
            &[b"bearer, \"a\""],
            &[b"bearer, a\xff"],
        ] {
            assert!(found(lines).unwrap().is_bad(), "{lines:?}");
        }
    }

    #[test]
    fn more_after_the_token_is_unacceptable() {
        for lines in [
            &[&b"bearer, a, b"[..]][..],
            &[b"bearer, a, bearer, b"],
            &[b"bearer, a", b"bearer, a"],
            &[b"bearer, a,"],
        ] {
            assert!(
                matches!(found(lines), Some(Presented::Unacceptable(_))),
                "{lines:?}"
            );
        }
    }
}
