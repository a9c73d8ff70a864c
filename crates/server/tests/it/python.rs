//! Interoperability of tokens and password hashes with PyJWT and pwdlib, both ways.

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

/// Long enough for HS512, so that its tokens are not rejected because of the length.
const SECRET: &str = "Lv7oErZ3GSb92byWasDdhm0V1hHck3WD.yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L";
