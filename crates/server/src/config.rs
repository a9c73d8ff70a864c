//! Configuration, validated before anything else starts.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tower_warder::{BoxError, HmacSecret};
use tower_warder_accounts::throttle::{InvalidNetwork, TrustedProxies};
use tower_warder_accounts::{AuditRetention, EmailVerification, Registration};
use tower_warder_redis::redis::Client;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use zeroize::Zeroizing;

use super::accent_color::AccentColor;
use super::bootstrap::Bootstrap;
use super::channel::{self, Channel};
use super::database::Database;
use super::keys::{self, KeyDirectory, Keys};
use super::mail::MailServer;
use super::origin::PublicOrigin;
use super::serve::MAX_CONNECTIONS;
use super::settings::{Mistakes, Settings};
use super::site::ProductName;

/// The configuration of the server.
pub(crate) struct Config {
    pub(crate) bind_addr: SocketAddr,
    pub(crate) public_origin: Option<PublicOrigin>,
    pub(crate) product_name: ProductName,
    pub(crate) accent_color: Option<AccentColor>,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) registration: Registration,
    pub(crate) max_pending: Option<u64>,
    pub(crate) pending_lifetime: Option<Duration>,
    pub(crate) storage: Storage,
    pub(crate) keys: KeySource,
    pub(crate) token_lifetime: Option<Duration>,
    pub(crate) admin_login_age: Option<Duration>,
    pub(crate) user_cache_ttl: Option<Duration>,
    pub(crate) shutdown_delay: Option<Duration>,
    pub(crate) audit_retention: Duration,
    pub(crate) metrics_addr: Option<SocketAddr>,
    pub(crate) connections_per_address: usize,
    pub(crate) throttle: bool,
    pub(crate) throttle_store: Option<Client>,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) mail: Option<MailServer>,
    pub(crate) email_verification: Option<EmailVerification>,
}

impl Config {
    /// Parses the settings. Every one has a default.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Mistakes> {
        let mut mistakes = settings.mistakes();
        let storage = mistakes.keep_all(Storage::parse(settings));
        let bind_addr = mistakes.keep(bind_addr(settings));
        let public_origin = mistakes.keep(public_origin(settings));
        let product_name = mistakes.keep(product_name(settings));
        let accent_color = mistakes.keep(accent_color(settings));
        let bootstrap = mistakes.keep(bootstrap(settings, bind_addr, public_origin.as_ref()));
        let registration = mistakes.keep(registration(settings));
        let max_pending = mistakes.keep(max_pending(settings));
        let pending_lifetime = mistakes.keep(duration(settings, "PENDING_LIFETIME", MAX_LIFETIME));
        let database = storage.as_ref().map(|storage| &storage.database);
        let keys = mistakes.keep(KeySource::new(settings, database));
        let token_lifetime = mistakes.keep(duration(settings, "JWT_LIFETIME", MAX_LIFETIME));
        let admin_login_age = mistakes.keep(duration(settings, "ADMIN_LOGIN_AGE", MAX_LIFETIME));
        let user_cache_ttl =
            mistakes.keep(duration(settings, "USER_CACHE_TTL", MAX_USER_CACHE_TTL));
        let shutdown_delay =
            mistakes.keep(duration(settings, "SHUTDOWN_DELAY", MAX_SHUTDOWN_DELAY));
        let audit_retention = mistakes.keep(audit_retention(settings));
        let metrics_addr = mistakes.keep(metrics_addr(settings));
        let connections_per_address = mistakes.keep(connections_per_address(settings));
        let throttle = mistakes.keep(switch(settings, "AUTH_THROTTLE", true));
        let channel = storage.as_ref().and_then(|it| it.channel.as_ref());
        let throttle_store = mistakes.keep(throttle_store(settings, channel));
        let trusted_proxies = mistakes.keep(trusted_proxies(settings));
        let mail = mistakes.keep(mail(settings));
        let email_verification = mistakes.keep(email_verification(settings));
        mistakes.keep(log_filter(settings, "info"));
        let config = || {
            Some(Self {
                bind_addr: bind_addr?,
                public_origin: public_origin?,
                product_name: product_name?,
                accent_color: accent_color?,
                bootstrap: bootstrap?,
                registration: registration?,
                max_pending: max_pending?,
                pending_lifetime: pending_lifetime?,
                storage: storage?,
                keys: keys??,
                token_lifetime: token_lifetime?,
                admin_login_age: admin_login_age?,
                user_cache_ttl: user_cache_ttl?,
                shutdown_delay: shutdown_delay?,
                audit_retention: audit_retention?,
                metrics_addr: metrics_addr?,
                connections_per_address: connections_per_address?,
                throttle: throttle?,
                throttle_store: throttle_store?,
                trusted_proxies: trusted_proxies?,
                mail: mail?,
                email_verification: email_verification?,
            })
        };
        mistakes.or(config())
    }

    /// Prints what is set, without secrets. An existing secret file is read; none is created.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), BoxError> {
        if let KeySource::File(path) = &self.keys
            && path.exists()
        {
            self.keys.read()?;
        }
        let (database, keys) = (&self.storage.database, &self.keys);
        let (address, bootstrap) = (self.bind_addr, self.bootstrap);
        let mut output = io::stdout().lock();
        for (name, value) in settings.listed() {
            writeln!(output, "{name}: {value}")?;
        }
        writeln!(
            output,
            "listens at {address}; accounts in {database}; keys in {keys}; first admin by {bootstrap}"
        )?;
        Ok(())
    }
}

/// The part of the configuration that every command on accounts needs.
pub(crate) struct Storage {
    pub(crate) database: Database,
    pub(crate) channel: Option<Channel>,
    pub(crate) sessions: bool,
    pub(crate) password_check: bool,
}

impl Storage {
    /// Parses these settings, and checks the names of all.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Mistakes> {
        let mut mistakes = settings.mistakes();
        let storage = mistakes.keep_all(Self::parse(settings));
        mistakes.keep(log_filter(settings, "warn"));
        mistakes.or(storage)
    }

    fn parse(settings: &Settings) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let database = mistakes.keep(database(settings));
        let channel = mistakes.keep(channel(settings, database.as_ref()));
        let sessions = mistakes.keep(switch(settings, "SESSIONS", false));
        let password_check = mistakes.keep(switch(settings, "PASSWORD_CHECK", true));
        let storage = || {
            Some(Self {
                database: database?,
                channel: channel?,
                sessions: sessions?,
                password_check: password_check?,
            })
        };
        mistakes.or(storage())
    }
}

/// Returns the URL at which browsers reach a server with these settings.
pub(crate) fn own_url(settings: &Settings) -> Result<String, String> {
    let origin = public_origin(settings)?;
    Ok(url(origin.as_ref(), bind_addr(settings)?))
}

/// Returns the URL at which browsers reach a server that listens at `address`, without a slash at its
/// end.
pub(crate) fn url(origin: Option<&PublicOrigin>, address: SocketAddr) -> String {
    match origin {
        Some(origin) => origin.to_string(),
        None if address.ip().is_loopback() => format!("http://{address}"),
        // Only localhost is served.
        None => format!("http://localhost:{}", address.port()),
    }
}

/// Source of the keys that sign tokens. No secret is generated before [`read`](Self::read), so that
/// a start that fails for another reason leaves no file.
pub(crate) enum KeySource {
    Directory(KeyDirectory),
    Given {
        secret: HmacSecret,
        bytes: Zeroizing<Vec<u8>>,
    },
    File(PathBuf),
    Memory,
}

impl KeySource {
    /// Returns the configured directory or secret; otherwise the file beside the database,
    /// generated at the first start. Its name contains the whole name of the database, so that two
    /// databases never share one. PostgreSQL has no such file: not every server could read it.
    /// `None` if that depends on a database that is invalid.
    fn new(settings: &Settings, database: Option<&Database>) -> Result<Option<Self>, String> {
        let directory = settings.text("JWT_KEYS")?;
        if settings.has("JWT_SECRET") {
            if directory.is_some() {
                let remedy = "JWT_SECRET is set as well; unset one of them, \
                    or keep its tokens with a file default.secret in the directory";
                return Err(settings.invalid("JWT_KEYS", remedy));
            }
            let text = settings.text("JWT_SECRET")?.unwrap_or_default();
            let secret = HmacSecret::new(text);
            let secret = secret.map_err(|error| settings.invalid("JWT_SECRET", error))?;
            let bytes = Zeroizing::new(text.as_bytes().to_vec());
            return Ok(Some(Self::Given { secret, bytes }));
        }
        if let Some(path) = directory {
            let directory = KeyDirectory::open(path.into());
            let directory = directory.map_err(|error| settings.invalid("JWT_KEYS", error))?;
            return Ok(Some(Self::Directory(directory)));
        }
        Ok(match database {
            None => None,
            Some(Database::Sqlite(file)) => Some(match file.path() {
                Some(path) => {
                    let mut path = path.as_os_str().to_owned();
                    path.push(".secret");
                    Self::File(path.into())
                }
                None => Self::Memory,
            }),
            Some(Database::Postgres(_)) => {
                let remedy = "all servers on one PostgreSQL need the same one, so none makes it; \
                    make one with `openssl rand -hex 32` and give it to each, or set JWT_KEYS";
                return Err(settings.invalid("JWT_SECRET", remedy));
            }
        })
    }

    pub(crate) fn read(&self) -> Result<Keys, BoxError> {
        Ok(Keys::Secret(match self {
            Self::Directory(directory) => return Ok(Keys::Directory(directory.clone())),
            Self::Given { secret, .. } => secret.clone(),
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
            Self::Given { bytes, .. } => bytes.clone(),
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
            Self::Given { .. } => f.write_str("JWT_SECRET"),
            Self::File(path) => path.display().fmt(f),
            Self::Memory => f.write_str("memory"),
        }
    }
}

/// Returns the log filter. Called before logging is set up.
pub(crate) fn log_filter(settings: &Settings, default: &str) -> Result<EnvFilter, String> {
    let text = settings.text("RUST_LOG")?.unwrap_or(default);
    let parse = |text: &str| {
        let remedy = "give a filter such as info or tower_warder=debug";
        EnvFilter::try_new(text).map_err(|_| settings.invalid("RUST_LOG", remedy))
    };
    let filter = parse(text)?;
    // Directives in `text` take precedence.
    match filter.max_level_hint() {
        Some(level) if level <= LevelFilter::INFO => parse(&format!("{LIMITED},{text}")),
        _ => Ok(filter),
    }
}

fn bind_addr(settings: &Settings) -> Result<SocketAddr, String> {
    let (name, text) = match settings.text("BIND_ADDR")? {
        Some(text) => ("BIND_ADDR", text.to_owned()),
        None => {
            let host = settings.text("HOST")?.unwrap_or("127.0.0.1");
            let port = settings.text("PORT")?.unwrap_or("8000");
            let host = if host.contains(':') && !host.starts_with('[') {
                format!("[{host}]")
            } else {
                host.to_owned()
            };
            ("HOST and PORT", format!("{host}:{port}"))
        }
    };
    let remedy = "give an address and a port, such as 127.0.0.1:8000";
    address(&text).ok_or_else(|| settings.invalid(name, remedy))
}

fn public_origin(settings: &Settings) -> Result<Option<PublicOrigin>, String> {
    let Some(text) = settings.text("PUBLIC_ORIGIN")? else {
        return Ok(None);
    };
    let origin = text.parse();
    let origin = origin.map_err(|remedy| settings.invalid("PUBLIC_ORIGIN", remedy));
    origin.map(Some)
}

fn product_name(settings: &Settings) -> Result<ProductName, String> {
    let Some(text) = settings.text("PRODUCT_NAME")? else {
        return Ok(ProductName::default());
    };
    let name = text.parse();
    name.map_err(|remedy| settings.invalid("PRODUCT_NAME", remedy))
}

fn accent_color(settings: &Settings) -> Result<Option<AccentColor>, String> {
    let Some(text) = settings.text("ACCENT_COLOR")? else {
        return Ok(None);
    };
    let color = text.parse();
    color
        .map(Some)
        .map_err(|remedy| settings.invalid("ACCENT_COLOR", remedy))
}

/// Without a value it depends on address and origin, of which an invalid one stops the start anyway.
fn bootstrap(
    settings: &Settings,
    bind_addr: Option<SocketAddr>,
    origin: Option<&Option<PublicOrigin>>,
) -> Result<Bootstrap, String> {
    match settings.text("BOOTSTRAP")? {
        None => Ok(match (bind_addr, origin) {
            (Some(addr), Some(origin)) => Bootstrap::by_default(addr.ip(), origin.as_ref()),
            _ => Bootstrap::Secret,
        }),
        Some("first-user") => Ok(Bootstrap::FirstUser),
        Some("secret") => Ok(Bootstrap::Secret),
        Some("nobody") => Ok(Bootstrap::Nobody),
        Some(_) => Err(settings.invalid("BOOTSTRAP", "give first-user, secret or nobody")),
    }
}

fn registration(settings: &Settings) -> Result<Registration, String> {
    match settings.text("REGISTRATION")? {
        None | Some("open") => Ok(Registration::Open),
        Some("closed") => Ok(Registration::Closed),
        Some("by-mail") if settings.has("SMTP_URL") => Ok(Registration::ByMail),
        Some("by-mail") => {
            let remedy = "by-mail needs a mail server: set SMTP_URL, or give open or closed";
            Err(settings.invalid("REGISTRATION", remedy))
        }
        Some(_) => Err(settings.invalid("REGISTRATION", "give open, by-mail or closed")),
    }
}

fn max_pending(settings: &Settings) -> Result<Option<u64>, String> {
    let Some(text) = settings.text("MAX_PENDING")? else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|number| *number > 0);
    let remedy = "give a number from 1; to admit nobody, set REGISTRATION to closed";
    let number = number.ok_or_else(|| settings.invalid("MAX_PENDING", remedy))?;
    let hides = settings.text("EMAIL_VERIFICATION")? == Some("before-approval");
    if hides && !settings.has("PENDING_LIFETIME") {
        let remedy = "accounts that are not verified would count forever, and no admin sees them; \
                      set PENDING_LIFETIME as well";
        return Err(settings.invalid("MAX_PENDING", remedy));
    }
    Ok(Some(number))
}

fn metrics_addr(settings: &Settings) -> Result<Option<SocketAddr>, String> {
    let Some(text) = settings.text("METRICS_ADDR")? else {
        return Ok(None);
    };
    let remedy = "give an address and a port, such as 127.0.0.1:9000";
    let address = address(text).ok_or_else(|| settings.invalid("METRICS_ADDR", remedy))?;
    Ok(Some(address))
}

fn mail(settings: &Settings) -> Result<Option<MailServer>, String> {
    let from = settings.text("MAIL_FROM")?;
    let Some(url) = settings.text("SMTP_URL")? else {
        return Ok(None);
    };
    let server = MailServer::new(url, from);
    let server = server.map_err(|(name, remedy)| match settings.has(name) {
        true => settings.invalid(name, remedy),
        false => format!("{name}: {remedy}"),
    });
    server.map(Some)
}

fn email_verification(settings: &Settings) -> Result<Option<EmailVerification>, String> {
    let verification = match settings.text("EMAIL_VERIFICATION")? {
        None | Some("off") => return Ok(None),
        Some("on") => EmailVerification::Optional,
        Some("before-approval") => EmailVerification::BeforeApproval,
        Some(_) => {
            let remedy = "give on, before-approval or off";
            return Err(settings.invalid("EMAIL_VERIFICATION", remedy));
        }
    };
    if !settings.has("SMTP_URL") {
        let remedy = "its links are sent by mail; set SMTP_URL as well";
        return Err(settings.invalid("EMAIL_VERIFICATION", remedy));
    }
    Ok(Some(verification))
}

fn address(text: &str) -> Option<SocketAddr> {
    text.replace("localhost", "127.0.0.1").parse().ok()
}

fn database(settings: &Settings) -> Result<Database, String> {
    let url = settings.text("DATABASE_URL")?.unwrap_or(DEFAULT_DATABASE);
    let database: Database = url.parse().map_err(|_| {
        let remedy =
            "give postgres://USER:PASSWORD@HOST/DATABASE, sqlite://PATH or sqlite::memory:";
        settings.invalid("DATABASE_URL", remedy)
    })?;
    Ok(match settings.text("DATABASE_CONNECTIONS")? {
        Some(text) => {
            let number = text.parse().ok();
            let number = number.filter(|number| (1..=1000).contains(number));
            let remedy = "give a number from 1 to 1000";
            let number = number.ok_or_else(|| settings.invalid("DATABASE_CONNECTIONS", remedy))?;
            database.connections(number)
        }
        None => database,
    })
}

fn connections_per_address(settings: &Settings) -> Result<usize, String> {
    let Some(text) = settings.text("CONNECTIONS_PER_ADDRESS")? else {
        return Ok(DEFAULT_CONNECTIONS_PER_ADDRESS);
    };
    let number = text.parse().ok();
    let number = number.filter(|number| (1..=MAX_CONNECTIONS).contains(number));
    let remedy = "give a number from 1 to 4096";
    number.ok_or_else(|| settings.invalid("CONNECTIONS_PER_ADDRESS", remedy))
}

/// Returns the configured channel; otherwise that of the database, if it has one.
fn channel(settings: &Settings, database: Option<&Database>) -> Result<Option<Channel>, String> {
    let Some(url) = settings.text("INVALIDATION_URL")? else {
        return Ok(database.and_then(|database| database.try_into().ok()));
    };
    let channel = url.parse().map_err(|_| {
        let remedy = "give redis://HOST or postgres://USER:PASSWORD@HOST/DATABASE";
        settings.invalid("INVALIDATION_URL", remedy)
    });
    channel.map(Some)
}

/// Returns the configured Redis; otherwise that of the channel, if it is one.
fn throttle_store(
    settings: &Settings,
    channel: Option<&Channel>,
) -> Result<Option<Client>, String> {
    let Some(url) = settings.text("THROTTLE_URL")? else {
        return Ok(channel.and_then(Channel::redis).cloned());
    };
    let client = channel::redis(url);
    let client = client.map_err(|_| settings.invalid("THROTTLE_URL", "give redis://HOST"));
    client.map(Some)
}

fn trusted_proxies(settings: &Settings) -> Result<TrustedProxies, String> {
    let text = settings.text("TRUSTED_PROXIES")?.unwrap_or_default();
    text.parse()
        .map_err(|error: InvalidNetwork| settings.invalid("TRUSTED_PROXIES", error))
}

/// Parses a whole number of seconds, minutes, hours or days: `90s`, `15m`, `12h`, `7d`.
fn audit_retention(settings: &Settings) -> Result<Duration, String> {
    let given = duration(settings, "AUDIT_RETENTION", MAX_LIFETIME)?;
    Ok(given.unwrap_or(AuditRetention::default().max_age))
}

fn duration(
    settings: &Settings,
    name: &'static str,
    most: Duration,
) -> Result<Option<Duration>, String> {
    let Some(text) = settings.text(name)? else {
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
        None => Err(settings.invalid(
            name,
            "give a time such as 90s, 15m, 12h or 7d; lifetimes have ten years at most, caches an hour, delays a minute",
        )),
    }
}

fn switch(settings: &Settings, name: &'static str, default: bool) -> Result<bool, String> {
    match settings.text(name)? {
        None => Ok(default),
        Some("off") => Ok(false),
        Some("on") => Ok(true),
        Some(_) => Err(settings.invalid(name, "give on or off")),
    }
}

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
