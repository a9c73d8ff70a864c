//! scrypt (RFC 7914).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ctutils::CtEq;
use scrypt::Params;

use crate::password::error::PasswordError;
use crate::password::format::LegacyHash;
use crate::password::legacy::Parsed;
use crate::password::legacy::text::{hex, split};
use crate::password::params::MAX_MEMORY_KIB;
use crate::password::phc::parse_number;

pub(super) fn parse(stored: &str) -> Parsed {
    let parsed = if let Some(rest) = stored.strip_prefix("$scrypt$") {
        parse_phc(rest)
    } else if let Some(rest) = stored.strip_prefix("scrypt$") {
        parse_django(rest)
    } else if let Some(rest) = stored.strip_prefix("scrypt:") {
        parse_werkzeug(rest)
    } else {
        return Ok(None);
    };
    parsed.ok_or(MALFORMED)?.into_legacy().map(Some)
}

/// `ln=16,r=8,p=1$salt$hash`, by passlib and others.
fn parse_phc(rest: &str) -> Option<Scrypt> {
    let [params, salt, hash] = split(rest, '$')?;
    let [log_n, r, p] = split(params, ',')?;
    Some(Scrypt {
        log_n: parse_number(log_n.strip_prefix("ln=")?)?,
        r: parse_number(r.strip_prefix("r=")?)?,
        p: parse_number(p.strip_prefix("p=")?)?,
        salt: STANDARD_NO_PAD.decode(salt).ok()?,
        hash: STANDARD_NO_PAD.decode(hash).ok()?,
    })
}

/// `16384$salt$8$5$hash`; the salt is text.
fn parse_django(rest: &str) -> Option<Scrypt> {
    let [n, salt, r, p, hash] = split(rest, '$')?;
    Some(Scrypt {
        log_n: log2(parse_number(n)?)?,
        r: parse_number(r)?,
        p: parse_number(p)?,
        salt: salt.into(),
        hash: STANDARD.decode(hash).ok()?,
    })
}

/// `32768:8:1$salt$hash`; the salt is text.
fn parse_werkzeug(rest: &str) -> Option<Scrypt> {
    let [params, salt, hash] = split(rest, '$')?;
    let [n, r, p] = split(params, ':')?;
    Some(Scrypt {
        log_n: log2(parse_number(n)?)?,
        r: parse_number(r)?,
        p: parse_number(p)?,
        salt: salt.into(),
        hash: hex(hash)?,
    })
}

fn log2(n: u32) -> Option<u32> {
    n.is_power_of_two().then(|| n.trailing_zeros())
}

struct Scrypt {
    log_n: u32,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Scrypt {
    fn into_legacy(self) -> Result<LegacyHash, &'static str> {
        let Self {
            log_n,
            r,
            p,
            salt,
            hash,
        } = self;
        if !(1..=MAX_LOG_N).contains(&log_n) || r > MAX_R || p > MAX_P {
            return Err("parameters of scrypt over the limits");
        }
        // The 128 · r · p bytes beside them are 64 KiB at most.
        let memory_kib = (r << log_n).div_ceil(8);
        if memory_kib > MAX_MEMORY_KIB {
            return Err("more than 1048576 KiB of memory");
        }
        if memory_kib * p > MAX_WORK_KIB {
            return Err("more than 4194304 KiB of memory in all lanes of scrypt");
        }
        if !(16..=64).contains(&hash.len()) {
            return Err("hash not of 16 to 64 bytes");
        }
        let params = u8::try_from(log_n).ok();
        let params = params.and_then(|log_n| Params::new(log_n, r, p).ok());
        let params = params.ok_or(MALFORMED)?;
        let hash = LegacyHash::fallible(move |password| {
            let mut found = vec![0; hash.len()];
            scrypt::scrypt(password.as_bytes(), &salt, &params, &mut found)
                .map_err(|_| PasswordError::failed("scrypt rejected the length"))?;
            Ok(found.as_slice().ct_eq(hash.as_slice()).into())
        });
        Ok(hash.memory_kib(memory_kib))
    }
}

const MALFORMED: &str = "not parameters, salt and hash of scrypt";
const MAX_LOG_N: u32 = 20;
const MAX_R: u32 = 32;
const MAX_P: u32 = 16;
const MAX_WORK_KIB: u32 = 4 * MAX_MEMORY_KIB;
