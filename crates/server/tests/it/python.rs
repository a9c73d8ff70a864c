//! Tokens and password hashes of PyJWT and pwdlib, both ways, and users of Django and FastAPI Users.

use std::env;

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
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/interop/client.py");
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
async fn users_of_django_and_fastapi_users_are_imported() {
    let Some(python) = env::var_os("INTEROP_PYTHON") else {
        println!("skipped: INTEROP_PYTHON names no interpreter with Django and pwdlib");
        return;
    };
    let directory = tempdir().unwrap();
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let output = Command::new(python)
        .arg(format!("{workspace}/tests/interop/export.py"))
        .current_dir(directory.path())
        .env(
            "GUIDE",
            format!("{workspace}/crates/accounts/src/docs/from_fastapi.md"),
        )
        .env("PASSWORD", PASSWORD)
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");

    let start = || Start::in_directory(directory.path());
    start().run(&["migrate"]).await.output();
    let fastapi = start().run(&["import", "fastapi.csv"]).await.output();
    for line in ["imported: 3\n", "renewed at log-in: 2\n", "refused: 0\n"] {
        assert!(fastapi.contains(line), "{fastapi}");
    }
    // One has no address, and one that of another.
    let django = start().run(&["import", "django.csv"]).await;
    assert_eq!(django.code, Some(1), "{django:?}");
    for line in [
        "imported: 5\n",
        "renewed at log-in: 4\n",
        "cannot be read: 1\n",
        ": the hash cannot be read",
        "refused: 2\n",
    ] {
        assert!(django.stdout.contains(line), "{}", django.stdout);
    }

    let server = start().server().await;
    for (name, status) in [
        ("ada", 200),
        ("bob", 200),
        ("cid", 403),
        ("dan", 401),
        ("fay", 200),
        ("gil", 200),
        ("hal", 200),
        ("ida", 403),
    ] {
        let email = format!("{name}@example.com");
        let answer = server.login(&email, PASSWORD).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        let wrong = server.login(&email, "wrong-password").await;
        assert_eq!(wrong.status, 401, "{name}: {}", wrong.body);
    }
    for (name, status) in [("ada", 200), ("gil", 200), ("bob", 403)] {
        let token = server.token(&format!("{name}@example.com")).await;
        let answer = server.get("/api/auth/users", &token).await;
        assert_eq!(answer.status, status, "{name}");
    }
}

/// Long enough for HS512, so that its tokens are not rejected because of the length.
const SECRET: &str = "Lv7oErZ3GSb92byWasDdhm0V1hHck3WD.yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L";
