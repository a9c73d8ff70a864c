//! The directory of keys, as an operator fills it.

use std::fs;
use std::path::PathBuf;

use axum::Router;
use tempfile::{TempDir, tempdir};
use tower_warder::error::AuthErrorKind;
use tower_warder::{HmacSecret, JwtIssuer};

use super::example::keys::{KeyDirectory, Keys};
use crate::support::{get, send};

const A: &str = "yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L";
const B: &str = "q7Lk2vXw9ZtB4nYs6HdPfM1cRj8gUeA3";

#[test]
fn what_signing_names_signs_and_all_verify() {
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
fn the_bytes_of_a_secret_are_used_exactly() {
    let with_line_feed = format!("{A}\n");
    let directory = Directory::of(&[("a.secret", &*with_line_feed), ("signing", "a")]);
    let keys = directory.keys();
    assert!(accepts(&keys, &token_of(&with_line_feed, Some("a"))));
    assert!(!accepts(&keys, &token_of(A, Some("a"))));
}

#[test]
fn a_directory_with_anything_wrong_in_it_is_refused_and_says_what() {
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
        // Somebody linked the key itself.
        ("signing", A, "signing: it names no key"),
    ] {
        let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
        directory.write(name, content);
        let said = directory.refusal();
        assert!(said.contains(expected), "{name:?}: {said}");
        assert!(!said.contains(A) && !said.contains(B), "{said}");
    }
}

#[test]
fn a_directory_that_is_none_or_has_no_key_is_refused() {
    let directory = Directory::of(&[]);
    let said = directory.refusal();
    assert!(said.contains("signing: it is missing"), "{said}");
    directory.write("a.secret", A);
    let said = directory.refusal();
    assert!(said.contains("signing: it is missing"), "{said}");
    directory.write("signing", "a");
    directory.keys();
    directory.remove("a.secret");
    let said = directory.refusal();
    assert!(said.contains("signing: it names no key"), "{said}");

    let nowhere = directory.path().join("nowhere");
    assert!(KeyDirectory::open(nowhere).is_err());
    let file = KeyDirectory::open(directory.path().join("signing"));
    let said = file.err().unwrap().to_string();
    assert!(said.contains("signing: it is no directory"), "{said}");
}

#[test]
fn what_is_no_file_or_too_large_is_refused_unread() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    fs::create_dir(directory.path().join("b.secret")).unwrap();
    let said = directory.refusal();
    assert!(said.contains("b.secret: it is no file"), "{said}");
    fs::remove_dir(directory.path().join("b.secret")).unwrap();

    directory.write("b.secret", vec![b'x'; 64 * 1024 + 1]);
    let said = directory.refusal();
    assert!(said.contains("b.secret: it is too large"), "{said}");
}

#[test]
fn hidden_files_are_passed_over() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    directory.write(".b.secret.swp", "no key");
    fs::create_dir(directory.path().join("..data")).unwrap();
    directory.keys();
}

#[cfg(unix)]
#[test]
fn symbolic_links_to_keys_are_rejected() {
    use std::os::unix::fs::symlink;

    let elsewhere = Directory::of(&[("a.secret", A), ("signing", "a")]);
    for name in ["a.secret", "signing"] {
        let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
        directory.remove(name);
        symlink(elsewhere.path().join(name), directory.path().join(name)).unwrap();
        let said = directory.refusal();
        assert!(
            said.contains(&format!("{name}: it is a symbolic link")),
            "{said}"
        );
    }
    // The directory itself may be named through one.
    let link = elsewhere.path().join(".link");
    symlink(elsewhere.path(), &link).unwrap();
    assert!(KeyDirectory::open(link).is_ok());
}

#[cfg(unix)]
#[test]
fn keys_that_others_can_know_or_replace_are_rejected() {
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
                let said = directory.refusal();
                assert!(said.contains(remedy), "{name} {mode:o}: {said}");
                assert!(said.contains(name), "{name} {mode:o}: {said}");
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
            println!("skipped: only root can give files away");
            return;
        }
        let said = directory.refusal();
        assert!(said.contains("it belongs to user 12345"), "{name}: {said}");
    }
}

#[test]
fn a_directory_that_went_bad_changes_nothing() {
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
fn another_key_under_the_name_of_one_in_use_is_refused() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    let opened = directory.open();
    let keys = Keys::Directory(opened.clone());
    directory.write("a.secret", B);
    let said = opened.read().err().unwrap().to_string();
    assert!(said.contains("a is another key than before"), "{said}");
    assert!(accepts(&keys, &token_of(A, Some("a"))));
    assert!(!accepts(&keys, &token_of(B, Some("a"))));

    // One that is no longer in use does not have its name for ever.
    directory.write("b.secret", A);
    directory.write("signing", "b");
    directory.remove("a.secret");
    opened.read().unwrap();
    directory.write("a.secret", B);
    opened.read().unwrap();
    assert!(accepts(&keys, &token_of(B, Some("a"))));
}

#[test]
fn tokens_of_a_key_that_is_gone_are_refused_also_those_in_memory() {
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
fn tokens_that_name_no_key_are_those_of_the_default_as_long_as_it_is_there() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    let opened = directory.open();
    let keys = Keys::Directory(opened.clone());
    let unnamed = token_of(B, None);
    assert!(!accepts(&keys, &unnamed));

    directory.write("default.secret", B);
    opened.read().unwrap();
    assert!(accepts(&keys, &unnamed));
    assert!(!accepts(&keys, &token_of(A, None)));
    // Also after the next reading.
    opened.read().unwrap();
    assert!(accepts(&keys, &unnamed));

    directory.remove("default.secret");
    opened.read().unwrap();
    assert!(!accepts(&keys, &unnamed));
}

#[tokio::test]
async fn secrets_alone_are_not_published() {
    let directory = Directory::of(&[("a.secret", A), ("signing", "a")]);
    let routes = directory.keys().routes();
    assert_eq!(send(&routes, get(PUBLISHED)).await.status, 404);
    let secret = Keys::Secret(HmacSecret::generate()).routes();
    let app = Router::new().merge(secret);
    assert_eq!(send(&app, get(PUBLISHED)).await.status, 404);
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
#[test]
fn without_their_feature_pem_files_are_refused_with_its_name() {
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
        let said = directory.refusal();
        assert!(said.contains(name), "{said}");
        assert!(said.contains("--features aws-lc-rs"), "{said}");
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
    fn the_kind_of_a_key_is_seen_from_its_file() {
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
    fn pem_files_that_cannot_be_used_are_refused_and_say_why() {
        let torn = ED25519.split_at(ED25519.len() / 2).0;
        for (name, pem, expected) in [
            ("b.pem", P256_PUBLIC, "is to be a PRIVATE KEY"),
            ("b.pub.pem", P256, "holds a private key"),
            ("b.pem", torn, "well-formed"),
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
            let said = directory.refusal();
            assert!(said.contains(name) || said.contains("a.secret"), "{said}");
            assert!(said.contains(expected), "{name}: {said}");
            let mut lines = pem.lines().filter(|line| line.len() > 8);
            assert!(!lines.any(|line| said.contains(line)), "{said}");
        }
    }

    #[test]
    fn a_public_key_verifies_and_never_signs() {
        let directory = Directory::of(&[("a.secret", A), ("b.pub.pem", P256_PUBLIC)]);
        directory.write("signing", "a");
        let key = SigningKey::from_pem(Algorithm::ES256, P256).unwrap();
        let token = JwtIssuer::new(key.key_id("b")).issue("7").unwrap();
        assert!(accepts(&directory.keys(), &token));

        directory.write("signing", "b");
        let said = directory.refusal();
        assert!(said.contains("b.pub.pem only verifies"), "{said}");
    }

    #[test]
    fn the_private_half_can_be_taken_away_from_a_key_in_use() {
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

/// A directory that is gone when it is dropped.
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

    /// What it says in one line when it cannot be used.
    fn refusal(&self) -> String {
        let said = KeyDirectory::open(self.path()).err().unwrap().to_string();
        assert_eq!(said.lines().count(), 1, "{said}");
        said
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

/// Of this secret, under this name or none.
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
