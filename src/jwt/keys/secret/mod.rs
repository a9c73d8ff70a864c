//! HMAC secrets.

mod entropy;

use std::env::{self, VarError};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::key_files;

/// Shared secret for HMAC signatures.
///
/// A value is always strong enough for HS256: at least 32 bytes (RFC 7518, section 3.2), not a
/// well-known placeholder, and not predictable (repetitions, sequences, keyboard rows, dates). The
/// bytes are overwritten when the last copy is dropped, and `Debug` redacts them.
///
/// ```
/// use tower_warder::HmacSecret;
/// use tower_warder::error::ConfigError;
///
/// assert!(HmacSecret::new("short").is_err());
/// assert!(matches!(
///     HmacSecret::new("CHANGE_ME_before_you_go_to_production"),
///     Err(ConfigError::PlaceholderSecret)
/// ));
/// ```
#[derive(Clone)]
pub struct HmacSecret(Zeroizing<Vec<u8>>);

impl HmacSecret {
    /// Creates a secret from the bytes exactly as given: they are not trimmed and not decoded.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretTooShort`], [`ConfigError::PlaceholderSecret`] or
    /// [`ConfigError::PredictableSecret`]; [`ConfigError::InvalidKey`] for the text of an
    /// asymmetric key or a certificate.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, ConfigError> {
        let bytes = Zeroizing::new(bytes.into());
        if is_asymmetric(&bytes) {
            return Err(ConfigError::InvalidKey(
                "an asymmetric key or a certificate is not a shared secret; \
                 make one with `openssl rand -hex 32`",
            ));
        }
        if is_placeholder(&bytes) {
            return Err(ConfigError::PlaceholderSecret);
        }
        if bytes.len() < MIN_BYTES {
            return Err(ConfigError::SecretTooShort {
                needed: MIN_BYTES,
                given: bytes.len(),
            });
        }
        if entropy::estimated_bits(&bytes) < MIN_ESTIMATED_BITS {
            return Err(ConfigError::PredictableSecret);
        }
        Ok(Self(bytes))
    }

    /// Reads a secret from an environment variable: its UTF-8 bytes, unchanged.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and if the variable is not set, empty or not UTF-8.
    pub fn from_env(name: &str) -> Result<Self, ConfigError> {
        match env::var(name) {
            Ok(value) if value.is_empty() => Err(ConfigError::EmptyVariable(name.to_owned())),
            Ok(value) => Self::new(value),
            Err(VarError::NotPresent) => Err(ConfigError::MissingVariable(name.to_owned())),
            Err(VarError::NotUnicode(_)) => Err(ConfigError::InvalidVariable(name.to_owned())),
        }
    }

    /// Generates 64 random bytes from the operating system.
    ///
    /// # Panics
    ///
    /// If the operating system provides no randomness.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new(vec![0; GENERATED_BYTES]);
        #[expect(clippy::expect_used, reason = "no service can run without randomness")]
        getrandom::fill(&mut bytes).expect("the operating system provides randomness");
        Self(bytes)
    }

    /// Reads the secret in `path`: the bytes of the file exactly as they are, including a line feed
    /// at the end.
    ///
    /// On Unix the file must belong to the user of this process or to root, must not be a symbolic
    /// link, and must not be accessible to its group and to others: see [`key_files`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), [`ConfigError::KeyFile`] if other users could have read or written the
    /// file, and [`ConfigError::File`] if it cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        // A copy of the exact size; the larger read buffer is overwritten when it is dropped.
        Self::new(key_files::read_private(path)?.to_vec())
    }

    /// Reads the secret in `path` as [`from_file`](Self::from_file) does, or creates the file with a
    /// new secret if it does not exist.
    ///
    /// The created file holds printable text, whose bytes are the secret. It is created atomically
    /// and with mode 0600; processes that start at the same time all use the first one's file.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file), and [`ConfigError::File`] if the file cannot be written.
    pub fn from_file_or_generate(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        match Self::from_file(path) {
            Err(ConfigError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(|source| ConfigError::File {
                    path: path.to_owned(),
                    source,
                })?;
                Self::from_file(path)
            }
            read => read,
        }
    }

    /// Returns `true` if `other` equals the secret. Compares in constant time.
    #[cfg(feature = "password")]
    pub fn matches(&self, other: &[u8]) -> bool {
        use ctutils::CtEq;

        self.0.ct_eq(other).into()
    }

    /// Returns the secret of `testing`, which is public, so that [`new`](Self::new) rejects it.
    #[cfg(feature = "testing")]
    pub(crate) fn for_tests() -> Self {
        Self(Zeroizing::new(TESTING.to_owned().into_bytes()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for HmacSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacSecret([redacted])")
    }
}

const MIN_BYTES: usize = 32;
/// Out of reach of a brute-force search. 16 random bytes in hexadecimal, the usual minimum, are
/// estimated at about 120.
const MIN_ESTIMATED_BITS: f64 = 80.0;
#[cfg(feature = "testing")]
const TESTING: &str = "everybody who reads this knows it";
const GENERATED_BYTES: usize = 64;

/// Writes a new secret beside `path` and links it there, unless another process did so first.
fn create(path: &Path) -> io::Result<()> {
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(HmacSecret::generate().as_bytes()));
    let mut suffix = [0; 8];
    getrandom::fill(&mut suffix).map_err(io::Error::other)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", URL_SAFE_NO_PAD.encode(suffix)));
    let draft = path.with_file_name(name);

    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    // A link, unlike a rename, never replaces an existing file.
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let _ = fs::remove_file(&draft);
    linked
}

/// Compares the whole secret, ignoring case, `-`, `_`, blanks and quotes (which some readers of
/// `.env` files leave in place). A longer passphrase that contains such a word is not a placeholder.
fn is_placeholder(bytes: &[u8]) -> bool {
    // Full capacity: a vector that grows leaves copies of the secret behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let letters = bytes
        .iter()
        .filter(|byte| !b"-_ \t\r\n\"'<>".contains(byte));
    plain.extend(letters.map(u8::to_ascii_lowercase));
    plain.starts_with(b"changeme")
        || PLACEHOLDERS
            .split(' ')
            .any(|word| word.as_bytes() == &**plain)
}

/// In the order: general; the default keys of Supabase; the key of the FastAPI tutorial; the secret of
/// `testing`.
const PLACEHOLDERS: &str = "\
    secret secretkey mysecret mysecretkey supersecret supersecretkey topsecret jwtsecret \
    jwtsecretkey yoursecret yoursecretkey yoursecretkeyhere yoursecrethere yourjwtsecret \
    yourjwtsecretkey yoursupersecretkey yoursupersecretjwtkey your256bitsecret \
    your384bitsecret your512bitsecret astringsecretatleast256bitslong \
    astringsecretatleast512bitslong avalidstringsecretthatisatleast384bitslong \
    avalidstringsecretthatisatleast512bitslongwhichisverylong replaceme replacethis \
    replacethissecret password default defaultsecret example examplesecret insecure \
    insecuresecretkeychangeme test testsecret todo \
    supersecretjwttokenwithatleast32characterslong \
    yoursupersecretjwttokenwithatleast32characterslong \
    09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7 everybodywhoreadsthisknowsit";

/// Detects PEM and OpenSSH. A public key used as an HMAC secret would let anyone sign who has it.
fn is_asymmetric(bytes: &[u8]) -> bool {
    const PEM: &[u8] = b"-----BEGIN ";
    const OPENSSH: [&[u8]; 4] = [b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    let text = bytes.trim_ascii_start();
    bytes.windows(PEM.len()).any(|window| window == PEM)
        || OPENSSH.iter().any(|prefix| text.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholder_is_rejected_in_any_spelling() {
        for word in [
            "CHANGE_ME",
            "change-me-please-this-is-not-a-real-secret",
            "Secret",
            "your-256-bit-secret",
            "YOUR 256 BIT SECRET",
            "changeme\n",
            "a-string-secret-at-least-256-bits-long",
        ] {
            assert!(
                matches!(HmacSecret::new(word), Err(ConfigError::PlaceholderSecret)),
                "{word}"
            );
        }
    }

    #[test]
    fn long_passphrase_containing_a_placeholder_is_accepted() {
        assert!(HmacSecret::new("my secret garden has 14 apple trees").is_ok());
        assert!(HmacSecret::new("do not change_me, I was drawn by lot: 8Qz").is_ok());
    }

    #[test]
    fn repetitions_and_sequences_are_rejected() {
        for predictable in [
            "a".repeat(64),
            "ab".repeat(32),
            "1234567890".repeat(4),
            "0123456789abcdef".repeat(2),
            "abcdefghijklmnopqrstuvwxyz0123456789".to_owned(),
            "zyxwvutsrqponmlkjihgfedcba9876543210".to_owned(),
        ] {
            assert!(
                matches!(
                    HmacSecret::new(predictable.as_str()),
                    Err(ConfigError::PredictableSecret)
                ),
                "{predictable}"
            );
        }
    }

    #[test]
    fn secret_shorter_than_32_bytes_is_rejected() {
        assert!(matches!(
            HmacSecret::new("yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7"),
            Err(ConfigError::SecretTooShort {
                needed: 32,
                given: 31
            })
        ));
    }

    #[test]
    fn generated_secrets_have_64_bytes_and_differ() {
        let (one, other) = (HmacSecret::generate(), HmacSecret::generate());
        assert_eq!(one.as_bytes().len(), 64);
        assert_ne!(one.as_bytes(), other.as_bytes());
    }

    #[cfg(feature = "password")]
    #[test]
    fn only_the_whole_secret_matches() {
        let text = "my secret garden has 14 apple trees";
        let secret = HmacSecret::new(text).unwrap();
        assert!(secret.matches(text.as_bytes()));
        for other in [
            "",
            &text[1..],
            &text[..34],
            &text.to_uppercase(),
            &format!("{text}\n"),
        ] {
            assert!(!secret.matches(other.as_bytes()), "{other:?}");
        }
    }

    #[test]
    fn concurrent_first_starts_share_one_secret_file() {
        let directory = env::temp_dir().join(format!("tower-warder-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("secret");
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| HmacSecret::from_file_or_generate(&path).unwrap()))
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        let text = fs::read(&path).unwrap();
        assert!(secrets.iter().all(|secret| secret.as_bytes() == text));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(&directory).unwrap();
    }
}
