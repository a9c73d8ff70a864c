//! Formats of other frameworks.

mod text;
mod argon2;
mod bcrypt;
mod pbkdf2;
mod scrypt;

use crate::password::format::{LegacyHash, PasswordFormat};

/// Formats of Django, Werkzeug (Flask), passlib and pwdlib (FastAPI), and bcrypt of any origin.
///
/// | function | stored hashes that begin with | limits |
/// |---|---|---|
/// | bcrypt | `$2a$`, `$2b$`, `$2y$`; Django's `bcrypt$`, `bcrypt_sha256$`; passlib's `$bcrypt-sha256$` | cost 4 to 15 |
/// | PBKDF2 | Django's `pbkdf2_sha256$`, `pbkdf2_sha1$`; Werkzeug's `pbkdf2:sha1:`, `pbkdf2:sha256:`, `pbkdf2:sha512:`; passlib's `$pbkdf2$`, `$pbkdf2-sha256$`, `$pbkdf2-sha512$` | 5,000,000 iterations |
/// | scrypt | `$scrypt$`; Django's `scrypt$`; Werkzeug's `scrypt:` | 1 GiB of memory, 4 GiB in all lanes, `r` ≤ 32, `p` ≤ 16 |
/// | Argon2 | `$argon2i$`, `$argon2d$`, `$argon2id$`, version 16 or 19; Django's `argon2$` | 1 GiB of memory, 16 iterations, 16 lanes |
///
/// Plain digests such as MD5, SHA-256 and `crypt` are not read, nor is bcrypt's `$2x$`. Implement
/// [`PasswordFormat`] if you have to verify them.
///
/// **bcrypt reads 72 bytes of a password.** What follows them is ignored until the hash is replaced,
/// and counts from then on. Django's `bcrypt_sha256` and passlib's `bcrypt-sha256` read the whole
/// password. A password that contains NUL matches no other hash of bcrypt: implementations in C end
/// there, and the function itself takes such a password for several others.
///
/// The memory of scrypt is not wiped after use. That of Argon2 is.
///
/// ```
/// use tower_warder::password::{LegacyFormats, PasswordHasher};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_warder::password::PasswordError> {
/// let hasher = PasswordHasher::new().legacy_format(LegacyFormats);
/// let stored = "$2b$04$JIqeLzAqCcePNvPXpEKlv.VheHCbDdAwYQIvUTDwfB/sLnbPrFh2m";
/// let verified = hasher.verify("grüße, wörld", stored).await?;
/// assert!(verified.matches);
/// // Store it in place of the old one, if that was not changed meanwhile. `Accounts` do so.
/// assert!(verified.rehash.unwrap().starts_with("$argon2id$"));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "bcrypt")]
#[doc(alias = "django")]
#[doc(alias = "passlib")]
#[doc(alias = "pbkdf2")]
#[doc(alias = "scrypt")]
#[doc(alias = "werkzeug")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegacyFormats;

impl PasswordFormat for LegacyFormats {
    fn parse(&self, stored: &str) -> Result<Option<LegacyHash>, &'static str> {
        for parse in [bcrypt::parse, pbkdf2::parse, scrypt::parse, argon2::parse] {
            if let Some(hash) = parse(stored)? {
                return Ok(Some(hash));
            }
        }
        Ok(None)
    }
}

/// Stored hash, or the reason why it is refused. `None` if it has another format.
type Parsed = Result<Option<LegacyHash>, &'static str>;

#[cfg(test)]
mod tests;
