//! What a request brought.

use std::ops::Range;
use std::str;

use http::HeaderValue;

use crate::error::{AuthError, AuthErrorKind, RejectReason};

/// What a request brought.
#[derive(Clone)]
pub(crate) enum Presented {
    Nothing,
    Credential(Credential),
    /// From a place that is read on listed paths only: a token, or a ticket that stands for one.
    Listed(Credential),
    /// From the cookie, which a browser sends unasked and no page can drop.
    Cookie(Result<Credential, RejectReason>),
    Refused(RejectReason),
    Unacceptable(AuthErrorKind),
}

impl Presented {
    /// The one token, of at most `max_token_bytes` bytes, or why there is none. Whether it is a
    /// `b64token` (RFC 6750, section 2.1), somebody else may judge.
    pub(crate) fn token(&self, max_token_bytes: usize, judged: bool) -> Result<&str, AuthError> {
        match self {
            Self::Credential(credential) | Self::Listed(credential) => credential
                .read(max_token_bytes, judged)
                .map_err(AuthError::refused),
            Self::Cookie(cookie) => cookie
                .as_ref()
                .map_err(|refusal| *refusal)
                .and_then(|credential| credential.read(max_token_bytes, judged))
                .map_err(AuthError::refused),
            Self::Nothing => Err(AuthError::new(AuthErrorKind::MissingCredential)),
            Self::Refused(refusal) => Err(AuthError::refused(*refusal)),
            Self::Unacceptable(kind) => Err(AuthError::new(*kind)),
        }
    }

    /// The same, from a place that is read on listed paths only.
    pub(super) fn listed(self) -> Self {
        match self {
            Self::Credential(credential) => Self::Listed(credential),
            other => other,
        }
    }

    /// Whether that is so.
    pub(crate) const fn is_listed(&self) -> bool {
        matches!(self, Self::Listed(_))
    }

    /// Whether it is the cookie.
    pub(crate) const fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }

    /// This one, or the other if this is none. RFC 6750, section 2: one method in each request.
    pub(super) fn beside(self, other: Option<Self>) -> Self {
        match (self, other) {
            (this, None) => this,
            (Self::Nothing, Some(other)) => other,
            (_, Some(_)) => Self::twice(),
        }
    }

    /// What is meant to be a token, at this place of a value.
    pub(super) const fn at(value: HeaderValue, place: Range<usize>) -> Self {
        Self::Credential(Credential::at(value, place))
    }

    /// Something that is meant to be a token, and none.
    pub(super) const fn bad() -> Self {
        Self::Refused(RejectReason::Credential)
    }

    /// More than one.
    pub(super) const fn twice() -> Self {
        Self::Unacceptable(AuthErrorKind::InvalidRequest)
    }
}

/// A token where it stands.
#[derive(Clone)]
pub(crate) struct Credential {
    value: HeaderValue,
    place: Range<usize>,
}

impl Credential {
    /// Whether it is a token is judged when somebody asks: most routes are public.
    pub(super) const fn at(value: HeaderValue, place: Range<usize>) -> Self {
        Self { value, place }
    }

    fn read(&self, max_token_bytes: usize, judged: bool) -> Result<&str, RejectReason> {
        let bytes = self.value.as_bytes().get(self.place.clone());
        let bytes = bytes.unwrap_or_default();
        if bytes.len() > max_token_bytes {
            return Err(RejectReason::Size);
        }
        match str::from_utf8(bytes) {
            Ok(token) if judged || is_b64token(bytes) => Ok(token),
            _ => Err(RejectReason::Credential),
        }
    }
}

/// `tchar` of RFC 9110, section 5.6.2.
pub(super) const fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(super) fn is_b64token(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let (text, _) = bytes.split_at(bytes.len() - padding);
    // Without an early exit: most tokens are tokens, and many comparisons at a time are less.
    let odd = |odd, byte: &u8| odd | u8::from(!is_b64_char(*byte));
    !text.is_empty() && text.iter().fold(0, odd) == 0
}

const fn is_b64_char(byte: u8) -> bool {
    // `-`, `.`, `/` and the digits stand side by side.
    ((byte | 0x20).wrapping_sub(b'a') < 26)
        | (byte.wrapping_sub(b'-') < 13)
        | (byte == b'_')
        | (byte == b'~')
        | (byte == b'+')
}

/// The items of a list in a header value, without the blanks around them, and where each begins.
pub(super) fn list_items(value: &[u8], separator: u8) -> impl Iterator<Item = (usize, &[u8])> {
    let mut next = 0;
    value
        .split(move |byte| *byte == separator)
        .map(move |item| {
            let start = next + item.len() - item.trim_ascii_start().len();
            next += item.len() + 1;
            (start, item.trim_ascii())
        })
}

#[cfg(test)]
impl Presented {
    /// Whether it is meant to be a token, and none.
    pub(super) fn is_bad(&self) -> bool {
        match self {
            Self::Credential(credential) | Self::Listed(credential) => {
                credential.read(usize::MAX, false).is_err()
            }
            Self::Cookie(Ok(credential)) => credential.read(usize::MAX, false).is_err(),
            Self::Refused(_) | Self::Cookie(Err(_)) => true,
            Self::Nothing | Self::Unacceptable(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_b64token_has_these_characters_and_no_others() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_b64token(&[b'a', byte, b'a']), expected, "{byte}");
        }
    }

    #[test]
    fn a_longer_token_than_the_verifier_takes_is_refused_unread() {
        let presented = Presented::at(HeaderValue::from_static("a,b"), 0..3);
        for (max_token_bytes, reason) in [(3, RejectReason::Credential), (2, RejectReason::Size)] {
            let error = presented.token(max_token_bytes, false).unwrap_err();
            let source = std::error::Error::source(&error).unwrap();
            assert_eq!(source.to_string(), reason.to_string());
        }
    }

    #[test]
    fn list_items_know_where_they_begin() {
        let value = b" a;  bc ;;\td";
        let found: Vec<_> = list_items(value, b';').collect();
        let expected: [(usize, &[u8]); 4] = [(1, b"a"), (5, b"bc"), (9, b""), (11, b"d")];
        assert_eq!(found, expected);
    }
}
