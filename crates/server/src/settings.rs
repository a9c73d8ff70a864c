//! Settings as text, from environment variables and a TOML file.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use tower_warder::error::ConfigError;
use tower_warder::key_files;
use zeroize::Zeroizing;

use super::keys;

/// Environment variable of the server.
pub struct Variable {
    pub name: &'static str,
    /// What it sets, with units and default, in Markdown.
    pub meaning: &'static str,
    kind: Kind,
}

/// Defines [`VARIABLES`] and its documentation.
macro_rules! variables {
    ($($kind:ident $name:ident $meaning:literal;)*) => {
        /// The environment variables. In the file of `--config` the names are in lower case:
        /// `jwt_lifetime = "15m"`. A variable takes precedence over the file.
        ///
        /// | variable | meaning |
        /// |---|---|
        $(#[doc = concat!("| `", stringify!($name), "` | ", $meaning, " |")])*
        pub const VARIABLES: &[Variable] = &[$(Variable {
            name: stringify!($name),
            meaning: $meaning,
            kind: Kind::$kind,
        },)*];
    };
}

variables! {
    Plain BIND_ADDR "address to listen at; defaults to `127.0.0.1:8000`";
    Plain HOST "with `PORT`, the same as `BIND_ADDR`; defaults to `127.0.0.1`";
    Plain PORT "see `HOST`; defaults to `8000`";
    Plain PUBLIC_ORIGIN "public origin of the server, such as `https://login.example.com`: determines the cookie, the hosts that are served, and the origin whose pages may use the cookie; `http` only for a loopback host. By default the loopback hosts are served";
    Plain PRODUCT_NAME "name of the application in pages and in the API document, at most 40 characters; defaults to `tower-warder`";
    Plain ACCENT_COLOR "colour of links, buttons and the icon, such as `#33548a`, darkened or lightened where text would be hard to read; defaults to a dark blue";
    Plain BOOTSTRAP "which account becomes the first admin: `first-user`, the first account; `secret`, the account that registers with the secret that is logged at startup as long as there is no admin; `nobody`, only what `create-admin` creates. Defaults to `first-user` if only this machine can reach the server, by `BIND_ADDR` and `PUBLIC_ORIGIN`, else to `secret`";
    Plain REGISTRATION "who can register: `open`, anyone at once; `by-mail`, anyone, by a link that is sent to the address, with the same answer whether it has an account or not, which needs `SMTP_URL`; `closed`, only the first admin, others by invitation. Defaults to `open`";
    Plain MAX_PENDING "maximum number of accounts that are pending, those that were invited included: further registrations are rejected; defaults to no maximum";
    Plain PENDING_LIFETIME "age at which accounts that are pending and were never approved are deleted, such as `30d`; those that were invited, too, whose links are invalid then. Defaults to never";
    Url DATABASE_URL "`sqlite://PATH`, `sqlite::memory:` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; defaults to `sqlite://tower-warder.sqlite`";
    Plain DATABASE_CONNECTIONS "maximum number of connections to PostgreSQL; defaults to 10";
    Secret JWT_SECRET "the secret that signs tokens; defaults to one generated beside the SQLite file, and is required with PostgreSQL";
    Plain JWT_KEYS "instead of `JWT_SECRET` a directory of keys, read again at SIGHUP: `NAME.secret`, and with `--features aws-lc-rs` also `NAME.pem` and `NAME.pub.pem`; the file `signing` contains the name of the key that signs. `docs/running.md` describes rotation";
    Plain JWT_LIFETIME "lifetime of tokens, such as `15m`; defaults to 7 days. If set, also the maximum lifetime of a log-in by cookie; that defaults to 30 days. A cookie that is not used for 7 days expires earlier";
    Plain PASSWORD_CHECK "`off`: checks only the length of new passwords; by default common passwords and the account's own address are rejected";
    Plain SESSIONS "`on`: log-ins at `/login` open a session, too, and return a refresh token; `JWT_LIFETIME` is then the lifetime of cookies only. Defaults to `off`";
    Plain ADMIN_LOGIN_AGE "how old the log-in of an admin who changes accounts may be, such as `15m`; the page of users then asks for another log-in first. Defaults to no limit";
    Plain USER_CACHE_TTL "how long accounts are kept in memory, such as `5s`; by default every request queries the database";
    Url INVALIDATION_URL "channel that tells nodes about each other's changes, for `USER_CACHE_TTL`: `redis://HOST` or `postgres://…`; defaults to `DATABASE_URL` if that is PostgreSQL";
    Plain SHUTDOWN_DELAY "how long it keeps serving after a signal, such as `3s`, while `/readyz` is already 503; defaults to 0 seconds";
    Plain AUDIT_RETENTION "how long audit events are stored, with the addresses of clients, such as `30d`; defaults to 90 days";
    Plain METRICS_ADDR "address of `GET /metrics` for Prometheus, such as `127.0.0.1:9000`; off by default. Needs `--features metrics`";
    Plain CONNECTIONS_PER_ADDRESS "maximum number of connections of one address, except loopback; defaults to 128. Behind a proxy on another machine, set it to what the proxy opens";
    Plain AUTH_THROTTLE "`off`: attempts to log in, to register and to change a password are not limited; on by default";
    Url THROTTLE_URL "Redis in which several nodes count attempts together: `redis://HOST`; defaults to `INVALIDATION_URL` if that is Redis, otherwise each node counts by itself";
    Url SMTP_URL "mail server for links (new passwords, verification and change of addresses, invitations, registration): `smtps://USER:PASSWORD@HOST` or `smtp://USER:PASSWORD@HOST:587?tls=required`; needs `--features smtp`, and `MAIL_FROM`. `log`: logs each link instead, for development. By default no mail is sent, and admins create the links";
    Plain MAIL_FROM "address that mail comes from, such as `Login <login@example.com>`";
    Plain EMAIL_VERIFICATION "`on`: new accounts get a mail with a link by which they verify their address, and the list of users marks those that have not; users can change their address. Needs `SMTP_URL`. `before-approval`: admins do not see new accounts before that. Not needed to verify addresses with `REGISTRATION=by-mail`, which verifies each. Defaults to `off`";
    Plain TRUSTED_PROXIES "addresses and networks of proxies, such as `10.0.0.0/8 ::1`, whose `X-Forwarded-For` or `Forwarded` tells the address of a client; none by default. Needed behind a proxy, for the limits of attempts by address";
    Plain RUST_LOG "what to log; defaults to `info` for `serve`, and to `warn` for the other commands";
    Plain TOWER_WARDER_CONFIG "path of a file with these settings in TOML, as `--config` sets it; defaults to none. If it contains a secret, only its owner may have access to it";
}

/// The settings that are given, each with its source.
pub struct Settings {
    values: BTreeMap<&'static str, (Source, Result<Zeroizing<String>, Problem>)>,
    file: Option<PathBuf>,
    unknown: Vec<String>,
}

impl Settings {
    /// Reads the environment, and this file or that of `TOWER_WARDER_CONFIG`. Unknown names are
    /// reported by [`mistakes`](Self::mistakes).
    pub fn load(file: Option<PathBuf>) -> Result<Self, Mistakes> {
        Self::from_environment(file, env::vars_os())
    }

    fn from_environment(
        file: Option<PathBuf>,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Mistakes> {
        let mut settings = Self {
            values: BTreeMap::new(),
            file: None,
            unknown: Vec::new(),
        };
        for (name, value) in environment {
            let Some(name) = name.to_str() else {
                continue;
            };
            if let Some(known) = VARIABLES.iter().find(|known| known.name == name) {
                let value = value.into_string().map(Zeroizing::new);
                let value = value.map_err(|_| Problem::NotUnicode).and_then(not_empty);
                settings
                    .values
                    .insert(known.name, (Source::Environment, value));
            } else if is_misspelled(name) {
                let place = name.escape_debug().to_string();
                settings.unknown.push(unknown(&place, name, str::to_owned));
            }
        }
        let file = match (file, settings.text(CONFIG)?) {
            (Some(file), _) => Some(file),
            (None, given) => given.map(PathBuf::from),
        };
        if let Some(file) = file {
            settings.read_file(&file)?;
            settings.file = Some(file);
        }
        Ok(settings)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Mistakes> {
        let place = path.display();
        let text = fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| {
                format!("{place}: cannot be read; give the path of a TOML file: {error}")
            })?;
        // Not the error itself: that shows the line, which may contain a secret.
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.unwrap_or_default().matches('\n').count() + 1;
            format!("{place}: line {line} is not TOML: {}", error.message())
        })?;
        let environment: Vec<_> = self.values.keys().copied().collect();
        for (key, value) in table {
            let known = VARIABLES
                .iter()
                .find(|known| known.name != CONFIG && known.name.to_lowercase() == key);
            let Some(known) = known else {
                let name = key.to_uppercase();
                let key = format!("{place}: {}", key.escape_debug());
                self.unknown.push(unknown(&key, &name, str::to_lowercase));
                continue;
            };
            let replaced_by = replaced_by(known.name);
            if environment.iter().any(|name| replaced_by.contains(name)) {
                continue;
            }
            let value = match value {
                toml::Value::String(text) => not_empty(text.into()),
                toml::Value::Integer(number) => Ok(number.to_string().into()),
                toml::Value::Boolean(is_on) => {
                    Ok(if is_on { "on" } else { "off" }.to_owned().into())
                }
                _ => Err(Problem::NotText),
            };
            if value.as_ref().is_ok_and(|text| known.kind.is_secret(text)) {
                key_files::read_private(path).map_err(|error| {
                    format!("{place}: {key} is a secret: {}", keys::reason(error))
                })?;
            }
            self.values.insert(known.name, (Source::File, value));
        }
        Ok(())
    }

    /// Returns the text of a setting, if it is given.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, String> {
        match self.values.get(name) {
            None => Ok(None),
            Some((_, Ok(text))) => Ok(Some(text)),
            Some((_, Err(problem))) => Err(self.problem(name, *problem)),
        }
    }

    /// Returns `true` if a setting is given, also if it is invalid.
    pub fn has(&self, name: &'static str) -> bool {
        self.values.contains_key(name)
    }

    /// Returns the line about an invalid setting. It has the remedy, and not the value.
    pub fn invalid(&self, name: &'static str, remedy: impl fmt::Display) -> String {
        match (self.values.get(name), &self.file) {
            (Some((Source::File, _)), Some(file)) => {
                format!("{}: {}: {remedy}", file.display(), name.to_lowercase())
            }
            _ => format!("{name}: {remedy}"),
        }
    }

    fn problem(&self, name: &'static str, problem: Problem) -> String {
        let is_secret = VARIABLES
            .iter()
            .any(|known| known.name == name && matches!(known.kind, Kind::Secret));
        match problem {
            Problem::Empty if is_secret => ConfigError::EmptyVariable(name.to_owned()).to_string(),
            Problem::NotUnicode if is_secret => {
                ConfigError::InvalidVariable(name.to_owned()).to_string()
            }
            Problem::Empty => self.invalid(name, "it is empty; give a value or unset it"),
            Problem::NotUnicode => self.invalid(name, "it is not UTF-8"),
            Problem::NotText => self.invalid(name, "give a string, a number or a boolean"),
        }
    }

    /// Returns the mistakes in names.
    pub fn mistakes(&self) -> Mistakes {
        Mistakes(self.unknown.clone())
    }

    /// Returns each setting with its value and its source, without secrets.
    pub fn listed(&self) -> impl Iterator<Item = (&'static str, String)> {
        VARIABLES.iter().filter_map(|variable| {
            let (source, value) = self.values.get(variable.name)?;
            let value = value.as_ref().ok()?;
            let value = match variable.kind {
                kind if kind.is_secret(value) => "[redacted]",
                _ => value,
            };
            let source = match (source, &self.file) {
                (Source::File, Some(file)) => file.display().to_string(),
                _ => "environment".to_owned(),
            };
            Some((variable.name, format!("{value} ({source})")))
        })
    }
}

/// Mistakes of a configuration, one line each.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    /// Returns the value, or `None` after adding the error.
    pub fn keep<T>(&mut self, result: Result<T, String>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(line) => {
                self.0.push(line);
                None
            }
        }
    }

    /// Returns the value, or `None` after adding the mistakes.
    pub fn keep_all<T>(&mut self, result: Result<T, Self>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(mut mistakes) => {
                self.0.append(&mut mistakes.0);
                None
            }
        }
    }

    /// Returns the value if there is no mistake.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl From<String> for Mistakes {
    fn from(line: String) -> Self {
        Self(vec![line])
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Error for Mistakes {}

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Secret,
    /// May contain a password.
    Url,
}

impl Kind {
    fn is_secret(self, value: &str) -> bool {
        match self {
            Self::Plain => false,
            Self::Secret => true,
            Self::Url => value.contains('@') || value.contains("password"),
        }
    }
}

enum Source {
    Environment,
    File,
}

#[derive(Clone, Copy)]
enum Problem {
    Empty,
    NotUnicode,
    NotText,
}

fn not_empty(text: Zeroizing<String>) -> Result<Zeroizing<String>, Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    Ok(text)
}

/// Returns the variables that replace a setting of the file: its own, and those of which only one
/// can be in effect.
fn replaced_by(name: &'static str) -> Vec<&'static str> {
    match name {
        "BIND_ADDR" => vec![name, "HOST", "PORT"],
        "JWT_SECRET" | "JWT_KEYS" => vec!["JWT_SECRET", "JWT_KEYS"],
        _ => vec![name],
    }
}

/// Returns `true` for an unknown variable that is meant for the server: with a prefix that only the
/// server uses, or one letter away from a variable. Other programs' variables are not rejected, so
/// `HOST` and `PORT`, which resemble many, are not compared.
fn is_misspelled(name: &str) -> bool {
    let has_prefix = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let is_near = |known: &Variable| {
        known.name.len() > 4 && strsim::damerau_levenshtein(known.name, name) == 1
    };
    (has_prefix && !is_service_link(name)) || VARIABLES.iter().any(is_near)
}

/// Returns `true` for variables by which Kubernetes describes a service, for example one that is
/// named `tower-warder`: `TOWER_WARDER_SERVICE_HOST`, `TOWER_WARDER_PORT_8000_TCP`.
fn is_service_link(name: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"]
        .iter()
        .any(|part| name.contains(part))
        || name.ends_with("_PORT")
}

/// Returns the line about an unknown name, with the most similar variable.
fn unknown(place: &str, name: &str, shown: impl Fn(&str) -> String) -> String {
    let distance = |known: &&Variable| strsim::damerau_levenshtein(known.name, name);
    let nearest = VARIABLES.iter().min_by_key(distance);
    let nearest = nearest.filter(|known| distance(known) <= MAX_DISTANCE);
    match nearest {
        Some(nearest) => {
            let nearest = shown(nearest.name);
            format!("{place}: unknown; rename it to {nearest} or remove it")
        }
        None => format!("{place}: unknown; remove it, or see the list of --help"),
    }
}

const CONFIG: &str = "TOWER_WARDER_CONFIG";

const PREFIXES: [&str; 2] = ["JWT_", "TOWER_WARDER_"];

/// Letters that may differ between an unknown name and the one that is suggested.
const MAX_DISTANCE: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_meant_for_the_server_are_misspelled() {
        for name in [
            "JWT_SECRT",
            "JWT_ISSUER",
            "PUBLIC_ORGIN",
            "PUBLIC_ORIGINS",
            "DATABASE_ULR",
            "SESSION",
            "TOWER_WARDER_LOG",
        ] {
            assert!(is_misspelled(name), "{name}");
        }
        for name in [
            "HOSTNAME",
            "HOME",
            "PATH",
            "POST",
            "SESSION_MANAGER",
            "SESSIONNAME",
            "DATABASE_PORT",
            "DATABASE_SERVICE_HOST",
            "METRICS_PORT",
            "TOWER_WARDER_SERVICE_HOST",
            "TOWER_WARDER_PORT",
            "TOWER_WARDER_PORT_8000_TCP_ADDR",
            "RUST_BACKTRACE",
        ] {
            assert!(!is_misspelled(name), "{name}");
        }
    }
}
