//! Settings in a TOML file.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::{TempDir, tempdir};

use super::configuration::assert_one_line;
use super::{SECRET, Start};

/// Directory with this file, `settings.toml`, readable by everyone.
fn with_file(text: &str) -> TempDir {
    let directory = tempdir().unwrap();
    let path = directory.path().join("settings.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    directory
}

fn make_private(directory: &TempDir) {
    let path = directory.path().join("settings.toml");
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn start(directory: &TempDir) -> Start {
    Start::in_directory(directory.path()).with("TOWER_WARDER_CONFIG", "settings.toml")
}

#[tokio::test]
async fn file_configures_the_server() {
    let directory = with_file(
        "bind_addr = '127.0.0.1:0'\ndatabase_url = 'sqlite://accounts'\nsessions = true\n\
         password_check = false\nconnections_per_address = 7\njwt_lifetime = '15m'\n",
    );
    let start = start(&directory).without("BIND_ADDR");
    let server = start.server().await;
    let new = serde_json::json!({"email": "ada@example.com", "password": "password"});
    let answer = server.post("/api/auth/register", "", &new).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let answer = server.login("ada@example.com", "password").await;
    assert!(answer.json()["refresh_token"].is_string());
    assert!(directory.path().join("accounts").exists());
}

#[tokio::test]
async fn variable_takes_precedence_over_the_file() {
    // Each setting of the file would stop the start.
    let directory = with_file(
        "bind_addr = '192.0.2.1:1'\ndatabase_url = 'nonsense'\njwt_keys = 'missing'\n\
         jwt_lifetime = 'nonsense'\n",
    );
    let server = start(&directory)
        .without("BIND_ADDR")
        .with("PORT", "0")
        .with("DATABASE_URL", "sqlite://accounts")
        .with("JWT_SECRET", SECRET)
        .with("JWT_LIFETIME", "15m")
        .server()
        .await;
    server.register("ada@example.com").await;
    let answer = server.login("ada@example.com", super::PASSWORD).await;
    assert_eq!(answer.json()["expires_in"], 900);
}

#[tokio::test]
async fn argument_takes_precedence_over_the_variable() {
    let directory = with_file("sessions = true");
    let start = Start::in_directory(directory.path()).with("TOWER_WARDER_CONFIG", "missing.toml");
    let arguments = ["check-config", "--config", "settings.toml"];
    let output = start.run(&arguments).await.output();
    assert!(output.contains("SESSIONS: on (settings.toml)"), "{output}");
}

#[tokio::test]
async fn unusable_file_is_rejected() {
    for text in [
        "jwt_lifetim = '15m'",
        "JWT_LIFETIME = '15m'",
        "tower_warder_config = 'other.toml'",
        "jwt_lifetime = 15.5",
        "jwt_lifetime = ['15m']",
        "jwt_lifetime = ''",
        "jwt_lifetime = '7'",
        "[jwt_lifetime]",
        "jwt_lifetime = '15m'\njwt_lifetime = '15m'",
        "jwt_secret = hunter22",
    ] {
        let directory = with_file(text);
        let error = start(&directory).startup_error().await;
        assert_one_line(&error);
        assert!(error.starts_with("settings.toml: "), "{text}: {error}");
        assert!(!error.contains("hunter22"), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
    let directory = tempdir().unwrap();
    let error = start(&directory).startup_error().await;
    assert_one_line(&error);
    assert!(error.starts_with("settings.toml: "), "{error}");
}

#[tokio::test]
async fn file_with_a_secret_has_to_be_private() {
    for text in [
        format!("jwt_secret = '{SECRET}'"),
        "database_url = 'postgres://ada:hunter22@127.0.0.1:1/accounts'".to_owned(),
        "invalidation_url = 'redis://:hunter22@127.0.0.1:1'".to_owned(),
    ] {
        let directory = with_file(&text);
        let check = || {
            start(&directory)
                .with("JWT_KEYS", "keys")
                .run(&["check-config"])
        };
        // Reported before the rest.
        let checked = start(&directory).run(&["check-config"]).await;
        let error = checked.error();
        assert!(error.contains("chmod go="), "{error}");
        assert!(!error.contains("hunter22") && !error.contains(SECRET));

        make_private(&directory);
        let checked = check().await;
        assert!(!checked.stderr.contains("chmod"), "{checked:?}");
    }
}
