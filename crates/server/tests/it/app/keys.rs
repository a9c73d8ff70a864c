//! Key directory, as operators fill it.

use std::fs;
use std::path::PathBuf;

use axum::Router;
use tempfile::{TempDir, tempdir};
use tower_warder::error::AuthErrorKind;
use tower_warder::{HmacSecret, JwtIssuer};
use tower_warder_server::keys::{KeyDirectory, Keys};

use crate::support::{get, send};

const A: &str = "yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L";
const B: &str = "q7Lk2vXw9ZtB4nYs6HdPfM1cRj8gUeA3";

#[test]
fn named_key_signs_and_all_keys_verify() {
    let directory = Directory::of(&[("2026-10.secret", A), ("2026-11.secret", B)]);
    for key_id in ["2026-10", "2026-11", "2026-10"] {
        directory.write("signing", format!("{key_id}\n"));
        let keys = directory.keys();
        let token = keys.issuer().issue("7").unwrap();
        assert_eq!(key_id_of(&token), key_id);
        for secret in [A, B] {
            let name = if secret == A { "2026-10" } else { "2026-11" };
            assert!(accepts(&keys, &token_of(secret, Some(name))), "{name}");
        }
    }
}

#[test]
fn secret_bytes_are_used_exactly() {
    let with_line_feed = format!("{A}\n");
    let directory = Directory::of(&[("a.secret", &*with_line_feed), ("signing", "a")]);
    let keys = directory.keys();
    assert!(accepts(&keys, &token_of(&with_line_feed, Some("a"))));
    assert!(!accepts(&keys, &token_of(A, Some("a"))));
}

#[test]
fn invalid_directory_is_rejected_with_the_cause() {
    let long = "n".repeat(65) + ".secret";
    for (name, content, expected) in [
        ("b.txt", B, "b.txt: the file is to be named"),
        ("b", B, "b: the file is to be named"),
        ("b.secret~", B, "b.secret~: the file is to be named"),
        ("b b.secret", B, "b b.secret: the file is to be named"),
        ("b\nb.secret", B, "b\\nb.secret: the file is to be named"),
        (&long, B, "the file is to be named"),
        ("b.secret", "short", "b.secret: the secret has 5 bytes"),
        ("b.secret", "", "b.secret: the secret has 0 bytes"),
        (
            "b.secret",
            "CHANGE_ME",
            "b.secret: the secret is a well-known",
        ),
        (
            "b.secret",
            include_str!("../../../../../tests/keys/ed25519.pem"),
            "b.secret: the key cannot be used",
        ),
        ("signing", "", "signing: it names no key"),
        ("signing", "b", "signing: it names no key"),
        ("signing", "a.secret", "signing: it names no key"),
        // The key itself.
        ("signing", A, "signing: it names no key"),
    ] {
        let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
        directory.write(name, content);
        let error = directory.error();
        assert!(error.contains(expected), "{name:?}: {error}");
        assert!(!error.contains(A) && !error.contains(B), "{error}");
    }
}

#[test]
fn missing_directory_or_key_is_rejected() {
    let directory = Directory::of(&[]);
    let error = directory.error();
    assert!(error.contains("signing: it is missing"), "{error}");
    directory.write("a.secret", A);
    let error = directory.error();
    assert!(error.contains("signing: it is missing"), "{error}");
    directory.write("signing", "a");
    directory.keys();
    directory.remove("a.secret");
    let error = directory.error();
    assert!(error.contains("signing: it names no key"), "{error}");

    let missing = directory.path().join("missing");
    assert!(KeyDirectory::open(missing).is_err());
    let file = KeyDirectory::open(directory.path().join("signing"));
    let error = file.err().unwrap().to_string();
    assert!(error.contains("signing: it is no directory"), "{error}");
}

#[test]
fn directory_or_oversized_file_is_rejected_unread() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    fs::create_dir(directory.path().join("b.secret")).unwrap();
    let error = directory.error();
    assert!(error.contains("b.secret: it is no file"), "{error}");
    fs::remove_dir(directory.path().join("b.secret")).unwrap();

    directory.write("b.secret", vec![b'x'; 64 * 1024 + 1]);
    let error = directory.error();
    assert!(error.contains("b.secret: it is too large"), "{error}");
}

#[test]
fn hidden_files_are_ignored() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    directory.write(".b.secret.swp", "no key");
    fs::create_dir(directory.path().join("..data")).unwrap();
    directory.keys();
}

#[cfg(unix)]
#[test]
fn symbolic_links_to_keys_are_rejected() {
    use std::os::unix::fs::symlink;

    let other = Directory::of(&[("a.secret", A), ("signing", "a")]);
    for name in ["a.secret", "signing"] {
        let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
        directory.remove(name);
        symlink(other.path().join(name), directory.path().join(name)).unwrap();
        let error = directory.error();
        assert!(
            error.contains(&format!("{name}: it is a symbolic link")),
            "{error}"
        );
    }
    // The path of the directory may contain one.
    let link = other.path().join(".link");
    symlink(other.path(), &link).unwrap();
    assert!(KeyDirectory::open(link).is_ok());
}

#[cfg(unix)]
#[test]
fn keys_accessible_to_others_are_rejected() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    for (name, mode, remedy) in [
        ("a.secret", 0o604, Some("chmod go=")),
        ("a.secret", 0o602, Some("chmod go=")),
        ("a.secret", 0o640, Some("chmod go=")),
        ("a.secret", 0o660, Some("chmod go=")),
        ("a.secret", 0o400, None),
        ("signing", 0o666, Some("chmod go-w")),
        ("signing", 0o664, Some("chmod go-w")),
        ("signing", 0o644, None),
        ("", 0o703, Some("chmod go-w")),
        ("", 0o770, Some("chmod go-w")),
        ("", 0o1777, Some("chmod go-w")),
        ("", 0o755, None),
    ] {
        let path = directory.path().join(name);
        let before = mode_of(&path);
        set_mode(&path, mode);
        match remedy {
            Some(remedy) => {
                let error = directory.error();
                assert!(error.contains(remedy), "{name} {mode:o}: {error}");
                assert!(error.contains(name), "{name} {mode:o}: {error}");
            }
            None => drop(directory.keys()),
        }
        set_mode(&path, before);
    }
}

#[cfg(unix)]
#[test]
fn keys_of_a_foreign_owner_are_rejected() {
    use std::os::unix::fs::chown;

    for name in ["a.secret", "signing", ""] {
        let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
        if chown(directory.path().join(name), Some(12_345), None).is_err() {
            println!("skipped: only root can change the owner of a file");
            return;
        }
        let error = directory.error();
        assert!(
            error.contains("it belongs to user 12345"),
            "{name}: {error}"
        );
    }
}

#[test]
fn failed_reload_changes_nothing() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    let opened = directory.open();
    let keys = Keys::Directory(opened.clone());
    directory.write("b.secret", B);
    directory.write("signing", "b");
    directory.write("c.secret", "short");
    assert!(opened.read().is_err());
    assert!(accepts(&keys, &token_of(A, Some("a"))));
    assert!(!accepts(&keys, &token_of(B, Some("b"))));
    assert_eq!(key_id_of(&keys.issuer().issue("7").unwrap()), "a");

    directory.remove("c.secret");
    opened.read().unwrap();
    assert!(accepts(&keys, &token_of(A, Some("a"))));
    assert!(accepts(&keys, &token_of(B, Some("b"))));
    assert_eq!(key_id_of(&keys.issuer().issue("7").unwrap()), "b");
}

#[test]
fn other_key_under_a_used_name_is_rejected() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    let opened = directory.open();
    let keys = Keys::Directory(opened.clone());
    directory.write("a.secret", B);
    let error = opened.read().err().unwrap().to_string();
    assert!(error.contains("a is another key than before"), "{error}");
    assert!(accepts(&keys, &token_of(A, Some("a"))));
    assert!(!accepts(&keys, &token_of(B, Some("a"))));

    // The name of a removed key can be used again.
    directory.write("b.secret", A);
    directory.write("signing", "b");
    directory.remove("a.secret");
    opened.read().unwrap();
    directory.write("a.secret", B);
    opened.read().unwrap();
    assert!(accepts(&keys, &token_of(B, Some("a"))));
}

#[test]
fn tokens_of_a_removed_key_are_rejected_even_if_cached() {
    let directory = Directory::of(&[("a.secret", A), ("b.secret", B), ("signing", "a")]);
    let opened = directory.open();
    let keys = Keys::Directory(opened.clone());
    let verifier = keys.verifier();
    assert!(format!("{verifier:?}").contains("TokenCache"));
    let (old, new) = (token_of(A, Some("a")), token_of(B, Some("b")));
    for token in [&old, &new, &old, &new] {
        verifier.verify_token(token).unwrap();
    }
    directory.write("signing", "b");
    directory.remove("a.secret");
    opened.read().unwrap();
    let error = verifier.verify_token(&old).unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    verifier.verify_token(&new).unwrap();
}

#[test]
fn tokens_without_a_kid_use_the_default_key() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    let opened = directory.open();
    let keys = Keys::Directory(opened.clone());
    let unnamed = token_of(B, None);
    assert!(!accepts(&keys, &unnamed));

    directory.write("default.secret", B);
    opened.read().unwrap();
    assert!(accepts(&keys, &unnamed));
    assert!(!accepts(&keys, &token_of(A, None)));
    // Also after another reload.
    opened.read().unwrap();
    assert!(accepts(&keys, &unnamed));

    directory.remove("default.secret");
    opened.read().unwrap();
    assert!(!accepts(&keys, &unnamed));
}

#[tokio::test]
async fn secrets_are_not_published() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    let routes = directory.keys().routes();
    assert_eq!(send(&routes, get(PUBLISHED)).await.status, 404);
    let secret = Keys::Secret(HmacSecret::generate()).routes();
    let app = Router::new().merge(secret);
    assert_eq!(send(&app, get(PUBLISHED)).await.status, 404);
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
#[test]
fn pem_files_are_rejected_without_their_feature() {
    for (name, pem) in [
        (
            "b.pem",
            include_str!("../../../../../tests/keys/ed25519.pem"),
        ),
        (
            "b.pub.pem",
            include_str!("../../../../../tests/keys/p256-public.pem"),
        ),
    ] {
        let directory = Directory::of(&[("a.secret", A), ("signing", "a"), (name, pem)]);
        let error = directory.error();
        assert!(error.contains(name), "{error}");
        assert!(error.contains("--features aws-lc-rs"), "{error}");
    }
}

#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod asymmetric {
    use serde_json::json;
    use tower_warder::keys::{Algorithm, SigningKey};

    use super::*;

    const P256: &str = include_str!("../../../../../tests/keys/p256.pem");
    const P256_PUBLIC: &str = include_str!("../../../../../tests/keys/p256-public.pem");
    const ED25519: &str = include_str!("../../../../../tests/keys/ed25519.pem");

    #[test]
    fn key_type_is_detected_from_the_file() {
        for (pem, algorithm) in [
            (P256, "ES256"),
            (
                include_str!("../../../../../tests/keys/p256-sec1.pem"),
                "ES256",
            ),
            (include_str!("../../../../../tests/keys/p384.pem"), "ES384"),
            (ED25519, "EdDSA"),
            (
                include_str!("../../../../../tests/keys/rsa-2048.pem"),
                "RS256",
            ),
            (
                include_str!("../../../../../tests/keys/rsa-2048-pkcs1.pem"),
                "RS256",
            ),
        ] {
            let keys = Directory::of(&[("a.pem", pem), ("signing", "a")]).keys();
            let token = keys.issuer().issue("7").unwrap();
            assert_eq!(header_of(&token)["alg"], algorithm);
            assert!(accepts(&keys, &token), "{algorithm}");
        }
    }

    #[test]
    fn unusable_pem_files_are_rejected_with_the_cause() {
        let truncated = ED25519.split_at(ED25519.len() / 2).0;
        for (name, pem, expected) in [
            ("b.pem", P256_PUBLIC, "is to be a PRIVATE KEY"),
            ("b.pub.pem", P256, "holds a private key"),
            ("b.pem", truncated, "well-formed"),
            ("b.pem", "", "-----BEGIN"),
            ("b.pem", A, "-----BEGIN"),
            (
                "b.pem",
                include_str!("../../../../../tests/keys/p256-encrypted.pem"),
                "is encrypted",
            ),
            (
                "b.pem",
                include_str!("../../../../../tests/keys/rsa-1024.pem"),
                "2048",
            ),
            (
                "b.pem",
                include_str!("../../../../../tests/keys/p521.pem"),
                "b.pem",
            ),
            ("a.pem", P256, "there is another file for a"),
            ("a.pub.pem", P256_PUBLIC, "there is another file for a"),
        ] {
            let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
            directory.write(name, pem);
            let error = directory.error();
            assert!(
                error.contains(name) || error.contains("a.secret"),
                "{error}"
            );
            assert!(error.contains(expected), "{name}: {error}");
            let mut lines = pem.lines().filter(|line| line.len() > 8);
            assert!(!lines.any(|line| error.contains(line)), "{error}");
        }
    }

    #[test]
    fn public_key_verifies_and_does_not_sign() {
        let directory = Directory::of(&[("a.secret", A), ("b.pub.pem", P256_PUBLIC)]);
        directory.write("signing", "a");
        let key = SigningKey::from_pem(Algorithm::ES256, P256).unwrap();
        let token = JwtIssuer::new(key.key_id("b")).issue("7").unwrap();
        assert!(accepts(&directory.keys(), &token));

        directory.write("signing", "b");
        let error = directory.error();
        assert!(error.contains("b.pub.pem only verifies"), "{error}");
    }

    #[test]
    fn private_half_of_a_used_key_can_be_removed() {
        let directory = Directory::of(&[("a.secret", A), ("b.pem", P256), ("signing", "b")]);
        let opened = directory.open();
        let keys = Keys::Directory(opened.clone());
        let token = keys.issuer().issue("7").unwrap();
        directory.write("signing", "a");
        directory.remove("b.pem");
        directory.write("b.pub.pem", P256_PUBLIC);
        opened.read().unwrap();
        assert!(accepts(&keys, &token));
    }

    #[tokio::test]
    async fn public_keys_are_published_and_secrets_are_not() {
        let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
        let opened = directory.open();
        let routes = Keys::Directory(opened.clone()).routes();
        directory.write("b.pem", P256);
        directory.write("c.pem", ED25519);
        assert_eq!(send(&routes, get(PUBLISHED)).await.status, 404);
        opened.read().unwrap();
        let answer = send(&routes, get(PUBLISHED)).await;
        let media_type = answer.header("content-type");
        assert_eq!(media_type, Some("application/jwk-set+json"));
        let keys = answer.json()["keys"].as_array().unwrap().clone();
        let mut names: Vec<_> = keys.iter().map(|key| key["kid"].clone()).collect();
        names.sort_by_key(ToString::to_string);
        assert_eq!(names, [json!("b"), json!("c")]);
        assert!(keys.iter().all(|key| key.get("d").is_none()));

        directory.remove("b.pem");
        directory.remove("c.pem");
        opened.read().unwrap();
        assert_eq!(send(&routes, get(PUBLISHED)).await.status, 404);
    }
}

const PUBLISHED: &str = "/.well-known/jwks.json";

/// Directory that is removed when dropped.
struct Directory(TempDir);

impl Directory {
    fn of(files: &[(&str, &str)]) -> Self {
        let directory = Self(tempdir().unwrap());
        for (name, content) in files {
            directory.write(name, content);
        }
        directory
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        set_mode(&path, 0o600);
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    fn open(&self) -> KeyDirectory {
        KeyDirectory::open(self.path()).unwrap()
    }

    fn keys(&self) -> Keys {
        Keys::Directory(self.open())
    }

    /// Returns the error, which is one line.
    fn error(&self) -> String {
        let error = KeyDirectory::open(self.path()).err().unwrap().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode_of(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(path).unwrap().permissions().mode()
}

fn accepts(keys: &Keys, token: &str) -> bool {
    keys.verifier().verify_token(token).is_ok()
}

/// Returns a token that is signed with this secret, with this `kid` or none.
fn token_of(secret: &str, key_id: Option<&str>) -> String {
    let secret = HmacSecret::new(secret).unwrap();
    let key = tower_warder::keys::SigningKey::hs256(&secret);
    let key = match key_id {
        Some(key_id) => key.key_id(key_id),
        None => key,
    };
    JwtIssuer::new(key).issue("7").unwrap()
}

fn key_id_of(token: &str) -> String {
    header_of(token)["kid"].as_str().unwrap().to_owned()
}

fn header_of(token: &str) -> serde_json::Value {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}
