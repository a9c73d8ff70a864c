//! What the header of a token asks for (RFC 7515, section 4.1).

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::de::MapAccess;

use super::json::{self, Ignored, Members, Text};
use super::{MAX_HEADER, base64url};
use crate::error::Refusal;

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
    pub(super) fn read(encoded: &str, buffer: &'a mut [u8; MAX_HEADER]) -> Result<Self, Refusal> {
        let header = std::str::from_utf8(base64url::decode(encoded, buffer)?)
            .ok()
            .and_then(|json| json::read_object(json, Self::default()).ok())
            .ok_or(Refusal::Header)?;

        // RFC 7515, section 4.1.11: an extension that is not understood is a reason to refuse,
        // and we understand none. RFC 7797, section 7: no `b64` in a JWT.
        if header.extended {
            return Err(Refusal::Critical);
        }
        if header
            .typ
            .as_deref()
            .is_some_and(|typ| !is_access_type(typ))
        {
            return Err(Refusal::Type);
        }
        Ok(header)
    }
}

impl<'de> Members<'de> for Header<'de> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "alg" => self.alg = Some(map.next_value_seed(Text)?),
            "typ" => self.typ = Some(map.next_value_seed(Text)?),
            "kid" => self.kid = Some(map.next_value_seed(Text)?),
            _ => {
                self.extended |= matches!(name, "crit" | "b64");
                map.next_value_seed(Ignored::new())?;
            }
        }
        Ok(())
    }
}

/// The first few encoded headers of accepted tokens, each with the key that it chose. An issuer
/// writes one header for all its tokens: it is read once and compared from then on.
///
/// Only good for the keys among which it was chosen.
#[derive(Default)]
pub(super) struct KnownHeaders([OnceLock<(Box<str>, usize)>; 4]);

impl KnownHeaders {
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

/// `JWT` (RFC 7519, section 5.1) or `at+jwt` (RFC 9068, section 2.1), so that a token made for
/// something else opens no door.
fn is_access_type(typ: &str) -> bool {
    const PREFIX: &str = "application/";
    let name = match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, name)) if prefix.eq_ignore_ascii_case(PREFIX) => name,
        _ => typ,
    };
    name.eq_ignore_ascii_case("JWT") || name.eq_ignore_ascii_case("at+jwt")
}
