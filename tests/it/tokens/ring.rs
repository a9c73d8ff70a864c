//! Key rings: selection by exact key id, rotation and removal of keys.

use tower_warder::error::ConfigError;
use tower_warder::jwt::IssueError;
use tower_warder::keys::{KeyRing, SigningKey, VerifyingKey};
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};

use super::forge::*;

#[test]
fn ring_selects_the_key_by_exact_id() {
    let ring = ring_of(["a", "", "../../etc/passwd"]);
    for (kid, expected) in [
        (r#""a""#, ACCEPTED),
        (r#""\u0061""#, ACCEPTED),
        (r#""""#, ACCEPTED),
        (r#""../../etc/passwd""#, ACCEPTED),
        (r#""b""#, KEY_ID),
        (r#""A""#, KEY_ID),
        (r#""a ""#, KEY_ID),
        (r#"" a""#, KEY_ID),
        (r#""aa""#, KEY_ID),
        (r#""a\u0000""#, KEY_ID),
        (r#""..\/..\/etc\/shadow""#, KEY_ID),
        (r#""/dev/null""#, KEY_ID),
        (r#""file:///proc/self/environ""#, KEY_ID),
        (r#""https://evil.example/jwks.json""#, KEY_ID),
        (r#""x' UNION SELECT 'secret""#, KEY_ID),
        (r#""a\r\nX: y""#, KEY_ID),
        (r#""*""#, KEY_ID),
        ("null", JSON_HEADER),
        ("0", JSON_HEADER),
        ("true", JSON_HEADER),
        (r#"["a"]"#, JSON_HEADER),
        (r#"{"a":null}"#, JSON_HEADER),
    ] {
        check_with(&verifier_of(&ring), &named(kid), expected, kid);
    }
}

#[test]
fn token_without_key_id_needs_a_default_key() {
    let ring = ring_of(["a", "b"]);
    let verifier = verifier_of(&ring);
    check_with(&verifier, &with_payload(PAYLOAD), NO_KEY_ID, "no default");

    ring.set_default_kid("b").unwrap();
    check_with(&verifier, &with_payload(PAYLOAD), ACCEPTED, "a default");
    check_with(
        &verifier,
        &named(r#""c""#),
        KEY_ID,
        "the default is not for unknown ids",
    );
    check_with(&verifier, &named("null"), JSON_HEADER, "nor for null");

    ring.remove("b");
    check_with(
        &verifier,
        &with_payload(PAYLOAD),
        NO_KEY_ID,
        "the default is removed",
    );
    ring.add(VerifyingKey::hs256(&secret()).key_id("b"))
        .unwrap();
    check_with(
        &verifier,
        &with_payload(PAYLOAD),
        NO_KEY_ID,
        "another of its name is no default",
    );

    assert!(matches!(ring.set_default_kid("c"), Err(ConfigError::UnknownKeyId(id)) if id == "c"));
}

#[test]
fn empty_ring_rejects_every_token() {
    let verifier = verifier_of(&KeyRing::new());
    check_with(&verifier, &with_payload(PAYLOAD), NO_KEY_ID, "no id");
    check_with(&verifier, &named(r#""""#), KEY_ID, "empty id");
}

#[test]
fn key_id_does_not_accept_signatures_of_another_key() {
    let ring = ring_of(["a"]);
    ring.add(VerifyingKey::hs256(&HmacSecret::generate()).key_id("other"))
        .unwrap();
    ring.add(VerifyingKey::hs512(&secret()).unwrap().key_id("long"))
        .unwrap();
    let verifier = verifier_of(&ring);
    check_with(&verifier, &named(r#""a""#), ACCEPTED, "its own");
    check_with(&verifier, &named(r#""other""#), SIGNATURE, "another secret");
    check_with(
        &verifier,
        &named(r#""long""#),
        ALGORITHM,
        "another algorithm",
    );
}

#[test]
fn removed_key_is_gone_immediately_for_every_verifier() {
    let ring = ring_of(["a", "b"]);
    let (verifier, handle) = (verifier_of(&ring), ring.clone());
    let clone = verifier.clone();
    check_with(&clone, &named(r#""a""#), ACCEPTED, "before");

    assert!(
        std::thread::spawn(move || handle.remove("a"))
            .join()
            .unwrap()
    );
    check_with(&verifier, &named(r#""a""#), KEY_ID, "after");
    check_with(&clone, &named(r#""a""#), KEY_ID, "a clone, after");
    check_with(&verifier, &named(r#""b""#), ACCEPTED, "the other");
    assert!(!ring.remove("a"), "removed already");
    assert!(!ring.remove("A"), "never there");
}

#[test]
fn new_signing_key_keeps_the_old_one_verifying() {
    let ring = KeyRing::new();
    let (issuer, verifier) = (JwtIssuer::ring(&ring), JwtVerifier::ring(&ring));
    assert_eq!(issuer.issue("7"), Err(IssueError::NoSigningKey));
    assert_eq!(ring.signing_key_id(), None);

    ring.set_signing_key(SigningKey::hs256(&HmacSecret::generate()).key_id("old"))
        .unwrap();
    let old = issuer.issue("7").unwrap();
    ring.set_signing_key(SigningKey::hs256(&HmacSecret::generate()).key_id("new"))
        .unwrap();
    assert_eq!(ring.signing_key_id().as_deref(), Some("new"));
    let new = issuer.issue("7").unwrap();
    check_with(&verifier, &old, ACCEPTED, "old");
    check_with(&verifier, &new, ACCEPTED, "new");

    ring.remove("old");
    check_with(&verifier, &old, KEY_ID, "old");
    assert!(issuer.issue("7").is_ok(), "the new one signs");
    ring.remove("new");
    check_with(&verifier, &new, KEY_ID, "new");
    assert_eq!(issuer.issue("7"), Err(IssueError::NoSigningKey));
}

#[test]
fn ring_can_sign_with_an_existing_verifying_key() {
    let key = SigningKey::hs256(&HmacSecret::generate()).key_id("new");
    let (here, there) = (ring_of(["old"]), ring_of(["old"]));
    there.add(key.verifying_key()).unwrap();
    here.add(key.verifying_key()).unwrap();
    here.set_signing_key(key.clone()).unwrap();
    here.set_signing_key(key).unwrap();

    let token = JwtIssuer::ring(&here).clock(at(NOW as f64)).issue("7");
    let token = token.unwrap();
    check_with(&verifier_of(&here), &token, ACCEPTED, "here");
    check_with(&verifier_of(&there), &token, ACCEPTED, "there");
    assert!(here.remove("new"));
    check_with(
        &verifier_of(&here),
        &token,
        KEY_ID,
        "removed once, gone for good",
    );
}

#[test]
fn ring_key_needs_a_unique_id() {
    let ring = ring_of(["a"]);
    let key = || SigningKey::hs256(&HmacSecret::generate());
    assert!(matches!(
        ring.add(key().verifying_key()),
        Err(ConfigError::MissingKeyId)
    ));
    assert!(matches!(
        ring.set_signing_key(key()),
        Err(ConfigError::MissingKeyId)
    ));
    assert!(matches!(
        ring.add(key().verifying_key().key_id("a")),
        Err(ConfigError::DuplicateKeyId(id)) if id == "a"
    ));
    assert!(matches!(
        ring.set_signing_key(key().key_id("a")),
        Err(ConfigError::DuplicateKeyId(_))
    ));
    let other = SigningKey::hs512(&secret()).unwrap().key_id("a");
    assert!(matches!(
        ring.set_signing_key(other),
        Err(ConfigError::DuplicateKeyId(_))
    ));
    // A rejected change has no effect.
    assert_eq!(
        JwtIssuer::ring(&ring).issue("7"),
        Err(IssueError::NoSigningKey)
    );
    check_with(
        &verifier_of(&ring),
        &named(r#""a""#),
        ACCEPTED,
        "the first of its name",
    );
}

#[test]
fn replace_all_takes_effect_immediately() {
    let [old, new] = ["old", "new"].map(|id| SigningKey::hs256(&HmacSecret::generate()).key_id(id));
    let ring = KeyRing::new();
    let (issuer, verifier) = (JwtIssuer::ring(&ring), JwtVerifier::ring(&ring).cache(8));
    ring.replace_all(old.clone(), []).unwrap();
    let of_old = issuer.issue("7").unwrap();
    check_with(&verifier, &of_old, ACCEPTED, "old");

    ring.replace_all(new.clone(), [old.verifying_key(), new.verifying_key()])
        .unwrap();
    let of_new = issuer.issue("7").unwrap();
    check_with(&verifier, &of_old, ACCEPTED, "old, beside new");
    check_with(&verifier, &of_new, ACCEPTED, "new");

    ring.replace_all(new, []).unwrap();
    check_with(&verifier, &of_old, KEY_ID, "old, gone");
    check_with(&verifier, &of_new, ACCEPTED, "new, alone");
    ring.replace_all(None, [old.verifying_key()]).unwrap();
    check_with(&verifier, &of_old, ACCEPTED, "old, only to verify");
    check_with(&verifier, &of_new, KEY_ID, "new, gone");
    assert_eq!(issuer.issue("7"), Err(IssueError::NoSigningKey));
}

#[test]
fn concurrent_key_changes_reject_no_valid_token() {
    let [stays, comes] = ["stays", "comes"].map(|id| {
        let key = SigningKey::hs256(&HmacSecret::generate());
        key.key_id(id)
    });
    let ring = KeyRing::new();
    ring.set_signing_key(stays.clone()).unwrap();
    let (issuer, verifier) = (JwtIssuer::ring(&ring), JwtVerifier::ring(&ring).cache(8));
    let token = issuer.issue("7").unwrap();
    std::thread::scope(|scope| {
        let users = [(); 2].map(|()| {
            scope.spawn(|| {
                for _ in 0..1000 {
                    assert!(verifier.verify_token(&token).is_ok());
                }
            })
        });
        while !users.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            ring.replace_all(comes.clone(), [stays.verifying_key()])
                .unwrap();
            ring.replace_all(stays.clone(), []).unwrap();
        }
    });
}

#[test]
fn failed_change_leaves_the_ring_unchanged() {
    let ring = ring_of(["a"]);
    let key = || SigningKey::hs256(&HmacSecret::generate());
    for rejected in [
        ring.replace_all(key(), []),
        ring.replace_all(None, [key().verifying_key()]),
        ring.replace_all(key().key_id("b"), [key().key_id("b").verifying_key()]),
        ring.replace_all(
            None,
            [key(), key()].map(|key| key.key_id("b").verifying_key()),
        ),
    ] {
        assert!(matches!(
            rejected,
            Err(ConfigError::MissingKeyId | ConfigError::DuplicateKeyId(_))
        ));
        check_with(&verifier_of(&ring), &named(r#""a""#), ACCEPTED, "as it was");
    }
}

#[test]
fn default_key_stays_default_while_present() {
    let ring = ring_of(["a", "b"]);
    ring.set_default_kid("b").unwrap();
    let [a, b] = ["a", "b"].map(|id| VerifyingKey::hs256(&secret()).key_id(id));
    ring.replace_all(None, [b.clone(), a.clone()]).unwrap();
    check_with(
        &verifier_of(&ring),
        &with_payload(PAYLOAD),
        ACCEPTED,
        "there",
    );
    ring.replace_all(None, [a.clone()]).unwrap();
    check_with(
        &verifier_of(&ring),
        &with_payload(PAYLOAD),
        NO_KEY_ID,
        "gone",
    );
    ring.replace_all(None, [a, b]).unwrap();
    check_with(
        &verifier_of(&ring),
        &with_payload(PAYLOAD),
        NO_KEY_ID,
        "no default",
    );
}

fn ring_of<const N: usize>(ids: [&str; N]) -> KeyRing {
    let ring = KeyRing::new();
    for id in ids {
        ring.add(VerifyingKey::hs256(&secret()).key_id(id)).unwrap();
    }
    ring
}

fn verifier_of(ring: &KeyRing) -> JwtVerifier {
    JwtVerifier::ring(ring).clock(at(NOW as f64))
}

fn named(kid: &str) -> String {
    with_header(format!(r#"{{"alg":"HS256","kid":{kid}}}"#))
}
