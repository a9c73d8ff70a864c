//! A password and its stored hash, one a line.

use std::sync::LazyLock;

use tower_warder::password::{PasswordError, PasswordHasher, PasswordParams};

use crate::runtime::block_on;

pub(crate) fn run(input: &[u8]) {
    let Some((password, stored)) = str::from_utf8(input)
        .ok()
        .and_then(|it| it.split_once('\n'))
    else {
        return;
    };
    if is_slow(stored) {
        return;
    }
    block_on(async {
        match HASHER.verify(password, stored).await {
            Ok(verified) => {
                assert!(stored.starts_with("$argon2id$v=19$m="));
                assert!(verified.rehash.is_none() || verified.matches);
                if verified.matches {
                    let other = format!("{password}x");
                    let other = HASHER.verify(&other, stored).await;
                    assert!(matches!(other, Ok(other) if !other.matches));
                }
            }
            Err(PasswordError::UnreadableHash | PasswordError::TooLong) => {}
            Err(error) => panic!("{error}"),
        }
    });
}

/// Returns `true` if the parameters are within the limits and cost much. Above the limits they must
/// be rejected at once.
fn is_slow(stored: &str) -> bool {
    let number = |name: &str| {
        let (_, rest) = stored.split_once(name)?;
        let end = rest.find(|it: char| !it.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse::<u64>().ok()
    };
    let (memory, iterations) = (number("m=").unwrap_or(0), number("t=").unwrap_or(0));
    memory <= 1 << 20 && iterations <= 16 && memory * iterations > 1024
}

static HASHER: LazyLock<PasswordHasher> = LazyLock::new(|| {
    let weakest = PasswordParams::new(7168, 5, 1).unwrap();
    PasswordHasher::new().params(weakest)
});
