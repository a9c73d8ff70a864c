//! Reading of key files, with checks of owner and permissions.
//!
//! A file must be a regular file, not a symbolic link, of at most 64 KiB, owned by the user of this
//! process or by root. Group and others must have no access to a secret or a private key, and no write
//! access to a public key or a directory of keys. On systems other than Unix, owner and mode are not
//! checked.
//!
//! ```no_run
//! use tower_warder::key_files;
//! use tower_warder::keys::{Algorithm, SigningKey};
//!
//! let pem = key_files::read_private("/etc/my-service/2026-11.pem")?;
//! let key = SigningKey::from_pem(Algorithm::EdDSA, &*pem)?.key_id("2026-11");
//! # Ok::<(), tower_warder::error::ConfigError>(())
//! ```

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{ConfigError, KeyFileProblem};

/// Reads a secret or a private key.
///
/// # Errors
///
/// [`ConfigError::KeyFile`] if others have access to the file, [`ConfigError::File`] if it cannot be
/// read.
pub fn read_private(path: impl AsRef<Path>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    read(path.as_ref(), Others::HaveNoAccess)
}

/// Reads a public key, or another file that selects a key.
///
/// # Errors
///
/// [`ConfigError::KeyFile`] if others can write to the file, [`ConfigError::File`] if it cannot be
/// read.
pub fn read_public(path: impl AsRef<Path>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    read(path.as_ref(), Others::MayRead)
}

/// Checks a directory of keys: write access to it allows replacing every key. The path may be a
/// symbolic link.
///
/// # Errors
///
/// [`ConfigError::KeyFile`] if it is not a directory or others can write to it, [`ConfigError::File`]
/// if it cannot be read.
pub fn check_directory(path: impl AsRef<Path>) -> Result<(), ConfigError> {
    let path = path.as_ref();
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    if !metadata.is_dir() {
        return Err(rejected(path, KeyFileProblem::NotADirectory));
    }
    check_access(path, &metadata, Others::MayRead)
}

/// Access that group and others may have at most.
#[derive(Clone, Copy)]
enum Others {
    HaveNoAccess,
    MayRead,
}

fn read(path: &Path, others: Others) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let (file, metadata) = open(path)?;
    check_access(path, &metadata, others)?;
    // Allocated at full size: a growing vector would leave copies of the key in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    let mut file = file.take(MAX_BYTES as u64 + 1);
    file.read_to_end(&mut bytes)
        .map_err(|source| unreadable(path, source))?;
    if bytes.len() > MAX_BYTES {
        return Err(rejected(path, KeyFileProblem::TooLarge));
    }
    Ok(bytes)
}

/// Opens a regular file. Checks and reads use the open file, so it cannot be replaced in between.
fn open(path: &Path) -> Result<(File, Metadata), ConfigError> {
    for _ in 0..ATTEMPTS {
        let named = fs::symlink_metadata(path).map_err(|source| unreadable(path, source))?;
        if named.is_symlink() {
            return Err(rejected(path, KeyFileProblem::SymbolicLink));
        }
        // Before opening: opening a named pipe would wait for its writer.
        if !named.is_file() {
            return Err(rejected(path, KeyFileProblem::NotAFile));
        }
        let opened = File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            Ok((file, metadata))
        });
        let (file, metadata) = opened.map_err(|source| unreadable(path, source))?;
        // Otherwise the file was replaced meanwhile, by a newer key or by a link: try again.
        if is_same_file(&named, &metadata) {
            return Ok((file, metadata));
        }
    }
    let replaced = io::Error::other("the file was replaced on every attempt to open it");
    Err(unreadable(path, replaced))
}

#[cfg(unix)]
fn is_same_file(named: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    (named.dev(), named.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn check_access(path: &Path, metadata: &Metadata, others: Others) -> Result<(), ConfigError> {
    use std::os::unix::fs::MetadataExt;

    let process = user_id().map_err(|source| unreadable(path, source))?;
    let owner = metadata.uid();
    if owner != process && owner != ROOT {
        let problem = KeyFileProblem::ForeignOwner { owner, process };
        return Err(rejected(path, problem));
    }
    let mode = metadata.mode() & 0o7777;
    match others {
        Others::HaveNoAccess if mode & 0o077 != 0 => {
            Err(rejected(path, KeyFileProblem::Accessible { mode }))
        }
        Others::MayRead if mode & 0o022 != 0 => {
            Err(rejected(path, KeyFileProblem::Writable { mode }))
        }
        Others::HaveNoAccess | Others::MayRead => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_access(_: &Path, _: &Metadata, _: Others) -> Result<(), ConfigError> {
    Ok(())
}

/// Effective user of this process, taken from the owner of a new pipe. The standard library has no
/// `geteuid`, and calling it directly would be unsafe code.
#[cfg(unix)]
fn user_id() -> io::Result<u32> {
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::MetadataExt;

    let (reader, _writer) = io::pipe()?;
    let metadata = File::from(OwnedFd::from(reader)).metadata()?;
    Ok(metadata.uid())
}

fn rejected(path: &Path, problem: KeyFileProblem) -> ConfigError {
    let path = path.to_owned();
    ConfigError::KeyFile { path, problem }
}

fn unreadable(path: &Path, source: io::Error) -> ConfigError {
    let path = path.to_owned();
    ConfigError::File { path, source }
}

#[cfg(unix)]
const ROOT: u32 = 0;

/// More than ten times the size of an RSA key of 8192 bits.
const MAX_BYTES: usize = 64 * 1024;

/// Attempts to open a file that is being replaced.
const ATTEMPTS: usize = 8;
