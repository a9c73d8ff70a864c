//! PBKDF2 with HMAC (RFC 8018).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ctutils::CtEq;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::password::format::LegacyHash;
use crate::password::legacy::Parsed;
use crate::password::legacy::text::{adapted_base64, hex, split};
use crate::password::phc::parse_number;

pub(super) fn parse(stored: &str) -> Parsed {
    let Some((prefix, digest, framework)) = FORMATS.iter().find(|it| stored.starts_with(it.0))
    else {
        return Ok(None);
    };
    let rest = stored.strip_prefix(prefix).ok_or(MALFORMED)?;
    let [iterations, salt, hash] = split(rest, '$').ok_or(MALFORMED)?;
    let iterations = parse_number(iterations).ok_or(MALFORMED)?;
    if iterations > MAX_ITERATIONS {
        return Err("more than 5000000 iterations of PBKDF2");
    }
    let (salt, hash) = match framework {
        Framework::Django => (Some(salt.into()), STANDARD.decode(hash).ok()),
        Framework::Werkzeug => (Some(salt.into()), hex(hash)),
        Framework::Passlib => (adapted_base64(salt), adapted_base64(hash)),
    };
    let (Some(salt), Some(hash)) = (salt, hash) else {
        return Err(MALFORMED);
    };
    // A shorter one would be easier to find.
    if hash.len() != digest.bytes() {
        return Err("not as many bytes as the digest has");
    }
    let digest = *digest;
    Ok(Some(LegacyHash::new(move |password| {
        let mut found = vec![0; hash.len()];
        digest.derive(password, &salt, iterations, &mut found);
        found.as_slice().ct_eq(hash.as_slice()).into()
    })))
}

/// Prefix, digest, and how salt and hash are written.
const FORMATS: [(&str, Hash, Framework); 8] = [
    ("pbkdf2_sha256$", Hash::Sha256, Framework::Django),
    ("pbkdf2_sha1$", Hash::Sha1, Framework::Django),
    ("pbkdf2:sha256:", Hash::Sha256, Framework::Werkzeug),
    ("pbkdf2:sha512:", Hash::Sha512, Framework::Werkzeug),
    ("pbkdf2:sha1:", Hash::Sha1, Framework::Werkzeug),
    ("$pbkdf2-sha256$", Hash::Sha256, Framework::Passlib),
    ("$pbkdf2-sha512$", Hash::Sha512, Framework::Passlib),
    ("$pbkdf2$", Hash::Sha1, Framework::Passlib),
];

#[derive(Clone, Copy)]
enum Framework {
    Django,
    Werkzeug,
    Passlib,
}

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    const fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn derive(self, password: &str, salt: &[u8], iterations: u32, output: &mut [u8]) {
        let derive = match self {
            Self::Sha1 => pbkdf2_hmac::<Sha1>,
            Self::Sha256 => pbkdf2_hmac::<Sha256>,
            Self::Sha512 => pbkdf2_hmac::<Sha512>,
        };
        derive(password.as_bytes(), salt, iterations, output);
    }
}

const MALFORMED: &str = "not iterations, salt and hash of PBKDF2";
const MAX_ITERATIONS: u32 = 5_000_000;
