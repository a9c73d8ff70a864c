//! Location of the database: the value of `DATABASE_URL`.

use std::fmt;
#[cfg(unix)]
use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

/// Location of the accounts. Its `Display` is safe to log.
#[derive(Clone)]
pub enum Database {
    Sqlite(SqliteFile),
    Postgres(PostgresServer),
}

impl Database {
    /// Sets the maximum number of connections, for databases with a pool.
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

/// The URL is not supported. It may contain a password, so it is not repeated.
#[derive(Debug)]
pub struct Unusable;

/// SQLite database in a file or in memory.
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

    /// Returns the file, or `None` for a database in memory.
    pub fn path(&self) -> Option<&Path> {
        (!self.in_memory).then(|| self.options.get_filename())
    }

    pub fn options(&self) -> SqliteConnectOptions {
        self.options.clone()
    }

    /// Warns if group or others have access to the file. The mode is not changed, because an
    /// operator may have chosen it.
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

/// PostgreSQL server.
// No `Debug`: that of the options shows the password.
#[derive(Clone)]
pub struct PostgresServer {
    pub options: PgConnectOptions,
    /// Maximum number of connections.
    pub connections: u32,
}

impl PostgresServer {
    fn new(url: &str, place: &str) -> Result<Self, Unusable> {
        let place = place.strip_prefix("//").ok_or(Unusable)?;
        // Unescaped `/`, `?` or `#` end the password early, and its rest would be parsed as a name
        // that is logged, or as a parameter.
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

/// Formats host, port and database: no secret and no user name.
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

/// Returns `true` for parameters that the driver knows. It logs unknown ones with their value.
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
