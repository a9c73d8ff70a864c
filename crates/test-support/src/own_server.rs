//! PostgreSQL or Redis server of a single test, which may kill or freeze it.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use crate::servers::postgres_url;

/// Server that is stopped when dropped.
pub struct OwnServer {
    kind: &'static str,
    url: String,
    directory: TempDir,
}

impl OwnServer {
    /// Starts PostgreSQL; `None` if PostgreSQL is skipped.
    pub fn postgres() -> Option<Self> {
        postgres_url()?;
        Some(Self::of("postgres"))
    }

    /// Starts `postgres` or `redis`.
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

    /// Starts the server again at the same address.
    pub fn start(&self) {
        assert_eq!(services(&["start", self.kind], &self.directory), self.url);
    }

    /// Kills all its processes at once.
    pub fn kill(&self) {
        services(&["kill"], &self.directory);
    }

    /// Suspends the server: its connections stay open without a response.
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

/// Returns the output of the script: `.ci/services`, or that of `SERVICES`.
fn services(command: &[&str], directory: &TempDir) -> String {
    let script = env::var_os("SERVICES").map(PathBuf::from);
    let script =
        script.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/services").into());
    // To a file: a started server would keep a pipe open.
    let output = directory.path().join("output");
    let status = Command::new(script)
        .args(command)
        .arg(directory.path())
        .stdout(fs::File::create(&output).unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "{command:?}");
    fs::read_to_string(output).unwrap().trim().to_owned()
}
