//! The form of a token: three segments (RFC 7515, section 7.1).

use super::MAX_HEADER;
use crate::error::Refusal;

/// A token in its segments, none of them decoded.
pub(super) struct Compact<'a> {
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
    /// Header and payload with the dot between them.
    pub(super) signed: &'a str,
}

impl<'a> Compact<'a> {
    pub(super) fn split(token: &'a str, max_size: usize) -> Result<Self, Refusal> {
        if token.len() > max_size {
            return Err(Refusal::Size);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Segments)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Segments)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() || payload.contains('.')
        {
            return Err(Refusal::Segments);
        }
        if header.len() > MAX_HEADER {
            return Err(Refusal::Size);
        }
        Ok(Self {
            header,
            payload,
            signature,
            signed,
        })
    }
}
