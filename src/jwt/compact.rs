//! Compact serialization of a token: three segments (RFC 7515, section 7.1).

use crate::error::RejectReason;

/// Segments of a token, still encoded.
pub(super) struct Compact<'a> {
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
    /// Header and payload with the dot between them: the signing input.
    pub(super) signed: &'a str,
}

impl<'a> Compact<'a> {
    pub(super) fn split(
        token: &'a str,
        max_token_bytes: usize,
        max_header_bytes: usize,
    ) -> Result<Self, RejectReason> {
        if token.len() > max_token_bytes {
            return Err(RejectReason::Size);
        }
        let mut dots = memchr::memchr_iter(b'.', token.as_bytes());
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(RejectReason::Segments);
        };
        let (signed, signature) = (token.get(..second), token.get(second + 1..));
        let (header, payload) = (token.get(..first), token.get(first + 1..second));
        let (Some(header), Some(payload), Some(signature), Some(signed)) =
            (header, payload, signature, signed)
        else {
            return Err(RejectReason::Segments);
        };
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(RejectReason::Segments);
        }
        if header.len() > max_header_bytes {
            return Err(RejectReason::HeaderSize);
        }
        Ok(Self {
            header,
            payload,
            signature,
            signed,
        })
    }
}
