//! The bytes that nobody else may know.

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

/// A shared secret for HMAC signatures.
///
/// What exists is fit for HS256: at least 32 bytes (RFC 7518, section 3.2), no placeholder, and not
/// predictable, as repetitions, sequences, keyboard rows and dates are. The bytes are overwritten
/// when the last copy goes, and `Debug` does not show them.
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
    /// Takes the bytes exactly as given: not trimmed, not decoded.
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
                "an asymmetric key or a certificate is no shared secret",
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

    /// Reads an environment variable: its UTF-8 bytes, as they are.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and where the variable is not set, empty or not UTF-8.
    pub fn from_env(name: &str) -> Result<Self, ConfigError> {
        match env::var(name) {
            Ok(value) if value.is_empty() => Err(ConfigError::EmptyVariable(name.to_owned())),
            Ok(value) => Self::new(value),
            Err(VarError::NotPresent) => Err(ConfigError::MissingVariable(name.to_owned())),
            Err(VarError::NotUnicode(_)) => Err(ConfigError::InvalidVariable(name.to_owned())),
        }
    }

    /// Draws 64 bytes from the operating system.
    ///
    /// # Panics
    ///
    /// If the operating system has no randomness to give.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new(vec![0; GENERATED_BYTES]);
        #[expect(clippy::expect_used, reason = "no service can run without randomness")]
        getrandom::fill(&mut bytes).expect("the operating system gives randomness");
        Self(bytes)
    }

    /// Reads the secret in `path`: the bytes of the file, exactly as they are, also a line feed at
    /// its end.
    ///
    /// On Unix the file has to belong to the user of this process or to root, to be no symbolic link,
    /// and to be closed to its group and to others, as [`key_files`] says.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), [`ConfigError::KeyFile`] where others could know the secret or have put
    /// it there, and [`ConfigError::File`] where the file cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        // The buffer goes with its room for a large file, and is overwritten.
        Self::new(key_files::read_private(path)?.to_vec())
    }

    /// Reads the secret in `path` as [`from_file`](Self::from_file) does, or makes one there if there
    /// is no such file.
    ///
    /// The file that it makes holds text, which is the secret as it is. It appears whole and with
    /// mode 0600; of two processes that start at once both use the one that came first.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file), and [`ConfigError::File`] where the file cannot be written.
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

    /// Whether `other` is the secret, in a time that does not depend on where they differ.
    #[cfg(feature = "password")]
    pub fn matches(&self, other: &[u8]) -> bool {
        use ctutils::CtEq;

        self.0.ct_eq(other).into()
    }

    /// The secret of `testing`, which [`new`](Self::new) refuses: it is published.
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
/// Nobody tries so many, and 16 random bytes in hexadecimal, the least that is usual, come to about 120.
const MIN_ESTIMATED_BITS: f64 = 80.0;
#[cfg(feature = "testing")]
const TESTING: &str = "everybody who reads this knows it";
const GENERATED_BYTES: usize = 64;

/// Writes a new secret beside `path` and links it there, unless somebody was faster.
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
    // A link, unlike a rename, never replaces what is there.
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let _ = fs::remove_file(&draft);
    linked
}

/// Compared as a whole, without case, `-`, `_`, blanks and quotes (which some readers of `.env`
/// files leave in place): a passphrase that contains such a word passes.
fn is_placeholder(bytes: &[u8]) -> bool {
    // Room for all of it: a vector that grows leaves copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let letters = bytes
        .iter()
        .filter(|byte| !b"-_ \t\r\n\"'<>".contains(byte));
    plain.extend(letters.map(u8::to_ascii_lowercase));
    plain.starts_with(b"changeme") || PLACEHOLDERS.iter().any(|word| word.as_bytes() == &**plain)
}

const PLACEHOLDERS: &[&str] = &[
    // The secret of `testing`.
    "everybodywhoreadsthisknowsit",
    "secret",
    "secretkey",
    "mysecret",
    "mysecretkey",
    "supersecret",
    "supersecretkey",
    "topsecret",
    "jwtsecret",
    "jwtsecretkey",
    "yoursecret",
    "yoursecretkey",
    "yoursecretkeyhere",
    "yoursecrethere",
    "yourjwtsecret",
    "yourjwtsecretkey",
    "yoursupersecretkey",
    "yoursupersecretjwtkey",
    "your256bitsecret",
    "your384bitsecret",
    "your512bitsecret",
    "astringsecretatleast256bitslong",
    "astringsecretatleast512bitslong",
    "avalidstringsecretthatisatleast384bitslong",
    "avalidstringsecretthatisatleast512bitslongwhichisverylong",
    "replaceme",
    "replacethis",
    "replacethissecret",
    "password",
    "default",
    "defaultsecret",
    "example",
    "examplesecret",
    "insecure",
    "insecuresecretkeychangeme",
    "test",
    "testsecret",
    "todo",
    // The keys that Supabase starts with.
    "supersecretjwttokenwithatleast32characterslong",
    "yoursupersecretjwttokenwithatleast32characterslong",
    // The key of the FastAPI tutorial.
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];

/// PEM or OpenSSH. What is public is no secret, and whoever knows it would sign with it.
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
    fn well_known_placeholders_are_refused_in_any_spelling() {
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
    fn a_long_passphrase_that_contains_a_placeholder_passes() {
        assert!(HmacSecret::new("my secret garden has 14 apple trees").is_ok());
        assert!(HmacSecret::new("do not change_me, I was drawn by lot: 8Qz").is_ok());
    }

    #[test]
    fn repetitions_and_sequences_are_refused() {
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
    fn a_secret_shorter_than_32_bytes_is_refused() {
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

    #[test]
    fn first_starts_at_once_agree_on_one_secret_file() {
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
