//! Hashes that other frameworks make now. Published ones are in the unit tests.

use std::env;

use serde::Deserialize;
use tokio::process::Command;
use tower_warder::password::{HashStatus, LegacyFormats, PasswordHasher, PasswordParams};

#[derive(Deserialize)]
struct Made {
    by: String,
    password: String,
    hash: String,
}

#[tokio::test]
async fn hashes_of_other_frameworks_match_and_are_renewed() {
    let Some(python) = env::var_os("INTEROP_PYTHON") else {
        println!("skipped: INTEROP_PYTHON names no interpreter with Django, Werkzeug and passlib");
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/hashes.py");
    let output = Command::new(python).arg(script).output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");

    let params = PasswordParams::new(7168, 5, 1).unwrap();
    let hasher = PasswordHasher::new()
        .params(params)
        .legacy_format(LegacyFormats);
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut count = 0;
    for line in lines.lines() {
        let Made { by, password, hash } = serde_json::from_str(line).unwrap();
        assert_eq!(
            hasher.hash_status(&hash),
            HashStatus::Outdated,
            "{by}: {hash}"
        );
        let verified = hasher.verify_or_dummy(&password, Some(&hash)).await;
        let verified = verified.unwrap();
        assert!(verified.matches, "{by}: {password:?} {hash}");
        let fresh = verified.rehash.unwrap();
        assert_eq!(
            hasher.hash_status(&fresh),
            HashStatus::Current,
            "{by}: {fresh}"
        );

        let wrong = format!("x{password}");
        let verified = hasher.verify(&wrong, &hash).await.unwrap();
        assert!(!verified.matches, "{by}: {wrong:?} {hash}");
        assert_eq!(verified.rehash, None);
        count += 1;
    }
    assert!(count > 100, "{count}");
}
