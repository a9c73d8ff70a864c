//! The place of the accounts: what `DATABASE_URL` says.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;

/// Where the accounts are, as a URL says it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    options: SqliteConnectOptions,
    in_memory: bool,
}

impl Database {
    /// The file, unless the accounts live only as long as the process.
    pub(crate) fn path(&self) -> Option<&Path> {
        (!self.in_memory).then(|| self.options.get_filename())
    }

    /// Makes the file unless it is there.
    pub(crate) fn create(self) -> io::Result<SqliteConnectOptions> {
        if let Some(path) = self.path() {
            create_private(path)?;
        }
        Ok(self.options.create_if_missing(true))
    }
}

impl FromStr for Database {
    type Err = sqlx::Error;

    fn from_str(url: &str) -> Result<Self, sqlx::Error> {
        let place = url.trim_start_matches("sqlite:").trim_start_matches("//");
        let (file, parameters) = place.split_once('?').unwrap_or((place, ""));
        if file.is_empty() || parameters.contains("mode=memory") {
            return Err(sqlx::Error::Configuration("no file is named".into()));
        }
        Ok(Self {
            options: url.parse()?,
            in_memory: file == ":memory:",
        })
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            Some(path) => path.display().fmt(f),
            None => f.write_str("memory"),
        }
    }
}

/// SQLite would let everybody read the hashes. Its other files take over the rights of this one,
/// and a file that is there keeps its own.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
