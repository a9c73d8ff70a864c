//! Log messages about published keys that cannot be used.

use serde_json::{Value, json};
use tower_warder::error::ConfigError;

use super::documents::{builder, fetch, public, with};
use super::*;
use crate::support::Log;

#[tokio::test(start_paused = true)]
async fn dropped_key_is_logged_once_per_set_change() {
    let log = Log::record();
    let (good, leaked) = (
        public(key("good")),
        with(public(key("leaked")), "d", json!("AA")),
    );
    let nameless = json!({"kty": "EC", "crv": "P-521"});
    let server = Server::saying(&set(&[&good, &leaked, &nameless]));
    let _keys = RemoteJwks::from_url(URL)
        .client(server.clone())
        .await
        .unwrap();
    let lines = log.lines("WARN");
    assert_eq!(lines.len(), 2, "{}", log.text());
    let of_leaked = lines.iter().find(|line| line.contains(r#"kid="leaked""#));
    assert!(
        of_leaked.unwrap().contains("the JWK is private"),
        "{lines:?}"
    );
    let of_nameless = lines.iter().find(|line| !line.contains("kid="));
    assert!(of_nameless.unwrap().contains("P-384"), "{lines:?}");
    assert!(lines.iter().all(|line| line.contains(URL)), "{lines:?}");

    // The same set in another order or after an outage logs nothing.
    for same in [[&good, &leaked, &nameless], [&nameless, &good, &leaked]] {
        server.say(&set(&same));
        pass(INTERVAL).await;
        server.is(Mood::Breaks);
        pass(INTERVAL).await;
        server.is(Mood::Publishes);
        pass(INTERVAL).await;
    }
    let warned = || log.lines("cannot be used").len();
    assert_eq!(warned(), 2, "{}", log.text());

    // One unusable key removed; the good key replaced; the last unusable key removed.
    server.say(&set(&[&good, &leaked]));
    pass(INTERVAL).await;
    assert_eq!(warned(), 3, "{}", log.text());
    server.say(&set(&[&public(key("other")), &leaked]));
    pass(INTERVAL).await;
    assert_eq!(warned(), 4, "{}", log.text());
    server.say(&set(&[&good]));
    pass(INTERVAL).await;
    assert_eq!(warned(), 4, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn dropped_key_is_logged_with_its_reason() {
    let good = public(key("good"));
    let rsa = public(
        SigningKey::from_pem(Algorithm::RS256, RSA)
            .unwrap()
            .key_id("k"),
    );
    let n = |change: &dyn Fn(&str) -> String| {
        let n = change(rsa["n"].as_str().unwrap());
        with(rsa.clone(), "n", json!(n))
    };
    for (bad, reason) in [
        (n(&|n| format!("{n}==")), "padded"),
        (n(&|n| n[..n.len() / 2].to_owned()), "2048"),
        (
            n(&|n| n.replacen(&n[..1], "+", 1)),
            "base64url: `-` for `+`",
        ),
        (n(&|_| String::new()), "missing or empty"),
        (with(rsa.clone(), "n", json!(7)), "types in RFC 7517"),
        (
            with(rsa.clone(), "alg", json!("ES256")),
            "not a key for ES256",
        ),
        (
            with(rsa.clone(), "alg", json!("RS1")),
            "not a signature algorithm",
        ),
        (with(rsa.clone(), "use", json!("tls")), "`use`"),
        (with(rsa.clone(), "key_ops", json!(["encrypt"])), "`verify`"),
        (with(public(key("good")), "x", rsa["n"].clone()), "32 bytes"),
        (
            json!({"kty": "oct", "kid": "k", "alg": "HS256", "k": "AA"}),
            "private",
        ),
        (
            json!({"kty": "OKP", "crv": "Ed448", "kid": "k", "x": "AA"}),
            "Ed25519",
        ),
        (
            json!({"kty": "AKP", "kid": "k", "alg": "ML-DSA-44"}),
            "Ed25519",
        ),
        (json!("a key"), "JSON object"),
    ] {
        let log = Log::record();
        fetch(&json!({ "keys": [good, bad] })).await.unwrap();
        let lines = log.lines("WARN");
        assert_eq!(lines.len(), 1, "{bad}: {}", log.text());
        assert!(lines[0].contains(reason), "{bad}: {}", lines[0]);
        let kid = bad["kid"].as_str().map(|kid| format!("kid={kid:?}"));
        assert!(lines[0].contains(&kid.unwrap_or_default()), "{}", lines[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn conflicting_and_unaccepted_keys_are_logged() {
    let log = Log::record();
    let second = SigningKey::generate(Algorithm::EdDSA).unwrap().key_id("a");
    fetch(&json!({ "keys": [public(key("a")), public(second)] }))
        .await
        .unwrap();
    assert_eq!(log.lines("WARN").len(), 1, "{}", log.text());
    assert_eq!(
        log.lines("same id and algorithm").len(),
        1,
        "{}",
        log.text()
    );

    let log = Log::record();
    let es = SigningKey::from_pem(Algorithm::ES256, P256)
        .unwrap()
        .key_id("b");
    let document = set(&[&public(key("a")), &public(es)]);
    builder(&document)
        .algorithm(Algorithm::EdDSA)
        .await
        .unwrap();
    assert_eq!(log.lines("WARN").len(), 1, "{}", log.text());
    assert_eq!(
        log.lines("those that are accepted").len(),
        1,
        "{}",
        log.text()
    );
}

#[tokio::test(start_paused = true)]
async fn encryption_and_repeated_keys_log_no_warning() {
    let log = Log::record();
    let rsa = public(
        SigningKey::from_pem(Algorithm::RS256, RSA)
            .unwrap()
            .key_id("e"),
    );
    let without_use = |alg: &str| {
        let mut key = with(rsa.clone(), "alg", json!(alg));
        key.as_object_mut().unwrap().remove("use");
        key
    };
    let encryption = [
        with(
            with(rsa.clone(), "use", json!("enc")),
            "alg",
            json!("RSA-OAEP"),
        ),
        with(rsa.clone(), "use", json!("enc")),
        with(without_use("RSA-OAEP-256"), "key_ops", json!(["wrapKey"])),
        without_use("RSA1_5"),
        json!({"kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": "AA", "y": "AA"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "AA"}),
    ];
    for key in &encryption {
        let good = public(self::key("a"));
        fetch(&json!({ "keys": [key, good, good] })).await.unwrap();
        let alone = fetch(&json!({ "keys": [key] })).await;
        assert!(matches!(alone, Err(ConfigError::KeySet { .. })), "{key}");
        // A leaked private key is logged.
        fetch(&json!({ "keys": [with(key.clone(), "d", json!("AA")), good] }))
            .await
            .unwrap();
    }
    assert_eq!(log.lines("WARN").len(), encryption.len(), "{}", log.text());
    assert_eq!(log.lines("JWK is private").len(), encryption.len());
}

#[tokio::test(start_paused = true)]
async fn unusable_key_set_error_says_why() {
    let bad = with(public(key("bad")), "d", json!("AA"));
    let error = fetch(&json!({ "keys": [bad] }))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains(r#"of "bad": the JWK is private"#), "{error}");
    let error = fetch(&json!({ "keys": ["key"] }))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("of one without an id"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn logged_key_id_is_escaped_and_truncated() {
    let log = Log::record();
    let evil = format!("a\r\n2026 ERROR \u{1b}[31m\u{202e}{}", "x".repeat(100_000));
    let bad = with(public(key("bad")), "kid", json!(evil));
    let bad = with(bad, "d", json!("AA"));
    fetch(&json!({ "keys": [bad, public(key("good"))] }))
        .await
        .unwrap();
    let lines = log.lines("WARN");
    assert_eq!(lines.len(), 1, "{}", log.text());
    assert!(log.lines("ERROR").iter().eq(&lines), "{}", log.text());
    assert!(
        lines[0].contains(r"a\r\n2026 ERROR \u{1b}[31m\u{202e}xxx"),
        "{}",
        lines[0]
    );
    assert!(lines[0].len() < 500, "{}", lines[0]);
}

fn set(keys: &[&Value]) -> String {
    json!({ "keys": keys }).to_string()
}

const INTERVAL: Duration = Duration::from_secs(300);
