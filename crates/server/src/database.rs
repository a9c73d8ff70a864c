//! The place of the accounts: what `DATABASE_URL` says.

use std::fmt;
#[cfg(unix)]
use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

/// Where the accounts are, as a URL says it. Its `Display` is what may be logged.
#[derive(Clone)]
pub enum Database {
    Sqlite(SqliteFile),
    Postgres(PostgresServer),
}

impl Database {
    /// How many connections are kept at most, where that is to be chosen.
    pub fn connections(mut self, connections: u32) -> Self {
        if let Self::Postgres(server) = &mut self {
            server.connections = connections;
        }
        self
    }
}

impl FromStr for Database {
    type Err = Unusable;

    fn from_str(url: &str) -> Result<Self, Unusable> {
        match url.split_once(':') {
            Some(("sqlite", place)) => SqliteFile::new(url, place).map(Self::Sqlite),
            Some(("postgres" | "postgresql", place)) => {
                PostgresServer::new(url, place).map(Self::Postgres)
            }
            _ => Err(Unusable),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => match file.path() {
                Some(path) => path.display().fmt(f),
                None => f.write_str("memory"),
            },
            Self::Postgres(server) => server.fmt(f),
        }
    }
}

/// No place of accounts. What it says instead may have a password in it, and is not repeated.
#[derive(Debug)]
pub struct Unusable;

/// A file, or the memory of this process.
#[derive(Clone)]
pub struct SqliteFile {
    options: SqliteConnectOptions,
    in_memory: bool,
}

impl SqliteFile {
    fn new(url: &str, place: &str) -> Result<Self, Unusable> {
        let place = place.trim_start_matches("//");
        let (file, parameters) = place.split_once('?').unwrap_or((place, ""));
        if file.is_empty() || parameters.contains("mode=memory") {
            return Err(Unusable);
        }
        Ok(Self {
            options: url.parse().map_err(|_| Unusable)?,
            in_memory: file == ":memory:",
        })
    }

    /// The file, unless the accounts live only as long as the process.
    pub fn path(&self) -> Option<&Path> {
        (!self.in_memory).then(|| self.options.get_filename())
    }

    /// Makes the file unless it is there.
    pub fn create(&self) -> io::Result<SqliteConnectOptions> {
        if let Some(path) = self.path() {
            create_private(path)?;
        }
        Ok(self.options.clone().create_if_missing(true))
    }

    /// Reports rights that others have to the file. An operator may have chosen them, so they stay.
    #[cfg(unix)]
    pub fn warn_if_accessible(&self) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;

        let Some(path) = self.path() else {
            return Ok(());
        };
        let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            tracing::warn!(
                path = %path.display(),
                mode = format_args!("{mode:04o}"),
                "group or others have access to the database and its password hashes; \
                 run `chmod go=` on it and on its -wal and -shm files"
            );
        }
        Ok(())
    }

    #[cfg(not(unix))]
    pub fn warn_if_accessible(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A server that others share.
// No `Debug`: that of the options shows the password.
#[derive(Clone)]
pub struct PostgresServer {
    pub options: PgConnectOptions,
    /// As many at most.
    pub connections: u32,
}

impl PostgresServer {
    fn new(url: &str, place: &str) -> Result<Self, Unusable> {
        let place = place.strip_prefix("//").ok_or(Unusable)?;
        // Written as they are, `/`, `?` and `#` end the password early, and its rest would be taken
        // for a name that is logged, or for a parameter.
        let (_, rest) = place.split_at(place.find(['/', '?', '#']).unwrap_or(place.len()));
        if rest.contains(['@', '#']) {
            return Err(Unusable);
        }
        let parameters = rest
            .split_once('?')
            .map_or("", |(_, parameters)| parameters);
        let mut parameters = form_urlencoded::parse(parameters.as_bytes());
        if !parameters.all(|(name, _)| is_parameter(&name)) {
            return Err(Unusable);
        }
        let mut options: PgConnectOptions = url.parse().map_err(|_| Unusable)?;
        if options.get_application_name().is_none() {
            options = options.application_name("tower-warder accounts");
        }
        Ok(Self {
            options: options.options([("client_min_messages", "warning")]),
            connections: 10,
        })
    }
}

/// Host, port and database: nothing secret, and nobody's name.
impl fmt::Display for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { options, .. } = self;
        let database = options.get_database().unwrap_or(options.get_username());
        match options.get_socket() {
            Some(socket) => write!(f, "postgres://{}/{database}", socket.display()),
            None => {
                let (host, port) = (options.get_host(), options.get_port());
                write!(f, "postgres://{host}:{port}/{database}")
            }
        }
    }
}

/// What the driver knows. What it does not know it would log, with its value.
fn is_parameter(name: &str) -> bool {
    const KNOWN: [&str; 13] = [
        "application_name",
        "dbname",
        "host",
        "hostaddr",
        "options",
        "password",
        "port",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "statement-cache-capacity",
        "user",
    ];
    KNOWN.contains(&name) || name.starts_with("options[")
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
