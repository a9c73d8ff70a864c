//! What the header of a token asks for (RFC 7515, section 4.1).

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::de::MapAccess;

use super::base64url;
use super::limits::MAX_HEADER_BYTES;
use super::strict_json::{self, ObjectFields, Text};
use crate::error::RejectReason;

/// What is read of a header. `jwk`, `jku`, `x5u`, `x5c` and `x5t` are nothing to us: no token
/// brings its own key.
#[derive(Default)]
pub(super) struct Header<'a> {
    pub(super) alg: Option<Cow<'a, str>>,
    pub(super) kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    extended: bool,
}

impl<'a> Header<'a> {
    /// Reads an encoded header, if it asks for nothing that we do not do.
    pub(super) fn read(encoded: &str, buffer: &'a mut HeaderBuffer) -> Result<Self, RejectReason> {
        let decoded = base64url::decode(encoded, buffer.for_header(encoded))?;
        let header = std::str::from_utf8(decoded)
            .ok()
            .and_then(|json| strict_json::read_object(json, Self::default()).ok())
            .ok_or(RejectReason::Header)?;

        // RFC 7515, section 4.1.11: an extension that is not understood is a reason to refuse,
        // and we understand none. RFC 7797, section 7: no `b64` in a JWT.
        if header.extended {
            return Err(RejectReason::Critical);
        }
        Ok(header)
    }

    /// Whether a token of this type authenticates anybody: one of `types`, or where none are
    /// configured `JWT` (RFC 7519, section 5.1), `at+jwt` (RFC 9068, section 2.1) or none at all.
    /// A token that was made for something else does not.
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

impl<'de> ObjectFields<'de> for Header<'de> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        let place = match name {
            "alg" => &mut self.alg,
            "typ" => &mut self.typ,
            "kid" => &mut self.kid,
            _ => {
                self.extended |= matches!(name, "crit" | "b64");
                return Ok(false);
            }
        };
        strict_json::keep(place, map.next_value_seed(Text)?)?;
        Ok(true)
    }
}

/// Where a header is decoded. Most are short; one with certificates (`x5c`), where such are accepted,
/// is not.
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

/// The first few encoded headers of accepted tokens, each with the key that it chose. An issuer
/// writes one header for all its tokens: it is read once and compared from then on.
///
/// Only good for the keys among which it was chosen.
#[derive(Default)]
pub(super) struct HeaderCache([OnceLock<(Box<str>, usize)>; 4]);

impl HeaderCache {
    pub(super) fn key_of(&self, encoded: &str) -> Option<usize> {
        let known = self.0.iter().map_while(OnceLock::get);
        let mut same = known.filter(|(header, _)| **header == *encoded);
        same.next().map(|(_, key)| *key)
    }

    /// Only for a header whose signature was verified, so that no stranger takes the places.
    pub(super) fn remember(&self, encoded: &str, key: usize) {
        if let Some(free) = self.0.iter().find(|place| place.get().is_none()) {
            // Whoever was faster keeps the place.
            let _ = free.set((encoded.into(), key));
        }
    }
}

/// Compared as media types, whose `application/` may be left out (RFC 7515, section 4.1.9).
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
