//! Key directory: one key per file, and `signing` with the name of the signing key.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::Path;

use tower_warder::error::ConfigError;
use tower_warder::keys::{Algorithm, SigningKey, VerifyingKey};
use tower_warder::{BoxError, HmacSecret, key_files};
use zeroize::Zeroizing;

/// Keys of a directory.
///
/// | file | key |
/// |---|---|
/// | `NAME.secret` | HS256: the bytes of the file, as they are |
/// | `NAME.pem` | a private key for ES256, ES384, EdDSA or RS256 |
/// | `NAME.pub.pem` | a public key, which only verifies |
/// | `signing` | no key: the name of the signing key |
///
/// The name is the key ID (`kid`). Names that begin with a full stop are ignored; any other name is
/// an error, because a key that is overlooked because of a typo is noticed only when its tokens are
/// rejected.
///
/// Owner and mode of the files and of the directory are checked as by [`key_files`].
pub(super) struct KeyFiles {
    pub(super) signing: Signing,
    pub(super) verifying: BTreeMap<String, VerifyingKey>,
}

/// Signing key.
pub(super) struct Signing {
    pub(super) key_id: String,
    pub(super) key: SigningKey,
}

impl KeyFiles {
    pub(super) fn read(directory: &Path) -> Result<Self, BoxError> {
        key_files::check_directory(directory)
            .map_err(reason)
            .map_err(|error| at(directory, error))?;
        let entries = fs::read_dir(directory).and_then(|entries| {
            let names = entries.map(|entry| Ok(entry?.file_name()));
            names.collect::<Result<Vec<_>, _>>()
        });
        let mut names = entries.map_err(|error| at(directory, error))?;
        names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
        // Report the same error each time.
        names.sort_unstable();

        let mut choice = None;
        let mut keys = BTreeMap::new();
        for name in &names {
            let path = directory.join(name);
            if name == SIGNING {
                let text = key_files::read_public(&path)
                    .map_err(reason)
                    .map_err(|error| at(&path, error))?;
                choice = Some(text.trim_ascii().to_owned());
                continue;
            }
            let (key_id, key) = name
                .to_str()
                .ok_or_else(|| NAMES.into())
                .and_then(|name| Key::read(&path, name))
                .map_err(|error| at(&path, error))?;
            if keys.insert(key_id.clone(), key).is_some() {
                let error = format!("there is another file for {key_id}; leave one of them");
                return Err(at(&path, error));
            }
        }
        Self::choose(keys, choice).map_err(|error| at(&directory.join(SIGNING), error))
    }

    /// Errors never repeat the content of the file, which may be a key.
    fn choose(keys: BTreeMap<String, Key>, choice: Option<Vec<u8>>) -> Result<Self, BoxError> {
        let choice = choice.ok_or("it is missing; write the name of the key that signs into it")?;
        let mut signing = None;
        let mut verifying = BTreeMap::new();
        for (key_id, key) in keys {
            let counterpart = match key {
                Key::Signs(key) => {
                    let counterpart = key.verifying_key();
                    if key_id.as_bytes() == choice {
                        let key_id = key_id.clone();
                        signing = Some(Signing { key_id, key });
                    }
                    counterpart
                }
                Key::Verifies(key) if key_id.as_bytes() == choice => {
                    drop(key);
                    return Err(format!("{key_id}.pub.pem only verifies").into());
                }
                Key::Verifies(key) => key,
            };
            verifying.insert(key_id, counterpart);
        }
        let signing = signing.ok_or(
            "it names no key in this directory; write the name of a file into it, without .pem or .secret",
        )?;
        Ok(Self { signing, verifying })
    }
}

/// Returns the content of the file of the signing key.
pub(super) fn signing_bytes(directory: &Path) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let name = key_files::read_public(directory.join(SIGNING))?;
    let name = str::from_utf8(name.trim_ascii()).ok();
    let name = name.filter(|name| is_key_id(name)).ok_or(NAMES)?;
    let mut path = directory.join(format!("{name}.pem"));
    if !path.exists() {
        path = directory.join(format!("{name}.secret"));
    }
    Ok(key_files::read_private(path)?)
}

enum Key {
    Signs(SigningKey),
    Verifies(VerifyingKey),
}

impl Key {
    fn read(path: &Path, name: &str) -> Result<(String, Self), BoxError> {
        let kind = [".pub.pem", ".pem", ".secret"]
            .into_iter()
            .find_map(|ending| Some((name.strip_suffix(ending)?, ending)));
        let (key_id, ending) = kind.filter(|(key_id, _)| is_key_id(key_id)).ok_or(NAMES)?;
        let id = || key_id.to_owned();
        let key = match ending {
            ".pub.pem" => {
                let pem = key_files::read_public(path).map_err(reason)?;
                let key = by_kind(|algorithm| VerifyingKey::from_pem(algorithm, &*pem))?;
                Self::Verifies(key.key_id(id()))
            }
            ".pem" => {
                let pem = key_files::read_private(path).map_err(reason)?;
                let key = by_kind(|algorithm| SigningKey::from_pem(algorithm, &*pem))?;
                Self::Signs(key.key_id(id()))
            }
            _ => {
                let secret = HmacSecret::from_file(path).map_err(reason)?;
                Self::Signs(SigningKey::hs256(&secret).key_id(id()))
            }
        };
        Ok((id(), key))
    }
}

/// Returns `true` for valid key IDs: short, because they are part of every token, and without
/// characters that need escaping.
fn is_key_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Detects the algorithm: a key is valid for one of these.
fn by_kind<K>(read: impl Fn(Algorithm) -> Result<K, ConfigError>) -> Result<K, BoxError> {
    use Algorithm::{ES256, ES384, EdDSA, RS256};
    for algorithm in [EdDSA, ES256, ES384, RS256] {
        match read(algorithm) {
            Ok(key) => return Ok(key),
            Err(ConfigError::KeyTypeMismatch(_)) => {}
            Err(ConfigError::UnsupportedAlgorithm(_)) => {
                return Err(
                    "build the server with --features aws-lc-rs or rust-crypto for this".into(),
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err("the key type is not supported; give a key for ES256, ES384, EdDSA or RS256".into())
}

/// Returns the cause without the path, which the caller adds.
pub fn reason(error: ConfigError) -> BoxError {
    match error {
        ConfigError::KeyFile { problem, .. } => problem.into(),
        ConfigError::File { source, .. } => source.into(),
        other => other.into(),
    }
}

fn at(path: &Path, error: impl Display) -> BoxError {
    format!("{}: {error}", path.display().to_string().escape_debug()).into()
}

const SIGNING: &str = "signing";

const NAMES: &str = "the file is to be named NAME.pem, NAME.pub.pem or NAME.secret, with letters, \
    digits, `-`, `_` and `.` in the name, 64 at most";
