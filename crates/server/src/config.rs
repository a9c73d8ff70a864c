//! Configuration from environment variables, validated before anything else starts.

use std::env::{self, VarError};
use std::error::Error;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tower_warder::error::ConfigError;
use tower_warder::{BoxError, HmacSecret};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use zeroize::Zeroizing;

use super::bootstrap::Bootstrap;
use super::channel::Channel;
use super::database::Database;
use super::keys::{self, KeyDirectory, Keys};
use super::origin::PublicOrigin;
use super::serve::MAX_CONNECTIONS;

/// The configuration of the server.
pub(crate) struct Config {
    pub(crate) bind_addr: SocketAddr,
    pub(crate) public_origin: Option<PublicOrigin>,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) database: Database,
    pub(crate) keys: KeySource,
    pub(crate) token_lifetime: Option<Duration>,
    pub(crate) user_cache_ttl: Option<Duration>,
    pub(crate) channel: Option<Channel>,
    pub(crate) shutdown_delay: Option<Duration>,
    pub(crate) metrics_addr: Option<SocketAddr>,
    pub(crate) sessions: bool,
    pub(crate) connections_per_address: usize,
    pub(crate) password_check: bool,
}

impl Config {
    /// Reads the environment. Every variable has a default.
    pub(crate) fn from_env() -> Result<Self, Box<dyn Error>> {
        if variable("AUTH_THROTTLE")?.is_some_and(|value| value != "off") {
            let remedy = "this version does not throttle; set it to off or unset it";
            return Err(invalid("AUTH_THROTTLE", remedy));
        }
        let database = database()?;
        let bind_addr = bind_addr()?;
        let public_origin = public_origin()?;
        Ok(Self {
            bind_addr,
            bootstrap: bootstrap(bind_addr, public_origin.as_ref())?,
            public_origin,
            keys: KeySource::from_env(&database)?,
            channel: channel(&database)?,
            database,
            token_lifetime: duration("JWT_LIFETIME", MAX_LIFETIME)?,
            user_cache_ttl: duration("USER_CACHE_TTL", MAX_USER_CACHE_TTL)?,
            shutdown_delay: duration("SHUTDOWN_DELAY", MAX_SHUTDOWN_DELAY)?,
            metrics_addr: metrics_addr()?,
            sessions: switch("SESSIONS", false)?,
            password_check: switch("PASSWORD_CHECK", true)?,
            connections_per_address: connections_per_address()?,
        })
    }
}

/// Source of the keys that sign tokens. No secret is generated before [`read`](Self::read), so that
/// a start that fails for another reason leaves no file.
pub(crate) enum KeySource {
    Directory(KeyDirectory),
    Given(HmacSecret),
    File(PathBuf),
    Memory,
}

impl KeySource {
    /// Returns the configured directory or secret; otherwise the file beside the database,
    /// generated at the first start. Its name contains the whole name of the database, so that two
    /// databases never share one. PostgreSQL has no such file: not every server could read it.
    fn from_env(database: &Database) -> Result<Self, Box<dyn Error>> {
        let directory = variable("JWT_KEYS")?;
        if env::var_os("JWT_SECRET").is_some() {
            if directory.is_some() {
                let remedy = "JWT_SECRET is set as well; unset one of them, \
                    or keep its tokens with a file default.secret in the directory";
                return Err(invalid("JWT_KEYS", remedy));
            }
            return match HmacSecret::from_env("JWT_SECRET") {
                Ok(secret) => Ok(Self::Given(secret)),
                Err(error @ (ConfigError::EmptyVariable(_) | ConfigError::InvalidVariable(_))) => {
                    Err(error.into())
                }
                Err(error) => Err(format!("JWT_SECRET: {error}").into()),
            };
        }
        if let Some(path) = directory {
            let directory = KeyDirectory::open(path.into());
            let directory = directory.map_err(|error| format!("JWT_KEYS: {error}"))?;
            return Ok(Self::Directory(directory));
        }
        match database {
            Database::Sqlite(file) => Ok(match file.path() {
                Some(path) => {
                    let mut path = path.as_os_str().to_owned();
                    path.push(".secret");
                    Self::File(path.into())
                }
                None => Self::Memory,
            }),
            Database::Postgres(_) => Err(invalid(
                "JWT_SECRET",
                "all servers on one PostgreSQL need the same one, so none makes it; \
                 make one with `openssl rand -hex 32` and give it to each, or set JWT_KEYS",
            )),
        }
    }

    pub(crate) fn read(&self) -> Result<Keys, Box<dyn Error>> {
        Ok(Keys::Secret(match self {
            Self::Directory(directory) => return Ok(Keys::Directory(directory.clone())),
            Self::Given(secret) => secret.clone(),
            Self::File(path) => HmacSecret::from_file_or_generate(path).map_err(|error| {
                let (path, error) = (path.display(), keys::reason(error));
                format!("the secret beside DATABASE_URL, {path}: {error}; or set JWT_SECRET")
            })?,
            Self::Memory => HmacSecret::generate(),
        }))
    }
}

impl KeySource {
    /// Returns the signing key as bytes, equal on all servers with the same keys, to derive other
    /// secrets from. With a database in memory they last as long as the accounts.
    pub(crate) fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        Ok(match self {
            Self::Directory(directory) => directory.signing_bytes()?,
            Self::Given(_) => env::var("JWT_SECRET")?.into_bytes().into(),
            Self::File(path) => fs::read(path)?.into(),
            Self::Memory => {
                let mut bytes = Zeroizing::new(vec![0; 32]);
                getrandom::fill(&mut bytes)?;
                bytes
            }
        })
    }
}

/// Formats the location, never the secret.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => directory.path().display().fmt(f),
            Self::Given(_) => f.write_str("JWT_SECRET"),
            Self::File(path) => path.display().fmt(f),
            Self::Memory => f.write_str("memory"),
        }
    }
}

/// Returns the log filter. Called before logging is set up.
pub(crate) fn log_filter() -> Result<EnvFilter, Box<dyn Error>> {
    let text = variable("RUST_LOG")?.unwrap_or_else(|| "info".to_owned());
    let parse = |text: &str| {
        EnvFilter::try_new(text).map_err(|_| {
            invalid(
                "RUST_LOG",
                "give a filter such as info or tower_warder=debug",
            )
        })
    };
    let filter = parse(&text)?;
    // Directives in `text` take precedence.
    match filter.max_level_hint() {
        Some(level) if level <= LevelFilter::INFO => parse(&format!("{LIMITED},{text}")),
        _ => Ok(filter),
    }
}

fn bind_addr() -> Result<SocketAddr, Box<dyn Error>> {
    let (name, text) = match variable("BIND_ADDR")? {
        Some(text) => ("BIND_ADDR", text),
        None => {
            let host = variable("HOST")?.unwrap_or_else(|| "127.0.0.1".to_owned());
            let port = variable("PORT")?.unwrap_or_else(|| "8000".to_owned());
            let host = if host.contains(':') && !host.starts_with('[') {
                format!("[{host}]")
            } else {
                host
            };
            ("HOST and PORT", format!("{host}:{port}"))
        }
    };
    address(&text)
        .ok_or_else(|| invalid(name, "give an address and a port, such as 127.0.0.1:8000"))
}

fn public_origin() -> Result<Option<PublicOrigin>, Box<dyn Error>> {
    let Some(text) = variable("PUBLIC_ORIGIN")? else {
        return Ok(None);
    };
    let origin = text
        .parse()
        .map_err(|remedy| invalid("PUBLIC_ORIGIN", remedy));
    origin.map(Some)
}

fn bootstrap(
    bind_addr: SocketAddr,
    origin: Option<&PublicOrigin>,
) -> Result<Bootstrap, Box<dyn Error>> {
    match variable("BOOTSTRAP")?.as_deref() {
        None => Ok(Bootstrap::by_default(bind_addr.ip(), origin)),
        Some("first-user") => Ok(Bootstrap::FirstUser),
        Some("secret") => Ok(Bootstrap::Secret),
        Some("nobody") => Ok(Bootstrap::Nobody),
        Some(_) => Err(invalid("BOOTSTRAP", "give first-user, secret or nobody")),
    }
}

fn metrics_addr() -> Result<Option<SocketAddr>, Box<dyn Error>> {
    let Some(text) = variable("METRICS_ADDR")? else {
        return Ok(None);
    };
    let remedy = "give an address and a port, such as 127.0.0.1:9000";
    let address = address(&text).ok_or_else(|| invalid("METRICS_ADDR", remedy))?;
    Ok(Some(address))
}

fn address(text: &str) -> Option<SocketAddr> {
    text.replace("localhost", "127.0.0.1").parse().ok()
}

fn database() -> Result<Database, Box<dyn Error>> {
    let url = variable("DATABASE_URL")?.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    let database: Database = url.parse().map_err(|_| {
        let remedy =
            "give postgres://USER:PASSWORD@HOST/DATABASE, sqlite://PATH or sqlite::memory:";
        invalid("DATABASE_URL", remedy)
    })?;
    Ok(match variable("DATABASE_CONNECTIONS")? {
        Some(text) => {
            let number = text
                .parse()
                .ok()
                .filter(|number| (1..=1000).contains(number));
            let remedy = "give a number from 1 to 1000";
            database.connections(number.ok_or_else(|| invalid("DATABASE_CONNECTIONS", remedy))?)
        }
        None => database,
    })
}

fn connections_per_address() -> Result<usize, Box<dyn Error>> {
    let Some(text) = variable("CONNECTIONS_PER_ADDRESS")? else {
        return Ok(DEFAULT_CONNECTIONS_PER_ADDRESS);
    };
    let number = text.parse().ok();
    number
        .filter(|number| (1..=MAX_CONNECTIONS).contains(number))
        .ok_or_else(|| invalid("CONNECTIONS_PER_ADDRESS", "give a number from 1 to 4096"))
}

/// Returns the configured channel; otherwise that of the database, if it has one.
fn channel(database: &Database) -> Result<Option<Channel>, Box<dyn Error>> {
    let Some(url) = variable("INVALIDATION_URL")? else {
        return Ok(database.try_into().ok());
    };
    let channel = url.parse().map_err(|_| {
        let remedy = "give redis://HOST or postgres://USER:PASSWORD@HOST/DATABASE";
        invalid("INVALIDATION_URL", remedy)
    });
    channel.map(Some)
}

/// Parses a whole number of seconds, minutes, hours or days: `90s`, `15m`, `12h`, `7d`.
fn duration(name: &'static str, most: Duration) -> Result<Option<Duration>, Box<dyn Error>> {
    let Some(text) = variable(name)? else {
        return Ok(None);
    };
    let unit = |suffix| Some((text.strip_suffix(suffix)?, suffix));
    let seconds = ['s', 'm', 'h', 'd']
        .into_iter()
        .find_map(unit)
        .and_then(|(number, suffix)| {
            let number: u64 = number.parse().ok()?;
            number.checked_mul(match suffix {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                _ => 24 * 3600,
            })
        })
        .filter(|seconds| (1..=most.as_secs()).contains(seconds));
    match seconds {
        Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
        None => Err(invalid(
            name,
            "give a time such as 90s, 15m, 12h or 7d; lifetimes have ten years at most, caches an hour, delays a minute",
        )),
    }
}

fn switch(name: &'static str, default: bool) -> Result<bool, Box<dyn Error>> {
    match variable(name)?.as_deref() {
        None => Ok(default),
        Some("off") => Ok(false),
        Some("on") => Ok(true),
        Some(_) => Err(invalid(name, "give on or off")),
    }
}

/// Returns a variable if it is set, and an error if it is empty.
fn variable(name: &'static str) -> Result<Option<String>, Box<dyn Error>> {
    match env::var(name) {
        Ok(value) if value.is_empty() => {
            Err(invalid(name, "it is empty; give a value or unset it"))
        }
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(invalid(name, "it is not UTF-8")),
    }
}

fn invalid(name: &'static str, remedy: &'static str) -> Box<dyn Error> {
    Box::new(Invalid { name, remedy })
}

#[derive(Debug)]
struct Invalid {
    name: &'static str,
    remedy: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.remedy)
    }
}

impl Error for Invalid {}

/// Silences warnings that clients can cause at will, one for each request or frame: slow statements
/// and pool waits under load, and unexpected HTTP/2 frames.
const LIMITED: &str = "sqlx::query=error,sqlx::pool=error,h2=error";

/// Many users may share one address.
const DEFAULT_CONNECTIONS_PER_ADDRESS: usize = 128;

const DEFAULT_DATABASE: &str = "sqlite://tower-warder.sqlite";

/// Ten years: the expiry must remain a valid date.
const MAX_LIFETIME: Duration = Duration::from_secs(3653 * 24 * 3600);

const MAX_USER_CACHE_TTL: Duration = Duration::from_secs(3600);

const MAX_SHUTDOWN_DELAY: Duration = Duration::from_secs(60);
