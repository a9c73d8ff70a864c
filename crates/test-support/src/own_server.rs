//! A PostgreSQL or Redis of a test's own, to do to it what nobody does to one that others use.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use crate::servers::postgres_url;

/// Stopped when it is dropped.
pub struct OwnServer {
    kind: &'static str,
    url: String,
    directory: TempDir,
}

impl OwnServer {
    /// `None` where PostgreSQL is skipped.
    pub fn postgres() -> Option<Self> {
        postgres_url()?;
        Some(Self::of("postgres"))
    }

    /// `postgres` or `redis`.
    pub fn of(kind: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = services(&["start", kind], &directory);
        Self {
            kind,
            url,
            directory,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Again, where it was.
    pub fn start(&self) {
        assert_eq!(services(&["start", self.kind], &self.directory), self.url);
    }

    /// All its processes at once.
    pub fn kill(&self) {
        services(&["kill"], &self.directory);
    }

    /// Its connections stay open, and nobody answers.
    pub fn freeze(&self) {
        services(&["freeze"], &self.directory);
    }

    pub fn thaw(&self) {
        services(&["thaw"], &self.directory);
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the script says: its own, or that of `SERVICES`.
fn services(command: &[&str], directory: &TempDir) -> String {
    let script = env::var_os("SERVICES").map(PathBuf::from);
    let script =
        script.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/services").into());
    // To a file: what it starts would keep a pipe open.
    let said = directory.path().join("said");
    let status = Command::new(script)
        .args(command)
        .arg(directory.path())
        .stdout(fs::File::create(&said).unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "{command:?}");
    fs::read_to_string(said).unwrap().trim().to_owned()
}
