//! Credential of a request, and the errors of finding one.

use std::ops::Range;
use std::str;

use http::header::{Entry, HeaderMap, HeaderName, HeaderValue};

use crate::error::{AuthError, AuthErrorKind, RejectReason};

/// Token, as a range of a value from the request.
#[derive(Clone)]
pub(crate) struct Credential {
    value: HeaderValue,
    range: Range<usize>,
    sent_in: SentIn,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SentIn {
    Header,
    /// Query or subprotocol, read on listed paths only: a token, or a ticket that replaces one.
    ListedPath,
    /// Sent by browsers with every request, and not removable by pages (`HttpOnly`).
    Cookie,
}

impl Credential {
    /// The characters are not checked yet: that is done on demand, by [`token`](Self::token).
    pub(super) const fn new(value: HeaderValue, range: Range<usize>, sent_in: SentIn) -> Self {
        Self {
            value,
            range,
            sent_in,
        }
    }

    /// The token, of at most `max_token_bytes` bytes. With `checked`, the verifier itself checks that
    /// it is a `b64token` (RFC 6750, section 2.1).
    pub(crate) fn token(
        &self,
        max_token_bytes: usize,
        checked: bool,
    ) -> Result<&str, RejectReason> {
        let bytes = self.value.as_bytes().get(self.range.clone());
        let bytes = bytes.unwrap_or_default();
        if bytes.len() > max_token_bytes {
            return Err(RejectReason::Size);
        }
        match str::from_utf8(bytes) {
            Ok(token) if checked || is_b64token(bytes) => Ok(token),
            _ => Err(RejectReason::Credential),
        }
    }

    pub(crate) fn may_be_ticket(&self) -> bool {
        self.sent_in == SentIn::ListedPath
    }

    pub(crate) fn is_cookie(&self) -> bool {
        self.sent_in == SentIn::Cookie
    }
}

/// Why a request has no usable credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialError {
    /// The value is not a token.
    Malformed,
    /// The cookie was sent twice.
    DuplicateCookie,
    /// More than one credential was sent.
    Multiple,
    /// Sent by a page of another origin.
    CrossOrigin,
}

impl From<CredentialError> for AuthError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Malformed => Self::rejected(RejectReason::Credential),
            CredentialError::DuplicateCookie => Self::rejected(RejectReason::DuplicateCookie),
            CredentialError::Multiple => Self::new(AuthErrorKind::InvalidRequest),
            CredentialError::CrossOrigin => Self::new(AuthErrorKind::CrossOrigin),
        }
    }
}

/// The one of two results that has a credential. RFC 6750, section 2: one method per request.
pub(super) fn only(
    one: Result<Option<Credential>, CredentialError>,
    other: Result<Option<Credential>, CredentialError>,
) -> Result<Option<Credential>, CredentialError> {
    match (one, other) {
        (Ok(None), found) | (found, Ok(None)) => found,
        _ => Err(CredentialError::Multiple),
    }
}

/// Takes the only line of a header, and marks it as sensitive. Of two lines one may come from the
/// client and the other from a proxy, which checked only its own (RFC 9110, section 5.3).
pub(super) fn only_line(
    headers: &mut HeaderMap,
    name: &HeaderName,
) -> Result<Option<HeaderValue>, CredentialError> {
    let Some(value) = headers.get_mut(name) else {
        return Ok(None);
    };
    value.set_sensitive(true);
    let value = value.clone();
    // In most requests each header has one line: then there is no need for another look-up.
    if headers.keys_len() < headers.len() && headers.get_all(name).iter().nth(1).is_some() {
        if let Entry::Occupied(mut lines) = headers.entry(name) {
            lines.iter_mut().for_each(|line| line.set_sensitive(true));
        }
        return Err(CredentialError::Multiple);
    }
    Ok(Some(value))
}

/// `tchar` of RFC 9110, section 5.6.2.
pub(super) fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(super) fn is_b64token(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let (text, _) = bytes.split_at(bytes.len() - padding);
    // Without an early exit, so that the loop is vectorized: most tokens are valid.
    let add_invalid = |invalid, byte: &u8| invalid | u8::from(!is_b64_char(*byte));
    !text.is_empty() && text.iter().fold(0, add_invalid) == 0
}

const fn is_b64_char(byte: u8) -> bool {
    // `-`, `.`, `/` and the digits are adjacent in ASCII.
    ((byte | 0x20).wrapping_sub(b'a') < 26)
        | (byte.wrapping_sub(b'-') < 13)
        | (byte == b'_')
        | (byte == b'~')
        | (byte == b'+')
}

/// Items of a list in a header value, trimmed, with the offset of each.
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

/// Returns `true` if a value was found that is not a token.
#[cfg(test)]
pub(super) fn is_malformed(found: &Result<Option<Credential>, CredentialError>) -> bool {
    match found {
        Ok(Some(credential)) => credential.token(usize::MAX, false).is_err(),
        Ok(None) => false,
        Err(error) => *error == CredentialError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b64token_has_only_the_characters_of_the_rfc() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_b64token(&[b'a', byte, b'a']), expected, "{byte}");
        }
    }

    #[test]
    fn too_long_token_is_rejected_before_it_is_read() {
        let value = HeaderValue::from_static("a,b");
        let credential = Credential::new(value, 0..3, SentIn::Header);
        for (max_token_bytes, reason) in [(3, RejectReason::Credential), (2, RejectReason::Size)] {
            let error = credential.token(max_token_bytes, false).unwrap_err();
            assert_eq!(error.to_string(), reason.to_string());
        }
    }

    #[test]
    fn list_items_have_their_offsets() {
        let value = b" a;  bc ;;\td";
        let found: Vec<_> = list_items(value, b';').collect();
        let expected: [(usize, &[u8]); 4] = [(1, b"a"), (5, b"bc"), (9, b""), (11, b"d")];
        assert_eq!(found, expected);
    }
}
