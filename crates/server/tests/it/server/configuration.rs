//! Invalid configuration: the server does not start, and logs one line that names the variable.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use serde_json::json;
use tempfile::tempdir;
use tokio::net::TcpListener;
use tower_warder::{HmacSecret, JwtIssuer};

use super::{SECRET, Start};
use crate::support::Place;

#[tokio::test]
async fn invalid_secret_is_rejected() {
    for secret in [
        "",
        "short",
        SECRET.split_at(31).0,
        "CHANGE_ME_before_you_go_to_production",
    ] {
        let error = startup_error(&[("JWT_SECRET", secret)]).await;
        assert!(error.starts_with("JWT_SECRET"), "{error}");
        assert!(error.contains("openssl rand -hex 32"), "{error}");
        assert!(secret.is_empty() || !error.contains(secret), "{error}");
    }
}

#[tokio::test]
async fn non_utf8_secret_is_rejected() {
    let directory = tempdir().unwrap();
    let secret = OsStr::from_bytes(b"\xffDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L");
    let start = Start::in_directory(directory.path()).with("JWT_SECRET", secret);
    let error = start.startup_error().await;
    assert_one_line(&error);
    assert!(error.starts_with("JWT_SECRET is not UTF-8"), "{error}");
}

#[tokio::test]
async fn secret_bytes_are_used_exactly() {
    let place = Place::shared().await;
    let exact = format!(" {SECRET} ");
    let start = Start::at(&place).with("JWT_SECRET", &exact);
    let server = start.server().await;
    server.register("ada@example.com").await;
    let token = |secret: &str| {
        let secret = HmacSecret::new(secret).unwrap();
        JwtIssuer::hs256(&secret).issue("1").unwrap()
    };
    assert_eq!(server.me(&token(&exact)).await.status, 200);
    assert_eq!(server.me(&token(SECRET)).await.status, 401);
    assert_eq!(server.me(&token(exact.trim_end())).await.status, 401);
}

#[tokio::test]
async fn invalid_database_is_rejected_and_leaves_no_file() {
    let directory = tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("directory")).unwrap();
    fs::write(path("text"), "This text is not a database. ".repeat(20)).unwrap();
    for url in [
        "",
        "nonsense",
        "mysql://localhost/accounts",
        "sqlite:",
        "sqlite://",
        "sqlite://?mode=rwc",
        "sqlite://accounts?mode=nonsense",
        "sqlite://accounts?mode=memory",
        "sqlite://directory",
        "sqlite://missing/accounts.sqlite",
        "sqlite://text/accounts.sqlite",
        "sqlite://text",
    ] {
        for secret in [None, Some(SECRET)] {
            let mut start = Start::in_directory(directory.path()).with("DATABASE_URL", url);
            if let Some(secret) = secret {
                start = start.with("JWT_SECRET", secret);
            }
            let error = start.startup_error().await;
            assert_one_line(&error);
            assert!(error.starts_with("DATABASE_URL: "), "{url}: {error}");
        }
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn unwritable_directory_is_rejected() {
    let directory = tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).unwrap();
    if fs::write(directory.path().join("probe"), "").is_ok() {
        println!("skipped: this user can write everywhere");
        return;
    }
    let error = Start::in_directory(directory.path()).startup_error().await;
    assert_one_line(&error);
    assert!(error.starts_with("DATABASE_URL: "), "{error}");
}

#[tokio::test]
async fn unusable_secret_file_is_rejected_with_the_remedy() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("tower-warder.sqlite.secret");
    fs::create_dir(&path).unwrap();
    assert_names_secret_file(directory.path()).await;
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "short").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_names_secret_file(directory.path()).await;
}

#[tokio::test]
async fn secret_file_of_another_owner_or_mode_is_rejected() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("tower-warder.sqlite.secret");
    fs::write(&path, SECRET).unwrap();
    for mode in [0o644, 0o640, 0o620] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = assert_names_secret_file(directory.path()).await;
        assert!(error.contains("chmod go="), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    if chown(&path, Some(12_345), None).is_ok() {
        let error = assert_names_secret_file(directory.path()).await;
        assert!(error.contains("chown"), "{error}");
    }
    let other = tempdir().unwrap();
    fs::write(other.path().join("secret"), SECRET).unwrap();
    fs::set_permissions(other.path().join("secret"), Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&path).unwrap();
    symlink(other.path().join("secret"), &path).unwrap();
    let error = assert_names_secret_file(directory.path()).await;
    assert!(error.contains("symbolic link"), "{error}");
}

#[tokio::test]
async fn common_passwords_are_rejected_unless_the_check_is_off() {
    for (value, status) in [(None, 422), (Some("on"), 422), (Some("off"), 201)] {
        let place = Place::shared().await;
        let start = Start::at(&place);
        let start = match value {
            Some(value) => start.with("PASSWORD_CHECK", value),
            None => start,
        };
        let server = start.server().await;
        for (email, password) in [
            ("ada@example.com", "password"),
            ("bob@example.com", "bob@example.com"),
        ] {
            let new = json!({"email": email, "password": password});
            let answer = server.post("/api/auth/register", "", &new).await;
            assert_eq!(answer.status, status, "{value:?}: {}", answer.body);
        }
    }
}

async fn assert_names_secret_file(directory: &Path) -> String {
    let error = Start::in_directory(directory).startup_error().await;
    assert_one_line(&error);
    for name in ["DATABASE_URL", "JWT_SECRET", "tower-warder.sqlite.secret"] {
        assert_eq!(error.matches(name).count(), 1, "{error}");
    }
    error
}

#[tokio::test]
async fn invalid_address_is_rejected() {
    for address in [
        "",
        "nonsense",
        "127.0.0.1",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        ":8000",
    ] {
        let error = startup_error(&[("BIND_ADDR", address)]).await;
        assert!(error.starts_with("BIND_ADDR: "), "{error}");
    }
    for (name, value) in [
        ("PORT", "65536"),
        ("PORT", "http"),
        ("HOST", "999.0.0.1"),
        ("PORT", ""),
    ] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path()).without("BIND_ADDR");
        let error = start.with(name, value).startup_error().await;
        assert_one_line(&error);
        assert!(error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn used_port_is_rejected_and_leaves_no_file() {
    let directory = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = Start::in_directory(directory.path()).with("BIND_ADDR", &address);
    let error = start.startup_error().await;
    assert_one_line(&error);
    assert!(
        error.contains(&address) && error.contains("BIND_ADDR"),
        "{error}"
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn host_and_port_set_the_address() {
    for host in ["127.0.0.1", "localhost"] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path()).without("BIND_ADDR");
        let server = start.with("HOST", host).with("PORT", "0").server().await;
        assert!(server.address().starts_with("127.0.0.1:"));
    }
}

#[tokio::test]
async fn other_invalid_variables_are_rejected() {
    for (name, value) in [
        ("JWT_LIFETIME", ""),
        ("JWT_LIFETIME", "nonsense"),
        ("JWT_LIFETIME", "7"),
        ("JWT_LIFETIME", "-7d"),
        ("JWT_LIFETIME", "0s"),
        ("JWT_LIFETIME", "99999999999d"),
        ("JWT_LIFETIME", "99999999999999999999d"),
        ("USER_CACHE_TTL", "0s"),
        ("USER_CACHE_TTL", "5"),
        ("USER_CACHE_TTL", "61m"),
        ("SHUTDOWN_DELAY", "3"),
        ("SHUTDOWN_DELAY", "61s"),
        ("AUDIT_RETENTION", "0d"),
        ("AUDIT_RETENTION", "off"),
        ("AUTH_THROTTLE", "yes"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("SESSIONS", ""),
        ("SESSIONS", "yes"),
        ("PASSWORD_CHECK", ""),
        ("PASSWORD_CHECK", "no"),
        ("EMAIL_VERIFICATION", "yes"),
        // Without SMTP_URL.
        ("EMAIL_VERIFICATION", "on"),
        ("RUST_LOG", "info,,=x=y"),
        ("PUBLIC_ORIGIN", ""),
        ("PUBLIC_ORIGIN", "login.example"),
        ("PUBLIC_ORIGIN", "https://login.example/"),
        ("PUBLIC_ORIGIN", "https://Login.example"),
        ("PUBLIC_ORIGIN", "http://login.example"),
        ("PRODUCT_NAME", ""),
        ("PRODUCT_NAME", " Ada's"),
        ("PRODUCT_NAME", "Ada's\nsite"),
        ("PRODUCT_NAME", "Ada's \u{202e}etis"),
        ("PRODUCT_NAME", "a name of forty-one characters, which is 1"),
        ("ACCENT_COLOR", ""),
        ("ACCENT_COLOR", "red"),
        ("ACCENT_COLOR", "#fff"),
        ("ACCENT_COLOR", "#33548a;}"),
        ("BOOTSTRAP", ""),
        ("BOOTSTRAP", "first_user"),
        ("BOOTSTRAP", "Secret"),
    ] {
        let error = startup_error(&[(name, value)]).await;
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
    }
}

#[tokio::test]
async fn all_mistakes_are_reported_in_a_line_each() {
    let directory = tempdir().unwrap();
    let variables = [
        ("BIND_ADDR", "nonsense", "127.0.0.1:8000"),
        ("PUBLIC_ORIGIN", "http://login.example", "https"),
        ("BOOTSTRAP", "first_user", "first-user"),
        (
            "DATABASE_URL",
            "mysql://ada:hunter22@db/accounts",
            "postgres://",
        ),
        ("JWT_SECRET", "short", "openssl rand -hex 32"),
        ("JWT_LIFETIME", "7", "7d"),
        ("SESSIONS", "yes", "on or off"),
        ("RUST_LOG", "info,,=x=y", "tower_warder=debug"),
        ("PUBLIC_ORGIN", "https://login.example", "PUBLIC_ORIGIN"),
        ("JWT_SECRT", SECRET, "JWT_SECRET"),
    ];
    for command in [&[][..], &["check-config"]] {
        let mut start = Start::in_directory(directory.path());
        for (name, value, _) in variables {
            start = start.with(name, value);
        }
        let finished = start.run(command).await;
        assert_eq!((finished.code, &*finished.stdout), (Some(1), ""));
        let lines: Vec<_> = finished.stderr.lines().collect();
        assert_eq!(lines.len(), variables.len(), "{lines:#?}");
        for (name, value, remedy) in variables {
            let line = lines
                .iter()
                .find(|line| line.starts_with(&format!("{name}: ")));
            let line = line.unwrap_or_else(|| panic!("{name}: {lines:#?}"));
            assert!(line.contains(remedy), "{line}");
            assert!(value.len() < 5 || !line.contains(value), "{line}");
        }
        assert!(!finished.stderr.contains("hunter22"));
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn unknown_variables_of_the_server_are_rejected() {
    for (name, known) in [
        ("JWT_SECRT", "JWT_SECRET"),
        ("JWT_KEY", "JWT_KEYS"),
        ("PUBLIC_ORGIN", "PUBLIC_ORIGIN"),
        ("DATABASE_ULR", "DATABASE_URL"),
        ("TOWER_WARDER_CONFG", "TOWER_WARDER_CONFIG"),
        ("JWT_ISSUER", "--help"),
    ] {
        let error = startup_error(&[(name, "value")]).await;
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
        assert!(error.contains(known), "{error}");
    }
}

#[tokio::test]
async fn variables_of_other_programs_are_ignored() {
    let directory = tempdir().unwrap();
    let mut start = Start::in_directory(directory.path());
    for name in [
        "HOSTNAME",
        "HOSTS",
        "SESSION_MANAGER",
        "DATABASE_PORT",
        "TOWER_WARDER_SERVICE_HOST",
        "TOWER_WARDER_PORT",
        "TOWER_WARDER_PORT_8000_TCP_ADDR",
    ] {
        start = start.with(name, "value");
    }
    start = start.with("NOT_UTF8", OsStr::from_bytes(b"\xff"));
    start.server().await;
}

#[tokio::test]
async fn check_config_shows_settings_and_creates_nothing() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path())
        .with("JWT_SECRET", SECRET)
        .with("SESSIONS", "on")
        .with("INVALIDATION_URL", "redis://:hunter22@cache.example")
        .with("THROTTLE_URL", "redis://:hunter22@cache.example")
        // Nothing listens there: the database is not asked.
        .with(
            "DATABASE_URL",
            "postgres://ada:hunter22@127.0.0.1:1/accounts",
        );
    let output = start.run(&["check-config"]).await.output();
    for text in [
        "SESSIONS: on (environment)",
        "JWT_SECRET: [redacted]",
        "postgres://127.0.0.1:1/accounts",
    ] {
        assert!(output.contains(text), "{output}");
    }
    for secret in [SECRET, "hunter22"] {
        assert!(!output.contains(secret), "{output}");
    }
    let start = Start::in_directory(directory.path());
    start.run(&["check-config"]).await.output();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

    // The server would not start with this file.
    fs::write(directory.path().join("tower-warder.sqlite.secret"), SECRET).unwrap();
    let start = Start::in_directory(directory.path());
    let error = start.run(&["check-config"]).await.error();
    assert!(error.contains("chmod go="), "{error}");
}

#[tokio::test]
async fn longest_lifetime_is_accepted() {
    let place = Place::shared().await;
    let start = Start::at(&place);
    let server = start.with("JWT_LIFETIME", "3653d").server().await;
    server.register("ada@example.com").await;
    let answer = server.login("ada@example.com", super::PASSWORD).await;
    assert_eq!(answer.json()["expires_in"], json!(3653 * 24 * 3600));
    let token = server.token("ada@example.com").await;
    assert_eq!(server.me(&token).await.status, 200);
}

#[tokio::test]
async fn user_cache_follows_the_changes_of_its_own_node() {
    let place = Place::shared().await;
    let start = Start::at(&place);
    let server = start.with("USER_CACHE_TTL", "1h").server().await;
    server.register("ada@example.com").await;
    server.register("bob@example.com").await;
    let admin = server.token("ada@example.com").await;
    server
        .put("/api/auth/users/2", &admin, &json!({"status": "approved"}))
        .await;
    let bob = server.token("bob@example.com").await;
    assert_eq!(server.me(&bob).await.status, 200);
    // What the server itself changes is seen at once.
    server
        .put("/api/auth/users/2", &admin, &json!({"status": "disabled"}))
        .await;
    assert_eq!(server.me(&bob).await.status, 401);
}

async fn startup_error(variables: &[(&str, &str)]) -> String {
    let directory = tempdir().unwrap();
    let mut start = Start::in_directory(directory.path());
    for (name, value) in variables {
        start = start.with(name, value);
    }
    let error = start.startup_error().await;
    assert_one_line(&error);
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        0,
        "{error}"
    );
    error
}

pub fn assert_one_line(error: &str) {
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!error.contains("panicked"), "{error}");
}
