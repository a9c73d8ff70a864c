//! What it says to a configuration that it cannot use: one line, with the variable in it.

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
async fn a_secret_that_is_no_secret_is_refused() {
    for secret in [
        "",
        "short",
        SECRET.split_at(31).0,
        "CHANGE_ME_before_you_go_to_production",
    ] {
        let said = refusal(&[("JWT_SECRET", secret)]).await;
        assert!(said.starts_with("JWT_SECRET"), "{said}");
        assert!(said.contains("openssl rand -hex 32"), "{said}");
        assert!(secret.is_empty() || !said.contains(secret), "{said}");
    }
}

#[tokio::test]
async fn a_secret_that_is_not_utf8_is_refused() {
    let directory = tempdir().unwrap();
    let secret = OsStr::from_bytes(b"\xffDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L");
    let start = Start::in_directory(directory.path()).with("JWT_SECRET", secret);
    let said = start.refusal().await;
    assert_one_line(&said);
    assert!(said.starts_with("JWT_SECRET is not UTF-8"), "{said}");
}

#[tokio::test]
async fn the_bytes_of_the_secret_are_used_exactly() {
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
async fn a_database_that_cannot_be_is_refused_and_leaves_nothing() {
    let directory = tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("directory")).unwrap();
    fs::write(
        path("letter"),
        "Dear reader, this is not a database. ".repeat(20),
    )
    .unwrap();
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
        "sqlite://letter/accounts.sqlite",
        "sqlite://letter",
    ] {
        for secret in [None, Some(SECRET)] {
            let mut start = Start::in_directory(directory.path()).with("DATABASE_URL", url);
            if let Some(secret) = secret {
                start = start.with("JWT_SECRET", secret);
            }
            let said = start.refusal().await;
            assert_one_line(&said);
            assert!(said.starts_with("DATABASE_URL: "), "{url}: {said}");
        }
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_directory_without_rights_is_refused() {
    let directory = tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).unwrap();
    if fs::write(directory.path().join("probe"), "").is_ok() {
        println!("skipped: whoever runs this may write everywhere");
        return;
    }
    let said = Start::in_directory(directory.path()).refusal().await;
    assert_one_line(&said);
    assert!(said.starts_with("DATABASE_URL: "), "{said}");
}

#[tokio::test]
async fn a_secret_file_that_cannot_be_is_refused_with_the_variables_that_help() {
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
async fn secret_file_of_unknown_provenance_stops_the_start_with_its_remedy() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("tower-warder.sqlite.secret");
    fs::write(&path, SECRET).unwrap();
    for mode in [0o644, 0o640, 0o620] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let said = assert_names_secret_file(directory.path()).await;
        assert!(said.contains("chmod go="), "{said}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    if chown(&path, Some(12_345), None).is_ok() {
        let said = assert_names_secret_file(directory.path()).await;
        assert!(said.contains("chown"), "{said}");
    }
    let elsewhere = tempdir().unwrap();
    fs::write(elsewhere.path().join("secret"), SECRET).unwrap();
    fs::set_permissions(
        elsewhere.path().join("secret"),
        Permissions::from_mode(0o600),
    )
    .unwrap();
    fs::remove_file(&path).unwrap();
    symlink(elsewhere.path().join("secret"), &path).unwrap();
    let said = assert_names_secret_file(directory.path()).await;
    assert!(said.contains("symbolic link"), "{said}");
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
    let said = Start::in_directory(directory).refusal().await;
    assert_one_line(&said);
    for name in ["DATABASE_URL", "JWT_SECRET", "tower-warder.sqlite.secret"] {
        assert_eq!(said.matches(name).count(), 1, "{said}");
    }
    said
}

#[tokio::test]
async fn an_address_that_cannot_be_is_refused() {
    for address in [
        "",
        "nonsense",
        "127.0.0.1",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        ":8000",
    ] {
        let said = refusal(&[("BIND_ADDR", address)]).await;
        assert!(said.starts_with("BIND_ADDR: "), "{said}");
    }
    for (name, value) in [
        ("PORT", "65536"),
        ("PORT", "http"),
        ("HOST", "999.0.0.1"),
        ("PORT", ""),
    ] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path()).without("BIND_ADDR");
        let said = start.with(name, value).refusal().await;
        assert_one_line(&said);
        assert!(said.contains(name), "{said}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused_and_leaves_nothing() {
    let directory = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = Start::in_directory(directory.path()).with("BIND_ADDR", &address);
    let said = start.refusal().await;
    assert_one_line(&said);
    assert!(
        said.contains(&address) && said.contains("BIND_ADDR"),
        "{said}"
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn host_and_port_say_where_to_listen() {
    for host in ["127.0.0.1", "localhost"] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path()).without("BIND_ADDR");
        let server = start.with("HOST", host).with("PORT", "0").server().await;
        assert!(server.address().starts_with("127.0.0.1:"));
    }
}

#[tokio::test]
async fn other_variables_that_cannot_be_used_are_refused() {
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
        ("AUTH_THROTTLE", "on"),
        ("SESSIONS", ""),
        ("SESSIONS", "yes"),
        ("PASSWORD_CHECK", ""),
        ("PASSWORD_CHECK", "no"),
        ("RUST_LOG", "info,,=x=y"),
        ("PUBLIC_ORIGIN", ""),
        ("PUBLIC_ORIGIN", "login.example"),
        ("PUBLIC_ORIGIN", "https://login.example/"),
        ("PUBLIC_ORIGIN", "https://Login.example"),
        ("PUBLIC_ORIGIN", "http://login.example"),
        ("BOOTSTRAP", ""),
        ("BOOTSTRAP", "first_user"),
        ("BOOTSTRAP", "Secret"),
    ] {
        let said = refusal(&[(name, value)]).await;
        assert!(said.starts_with(&format!("{name}: ")), "{said}");
    }
}

#[tokio::test]
async fn lifetime_and_reserved_variables_are_taken() {
    let place = Place::shared().await;
    let start = Start::at(&place).with("AUTH_THROTTLE", "off");
    let server = start.with("JWT_LIFETIME", "3653d").server().await;
    server.register("ada@example.com").await;
    let answer = server.login("ada@example.com", super::PASSWORD).await;
    assert_eq!(answer.json()["expires_in"], json!(3653 * 24 * 3600));
    let token = server.token("ada@example.com").await;
    assert_eq!(server.me(&token).await.status, 200);
}

#[tokio::test]
async fn accounts_are_kept_in_memory_as_long_as_it_says() {
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

async fn refusal(variables: &[(&str, &str)]) -> String {
    let directory = tempdir().unwrap();
    let mut start = Start::in_directory(directory.path());
    for (name, value) in variables {
        start = start.with(name, value);
    }
    let said = start.refusal().await;
    assert_one_line(&said);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{said}");
    said
}

pub fn assert_one_line(said: &str) {
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
