//! Tokens and password hashes of PyJWT and pwdlib, both ways, and users of Django and FastAPI Users.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use tempfile::tempdir;
use tokio::process::Command;

use crate::server::{PASSWORD, Start};

#[tokio::test]
async fn tokens_and_hashes_interoperate_with_python() {
    let Some(python) = env::var_os("INTEROP_PYTHON") else {
        println!("skipped: INTEROP_PYTHON names no interpreter with PyJWT and pwdlib[argon2]");
        return;
    };
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("JWT_SECRET", SECRET);
    let server = start.server().await;
    let client = format!("{WORKSPACE}/tests/interop/client.py");
    let output = Command::new(python)
        .arg(client)
        .env("API", format!("{}/api/auth", server.url))
        .env("DATABASE", directory.path().join("tower-warder.sqlite"))
        .env("JWT_SECRET", SECRET)
        .env("PASSWORD", PASSWORD)
        .output()
        .await
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}{stderr}");
    println!("{stdout}");
}

#[tokio::test]
async fn users_of_fastapi_users_log_in_after_migration() {
    let Some(python) = env::var_os("FASTAPI_USERS_PYTHON") else {
        println!("skipped: FASTAPI_USERS_PYTHON names no interpreter with fastapi-users");
        return;
    };
    let directory = tempdir().unwrap();
    make_database(directory.path(), &python, "fastapi_database.py").await;
    export(directory.path(), "fastapi.sqlite", "\"user\"").await;
    let start = || Start::in_directory(directory.path());
    start().run(&["migrate"]).await.output();
    let dry = start().run(&["import", CSV, "--dry-run"]).await.output();
    let done = start().run(&["import", CSV]).await.output();
    for line in ["imported: 3\n", "renewed at log-in: 2\n", "refused: 0\n"] {
        assert!(done.contains(line), "{done}");
    }
    assert!(dry.contains("renewed at log-in: 2\n"), "{dry}");
    assert_logins(
        start(),
        &[("gil", 200), ("hal", 200), ("ida", 403)],
        &[("gil", 200), ("hal", 403)],
    )
    .await;
}

#[tokio::test]
async fn users_of_django_log_in_after_migration() {
    let Some(python) = env::var_os("INTEROP_PYTHON") else {
        println!("skipped: INTEROP_PYTHON names no interpreter with Django");
        return;
    };
    let directory = tempdir().unwrap();
    make_database(directory.path(), &python, "django_database.py").await;
    export(directory.path(), "django.sqlite", "auth_user").await;
    let start = || Start::in_directory(directory.path());
    start().run(&["migrate"]).await.output();
    // One has no address, and one that of another.
    let done = start().run(&["import", CSV]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    for line in [
        "imported: 5\n",
        "renewed at log-in: 4\n",
        "cannot be read: 1\n",
        ": the hash cannot be read",
        "refused: 2\n",
    ] {
        assert!(done.stdout.contains(line), "{}", done.stdout);
    }
    let logins = [
        ("ada", 200),
        ("bob", 200),
        ("cid", 403),
        ("dan", 401),
        ("fay", 200),
    ];
    assert_logins(start(), &logins, &[("ada", 200), ("bob", 403)]).await;
}

/// Makes the database with the package that it belongs to.
async fn make_database(directory: &Path, python: &OsStr, script: &str) {
    let script = format!("{WORKSPACE}/tests/interop/{script}");
    let mut command = Command::new(python);
    command.arg(script).env("PASSWORD", PASSWORD);
    output_of(command.current_dir(directory)).await;
}

/// Exports the accounts by the SQL and the command of the guide.
async fn export(directory: &Path, database: &str, table: &str) {
    let guide = format!("{WORKSPACE}/crates/accounts/src/docs/from_fastapi.md");
    let guide = fs::read_to_string(guide).unwrap();
    let mut blocks = guide.split("```sql\n").skip(1);
    let is_of_table = |block: &&str| block.contains(&format!("\nFROM {table};\n```"));
    let query = blocks.find(is_of_table).unwrap().split("```").next();
    fs::write(directory.join("users.sql"), query.unwrap()).unwrap();
    let mut lines = guide.lines();
    let command = lines.find(|line| line.starts_with("sqlite3 ")).unwrap();
    assert!(
        command.ends_with(&format!("< users.sql > {CSV}")),
        "{command}"
    );
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command.replace("python.db", database));
    output_of(shell.current_dir(directory)).await;
}

async fn output_of(command: &mut Command) {
    let output = command.output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

/// Asserts the status of log-ins with the old password, and of the list of accounts.
async fn assert_logins(start: Start, logins: &[(&str, u16)], lists: &[(&str, u16)]) {
    let server = start.server().await;
    for (name, status) in logins {
        let email = format!("{name}@example.com");
        let wrong = server.login(&email, "wrong-password").await;
        assert_eq!(wrong.status, 401, "{name}: {}", wrong.body);
        // The second time with the renewed hash.
        for _ in 0..2 {
            let answer = server.login(&email, PASSWORD).await;
            assert_eq!(answer.status, *status, "{name}: {}", answer.body);
        }
    }
    for (name, status) in lists {
        let token = server.token(&format!("{name}@example.com")).await;
        let answer = server.get("/api/auth/users", &token).await;
        assert_eq!(answer.status, *status, "{name}");
    }
    server.stop().await;
}

/// File of the commands in the guide.
const CSV: &str = "users.csv";

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Long enough for HS512, so that its tokens are not rejected because of the length.
const SECRET: &str = "Lv7oErZ3GSb92byWasDdhm0V1hHck3WD.yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L";
