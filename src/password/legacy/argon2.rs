//! Variants and versions of Argon2 other than those of new hashes.

use argon2::{Algorithm, Version};
use ctutils::CtEq;

use crate::password::argon2id::tag_of;
use crate::password::format::LegacyHash;
use crate::password::legacy::Parsed;
use crate::password::memory::Memory;
use crate::password::phc::StoredHash;

pub(super) fn parse(stored: &str) -> Parsed {
    // Django puts its own prefix before the string of the library.
    let phc = stored.strip_prefix("argon2").unwrap_or(stored);
    let Some((algorithm, rest)) = algorithm(phc) else {
        return Ok(None);
    };
    let (version, fields) = version(rest);
    let StoredHash { cost, salt, tag } = StoredHash::parse_fields(fields)?;
    let hash = LegacyHash::fallible(move |password| {
        let mut memory = Memory::new(cost.blocks());
        let len = tag.len();
        let found = tag_of(algorithm, version, password, &salt, len, cost, &mut memory)?;
        Ok(found.as_slice().ct_eq(tag.as_slice()).into())
    });
    Ok(Some(hash.memory_kib(cost.memory_kib)))
}

fn algorithm(phc: &str) -> Option<(Algorithm, &str)> {
    [
        ("$argon2i$", Algorithm::Argon2i),
        ("$argon2d$", Algorithm::Argon2d),
        ("$argon2id$", Algorithm::Argon2id),
    ]
    .into_iter()
    .find_map(|(prefix, algorithm)| Some((algorithm, phc.strip_prefix(prefix)?)))
}

/// Libraries before 1.3 of the specification wrote no version.
fn version(rest: &str) -> (Version, &str) {
    if let Some(fields) = rest.strip_prefix("v=19$") {
        return (Version::V0x13, fields);
    }
    let fields = rest.strip_prefix("v=16$").unwrap_or(rest);
    (Version::V0x10, fields)
}
