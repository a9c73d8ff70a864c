//! What a request brought.

use std::ops::Range;
use std::str;

use http::HeaderValue;

use crate::error::{AuthErrorKind, Refusal};

/// What a request brought.
pub(crate) enum Presented {
    Nothing,
    Credential(Credential),
    Refused(Refusal),
    Unacceptable(AuthErrorKind),
}

impl Presented {
    /// The token at this place of a value, if it is a `b64token` (RFC 6750, section 2.1).
    pub(super) fn token(value: HeaderValue, place: Range<usize>) -> Self {
        match value.as_bytes().get(place.clone()) {
            Some(token) if is_b64token(token) => Self::Credential(Credential { value, place }),
            _ => Self::bad(),
        }
    }

    /// Something that is meant to be a token, and none.
    pub(super) const fn bad() -> Self {
        Self::Refused(Refusal::Credential)
    }

    /// More than one.
    pub(super) const fn twice() -> Self {
        Self::Unacceptable(AuthErrorKind::InvalidRequest)
    }
}

/// A token where it stands.
pub(crate) struct Credential {
    value: HeaderValue,
    place: Range<usize>,
}

impl Credential {
    pub(crate) fn as_str(&self) -> &str {
        let bytes = self.value.as_bytes().get(self.place.clone());
        // Only made around a `b64token`.
        str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
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
    // Without an early exit: most tokens are tokens, and eight comparisons at a time are less.
    !text.is_empty() && text.iter().fold(true, |all, byte| all & is_b64_char(*byte))
}

const fn is_b64_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}
