//! Problems with key files.

use std::error::Error;

/// Problem with a key file, or with a directory of key files.
///
/// The message says how to fix it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// It is not a regular file.
    NotAFile,
    /// It is not a directory.
    NotADirectory,
    /// It is larger than 64 KiB.
    TooLarge,
    /// It is a symbolic link.
    SymbolicLink,
    /// It belongs neither to the user of this process nor to root.
    ForeignOwner {
        /// User ID of its owner.
        owner: u32,
        /// User ID of this process.
        process: u32,
    },
    /// It holds a secret, and its group or others can read, write or execute it.
    Accessible {
        /// Permission bits.
        mode: u32,
    },
    /// It is a public key or a directory, and its group or others can write to it.
    Writable {
        /// Permission bits.
        mode: u32,
    },
}

impl_display! { KeyFileProblem:
    Self::NotAFile => "it is no file";
    Self::NotADirectory => "it is no directory";
    Self::TooLarge => "it is too large for a key";
    Self::SymbolicLink => "it is a symbolic link; put the file itself in its place";
    Self::ForeignOwner { owner, process } =>
        "it belongs to user {owner}; if you trust it, run `chown {process}` on it";
    Self::Accessible { mode } =>
        "its group or others have access to it (mode {mode:04o}); run `chmod go=` on it";
    Self::Writable { mode } =>
        "its group or others can write to it (mode {mode:04o}); run `chmod go-w` on it";
}

impl Error for KeyFileProblem {}
