//! Token headers (RFC 7515, section 4.1).

use std::borrow::Cow;
use std::sync::OnceLock;

use super::base64url;
use super::json_reader::{Malformed, Value};
use super::limits::MAX_HEADER_BYTES;
use super::strict_json::{self, ObjectFields};
use crate::error::RejectReason;

/// Parameters that are read from a header. `jwk`, `jku`, `x5u`, `x5c` and `x5t` are ignored: a token
/// must not supply its own key.
#[derive(Default)]
pub(super) struct Header<'a> {
    pub(super) alg: Option<Cow<'a, str>>,
    pub(super) kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    extended: bool,
}

impl<'a> Header<'a> {
    /// Reads an encoded header. Rejects one that demands an extension.
    pub(super) fn read(encoded: &str, buffer: &'a mut HeaderBuffer) -> Result<Self, RejectReason> {
        let decoded = base64url::decode(encoded, buffer.for_header(encoded))?;
        let json = std::str::from_utf8(decoded).map_err(|_| RejectReason::Header)?;
        let mut header = Self::default();
        strict_json::read_object(json, &mut header).map_err(|Malformed| RejectReason::Header)?;

        // RFC 7515, section 4.1.11: a token with an extension that is not understood is rejected, and
        // none is understood here. RFC 7797, section 7: no `b64` in a JWT.
        if header.extended {
            return Err(RejectReason::Critical);
        }
        Ok(header)
    }

    /// Checks that `typ` is one of `types`. Where none are configured it has to be `JWT` (RFC 7519,
    /// section 5.1), `at+jwt` (RFC 9068, section 2.1) or absent. Tokens that were issued for another
    /// purpose are rejected.
    pub(super) fn check_type(&self, types: Option<&[Box<str>]>) -> Result<(), RejectReason> {
        let accepted = match (self.typ.as_deref(), types) {
            (None, None) => true,
            (None, Some(_)) => return Err(RejectReason::NoType),
            (Some(typ), None) => is_type(typ, "JWT") || is_type(typ, "at+jwt"),
            (Some(typ), Some(types)) => types.iter().any(|accepted| is_type(typ, accepted)),
        };
        accepted.then_some(()).ok_or(RejectReason::Type)
    }
}

impl<'a> ObjectFields<'a> for Header<'a> {
    fn put(&mut self, name: &str, value: Value<'a>) -> Result<bool, Malformed> {
        let slot = match name {
            "alg" => &mut self.alg,
            "typ" => &mut self.typ,
            "kid" => &mut self.kid,
            _ => {
                self.extended |= matches!(name, "crit" | "b64");
                return Ok(false);
            }
        };
        match value {
            Value::Text(text) => strict_json::keep(slot, text),
            _ => Err(Malformed),
        }
    }
}

/// Buffer for a decoded header. Most headers fit on the stack; those with certificates (`x5c`), where
/// they are accepted, do not.
pub(super) struct HeaderBuffer {
    short: [u8; MAX_HEADER_BYTES],
    long: Vec<u8>,
}

impl HeaderBuffer {
    pub(super) const fn new() -> Self {
        Self {
            short: [0; MAX_HEADER_BYTES],
            long: Vec::new(),
        }
    }

    fn for_header(&mut self, encoded: &str) -> &mut [u8] {
        if encoded.len() <= MAX_HEADER_BYTES {
            return &mut self.short;
        }
        self.long
            .resize(base64::decoded_len_estimate(encoded.len()), 0);
        &mut self.long
    }
}

/// The first few encoded headers of accepted tokens, each with the index of the key that it selects.
/// An issuer usually writes the same header into all its tokens: it is parsed once and compared from
/// then on.
///
/// Valid only for the set of keys in which the indexes were looked up.
#[derive(Default)]
pub(super) struct HeaderCache([OnceLock<(Box<str>, usize)>; 4]);

impl HeaderCache {
    pub(super) fn key_of(&self, encoded: &str) -> Option<usize> {
        let known = self.0.iter().map_while(OnceLock::get);
        let mut same = known.filter(|(header, _)| **header == *encoded);
        same.next().map(|(_, key)| *key)
    }

    /// Call it only after the signature was verified, so that forged tokens cannot fill the cache.
    pub(super) fn remember(&self, encoded: &str, key: usize) {
        if let Some(free) = self.0.iter().find(|slot| slot.get().is_none()) {
            // If another thread was faster, its entry stays.
            let _ = free.set((encoded.into(), key));
        }
    }
}

/// Compares as media types, whose `application/` may be left out (RFC 7515, section 4.1.9).
fn is_type(typ: &str, accepted: &str) -> bool {
    subtype(typ).eq_ignore_ascii_case(subtype(accepted))
}

fn subtype(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, name)) if prefix.eq_ignore_ascii_case(PREFIX) => name,
        _ => typ,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_cache_has_the_first_four_headers() {
        let cache = HeaderCache::default();
        let headers = ["a", "b", "c", "d", "e"];
        for (key, header) in headers.into_iter().enumerate() {
            assert_eq!(cache.key_of(header), None, "{header}");
            cache.remember(header, key);
        }
        let known = headers.map(|header| cache.key_of(header));
        assert_eq!(known, [Some(0), Some(1), Some(2), Some(3), None]);
    }
}
