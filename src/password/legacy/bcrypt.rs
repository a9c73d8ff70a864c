//! bcrypt, of the password or of a digest of it.

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use ctutils::CtEq;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::password::error::PasswordError;
use crate::password::format::LegacyHash;
use crate::password::legacy::Parsed;
use crate::password::legacy::text::split;
use crate::password::phc::parse_number;

pub(super) fn parse(stored: &str) -> Parsed {
    let (input, text) = if let Some(text) = stored.strip_prefix("bcrypt_sha256$") {
        (Input::HexDigest, text)
    } else if let Some(text) = stored.strip_prefix("$bcrypt-sha256$") {
        return parse_passlib(text).map(Some);
    } else {
        let text = stored.strip_prefix("bcrypt$").unwrap_or(stored);
        (Input::Password, text)
    };
    let Some((version, rest)) = text.strip_prefix('$').and_then(|it| it.split_once('$')) else {
        return Ok(None);
    };
    if !is_version(version) {
        return Ok(None);
    }
    let (cost, rest) = rest.split_once('$').ok_or(MALFORMED)?;
    // Two digits.
    let cost = match cost.strip_prefix('0') {
        Some(digit) if digit.len() == 1 => digit,
        None if cost.len() == 2 => cost,
        _ => return Err(MALFORMED),
    };
    let (salt, hash) = rest.split_at_checked(SALT_CHARS).ok_or(MALFORMED)?;
    Bcrypt::parse(cost, salt, hash).map(|hash| Some(hash.into_legacy(input)))
}

/// `v=2,t=2b,r=12$salt$hash`, or `2b,12$salt$hash` of passlib before 1.7.3.
fn parse_passlib(text: &str) -> Result<LegacyHash, &'static str> {
    let [params, salt, hash] = split(text, '$').ok_or(MALFORMED)?;
    let (input, version, cost) = match params.strip_prefix("v=2,t=") {
        Some(params) => {
            let (version, cost) = params.split_once(",r=").ok_or(MALFORMED)?;
            (Input::KeyedDigest(salt.to_owned()), version, cost)
        }
        None => {
            let (version, cost) = params.split_once(',').ok_or(MALFORMED)?;
            (Input::Digest, version, cost)
        }
    };
    if !is_version(version) {
        return Err(MALFORMED);
    }
    Bcrypt::parse(cost, salt, hash).map(|hash| hash.into_legacy(input))
}

/// The versions differ in errors of old implementations, not in what a correct one computes. `2x`
/// is such an error.
fn is_version(text: &str) -> bool {
    ["2a", "2b", "2y"].contains(&text)
}

struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    hash: [u8; HASH_BYTES],
}

impl Bcrypt {
    fn parse(cost: &str, salt: &str, hash: &str) -> Result<Self, &'static str> {
        let cost = parse_number(cost).ok_or(MALFORMED)?;
        if !(4..=MAX_COST).contains(&cost) {
            return Err("a cost of bcrypt below 4 or above 15");
        }
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| MALFORMED);
        Ok(Self {
            cost,
            salt: bytes(salt)?.try_into().map_err(|_| MALFORMED)?,
            hash: bytes(hash)?.try_into().map_err(|_| MALFORMED)?,
        })
    }

    fn into_legacy(self, input: Input) -> LegacyHash {
        LegacyHash::fallible(move |password| {
            let found = bcrypt::bcrypt(self.cost, self.salt, &input.key(password)?);
            let found = found.first_chunk::<HASH_BYTES>();
            let equal = found.is_some_and(|found| found.ct_eq(&self.hash).into());
            // Only now, so that it takes as long.
            Ok(equal && !input.rejects(password))
        })
    }
}

/// What bcrypt is computed of.
enum Input {
    Password,
    /// Django: the hexadecimal digits of SHA-256.
    HexDigest,
    /// passlib before 1.7.3: SHA-256 in base64.
    Digest,
    /// passlib: HMAC-SHA-256 in base64; its key is the text of the salt.
    KeyedDigest(String),
}

impl Input {
    /// At most 72 bytes. NUL ends what is shorter.
    fn key(&self, password: &str) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
        // Of this size from the start: what grows leaves a copy behind.
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES + 1));
        match self {
            Self::Password => key.extend(password.bytes().take(KEY_BYTES)),
            Self::HexDigest => {
                let digest = Sha256::digest(password);
                key.extend(digest.into_iter().flat_map(hex_digits));
            }
            Self::Digest => key.extend(STANDARD.encode(Sha256::digest(password)).bytes()),
            Self::KeyedDigest(salt) => {
                let mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes());
                let mut mac = mac.map_err(|_| PasswordError::failed("hmac rejected the key"))?;
                mac.update(password.as_bytes());
                key.extend(STANDARD.encode(mac.finalize().into_bytes()).bytes());
            }
        }
        key.push(0);
        key.truncate(KEY_BYTES);
        Ok(key)
    }

    /// bcrypt repeats its key, with the NUL that ends it: `a` and `a\0a` are the same to it.
    fn rejects(&self, password: &str) -> bool {
        matches!(self, Self::Password) && password.contains('\0')
    }
}

fn hex_digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| match digit {
        0..10 => b'0' + digit,
        _ => b'a' + digit - 10,
    })
}

const MALFORMED: &str = "not a version, cost, salt and hash of bcrypt";
const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);
const MAX_COST: u32 = 15;
const KEY_BYTES: usize = 72;
const SALT_CHARS: usize = 22;
const HASH_BYTES: usize = 23;
