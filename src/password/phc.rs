//! Stored hashes in PHC string format.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ctutils::CtEq;

use crate::password::argon2id::tag;
use crate::password::error::PasswordError;
use crate::password::memory::Memory;
use crate::password::params::Cost;

/// Argon2id hash whose parameters are within the limits.
///
/// As a string it is `$argon2id$v=19$m=…,t=…,p=…$salt$tag`, the only form that the reference
/// implementation writes. Another order, `keyid` and `data` are rejected.
pub(super) struct StoredHash {
    pub(super) cost: Cost,
    pub(super) salt: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

impl StoredHash {
    /// Hashes a password with a fresh salt.
    pub(super) fn new(
        password: &str,
        cost: Cost,
        memory: &mut Memory,
    ) -> Result<Self, PasswordError> {
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt)
            .map_err(|_| PasswordError::failed("no randomness is available"))?;
        let tag = tag(password, &salt, TAG_BYTES, cost, memory)?.to_vec();
        Ok(Self { cost, salt, tag })
    }

    /// Hash against which an unknown user is verified: it costs as much as a new hash. Its tag is all
    /// zeros, which no password meets but by chance.
    ///
    /// Making it needs neither hashing nor randomness, so the first unknown user takes no longer than
    /// the others.
    pub(super) fn dummy(cost: Cost) -> Self {
        Self {
            cost,
            salt: vec![0; SALT_BYTES],
            tag: vec![0; TAG_BYTES],
        }
    }

    /// Parses and checks the string, before anything is hashed. The error is the reason.
    pub(super) fn parse(stored: &str) -> Result<Self, &'static str> {
        if stored.len() > MAX_BYTES {
            return Err("longer than 512 bytes");
        }
        let rest = stored
            .strip_prefix("$argon2id$v=19$")
            .ok_or("neither argon2id version 19 nor of a configured format")?;
        Self::parse_fields(rest)
    }

    /// Parses what follows the version: parameters, salt and tag.
    pub(super) fn parse_fields(fields: &str) -> Result<Self, &'static str> {
        let mut parts = fields.split('$');
        let (Some(params), Some(salt), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("not parameters, salt and tag");
        };
        let cost = parse_params(params).ok_or("parameters not of the form m=…,t=…,p=…")?;
        cost.within_limits()?;
        let bytes = |part: &str| {
            STANDARD_NO_PAD
                .decode(part)
                .map_err(|_| "salt or tag not in base64 without padding")
        };
        let (salt, tag) = (bytes(salt)?, bytes(tag)?);
        if !(8..=64).contains(&salt.len()) {
            return Err("salt not of 8 to 64 bytes");
        }
        if !(16..=64).contains(&tag.len()) {
            return Err("tag not of 16 to 64 bytes");
        }
        Ok(Self { cost, salt, tag })
    }

    /// Returns `true` if this is the hash of the password.
    pub(super) fn matches(
        &self,
        password: &str,
        memory: &mut Memory,
    ) -> Result<bool, PasswordError> {
        let tag = tag(password, &self.salt, self.tag.len(), self.cost, memory)?;
        Ok(tag.as_slice().ct_eq(self.tag.as_slice()).into())
    }

    /// Returns `true` if a new hash would have other parameters or lengths.
    pub(super) fn is_outdated(&self, live: Cost) -> bool {
        self.cost != live || self.salt.len() != SALT_BYTES || self.tag.len() != TAG_BYTES
    }
}

impl fmt::Display for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost {
            memory_kib,
            iterations,
            lanes,
        } = self.cost;
        let salt = STANDARD_NO_PAD.encode(&self.salt);
        let tag = STANDARD_NO_PAD.encode(&self.tag);
        write!(
            f,
            "$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}${salt}${tag}"
        )
    }
}

fn parse_params(params: &str) -> Option<Cost> {
    let mut parts = params.split(',');
    let cost = Cost {
        memory_kib: parse_number(parts.next()?.strip_prefix("m=")?)?,
        iterations: parse_number(parts.next()?.strip_prefix("t=")?)?,
        lanes: parse_number(parts.next()?.strip_prefix("p=")?)?,
    };
    parts.next().is_none().then_some(cost)
}

/// Parses a number in its one spelling: `u32::from_str` alone also accepts `+3` and `03`.
pub(super) fn parse_number(digits: &str) -> Option<u32> {
    if digits.starts_with(['+', '0']) {
        return None;
    }
    digits.parse().ok()
}

const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// More than the longest hash within the limits needs.
pub(super) const MAX_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "c2FsdHNhbHRzYWx0c2FsdA";
    const TAG: &str = "AYZS4FaZ0ueMtR+C6CqwtsVysuQRxQtIuGstOQvB5oo";

    fn is_readable(stored: &str) -> bool {
        StoredHash::parse(stored).is_ok()
    }

    fn with_params(params: &str) -> String {
        format!("$argon2id$v=19${params}${SALT}${TAG}")
    }

    fn with_lengths(salt: usize, tag: usize) -> String {
        let salt = STANDARD_NO_PAD.encode(vec![1; salt]);
        let tag = STANDARD_NO_PAD.encode(vec![1; tag]);
        format!("$argon2id$v=19$m=8,t=1,p=1${salt}${tag}")
    }

    #[test]
    fn parsed_hash_is_written_unchanged() {
        for params in ["m=65536,t=3,p=4", "m=8,t=1,p=1", "m=1048576,t=16,p=16"] {
            let stored = with_params(params);
            assert_eq!(StoredHash::parse(&stored).unwrap().to_string(), stored);
        }
    }

    #[test]
    fn malformed_and_excessive_parameters_are_rejected() {
        for params in [
            "",
            "m=65536",
            "m=65536,t=3",
            "m=65536,t=3,p=4,",
            ",m=65536,t=3,p=4",
            "t=3,m=65536,p=4",
            "m=65536,p=4,t=3",
            "m=65536,t=3,p=4,p=4",
            "m=65536,m=65536,t=3,p=4",
            "m=65536,t=3,p=4,data=AAAA",
            "m=65536,t=3,p=4,keyid=AAAA",
            "keyid=AAAA,m=65536,t=3,p=4",
            "m=,t=3,p=4",
            "m=+65536,t=3,p=4",
            "m=-65536,t=3,p=4",
            "m=065536,t=3,p=4",
            "m= 65536,t=3,p=4",
            "m=65536 ,t=3,p=4",
            "m=0x10000,t=3,p=4",
            "m=65536.0,t=3,p=4",
            "m=६५५३६,t=3,p=4",
            "M=65536,t=3,p=4",
            "m=1048577,t=3,p=4",
            "m=4294967295,t=3,p=4",
            "m=4294967296,t=3,p=4",
            "m=99999999999999999999999999,t=3,p=4",
            "m=65536,t=17,p=4",
            "m=65536,t=4294967295,p=4",
            "m=65536,t=0,p=4",
            "m=65536,t=3,p=17",
            "m=65536,t=3,p=16777215",
            "m=65536,t=3,p=4294967295",
            "m=65536,t=3,p=0",
            "m=0,t=3,p=4",
            "m=7,t=1,p=1",
            "m=31,t=3,p=4",
        ] {
            assert!(!is_readable(&with_params(params)), "{params}");
        }
    }

    #[test]
    fn lengths_of_salt_and_tag_are_limited() {
        for (salt, tag, valid) in [
            (8, 16, true),
            (64, 64, true),
            (7, 32, false),
            (65, 32, false),
            (16, 15, false),
            (16, 65, false),
            (0, 32, false),
            (16, 0, false),
        ] {
            assert_eq!(is_readable(&with_lengths(salt, tag)), valid, "{salt} {tag}");
        }
    }

    #[test]
    fn other_formats_are_rejected() {
        let good = with_params("m=8,t=1,p=1");
        assert!(is_readable(&good));
        for bad in [
            String::new(),
            "$".to_owned(),
            "$$$$$".to_owned(),
            "\0".to_owned(),
            "not a hash".to_owned(),
            "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW".to_owned(),
            good.replace("argon2id", "argon2i"),
            good.replace("argon2id", "argon2d"),
            good.replace("argon2id", "Argon2id"),
            good.replace("v=19", "v=16"),
            good.replace("v=19", "v=019"),
            good.replace("v=19", "v=4294967315"),
            good.replace("$v=19", ""),
            good.replace("v=19$", "v=19$$"),
            good.replace(SALT, ""),
            good.replace(TAG, ""),
            good.replace(&format!("${TAG}"), ""),
            good.replace(&format!("${SALT}"), ""),
            good.replace(SALT, &format!("{SALT}==")),
            good.replace(SALT, "c2FsdHNhbHRzYWx0c2FsdB"),
            good.replace(TAG, &TAG.replace('+', "-")),
            good.replace(TAG, &format!("{TAG}=")),
            good.replace(TAG, &format!("{TAG}é")),
            format!("{good}$"),
            format!("{good}${TAG}"),
            format!("{good}\n"),
            format!(" {good}"),
            good[1..].to_owned(),
            good.replace(TAG, &"A".repeat(8 << 20)),
            good.replace("m=8", &format!("m={}", "9".repeat(8 << 20))),
            "$".repeat(8 << 20),
        ] {
            assert!(!is_readable(&bad), "{}", bad.get(..120).unwrap_or(&bad));
        }
        // A prefix of a valid hash is invalid, unless it only shortens the tag within its limits.
        for end in 0..good.len() - TAG.len() + 21 {
            assert!(!is_readable(&good[..end]), "{end}");
        }
    }
}
