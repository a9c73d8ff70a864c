//! Parsing of key sets.

use serde_json::{Value, json};
use tower_warder::error::ConfigError;
use tower_warder::jwks::{JwksBuilder, RemoteJwks};

use super::*;

#[tokio::test(start_paused = true)]
async fn one_invalid_key_does_not_invalidate_the_set() {
    let good = public(key("good"));
    for bad in [
        json!(null),
        json!("key"),
        json!([]),
        json!({}),
        json!({"kty": "RSA", "kid": "bad"}),
        json!({"kty": "EC", "crv": "P-521", "kid": "bad", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "bad", "x": "AA", "y": "AA"}),
        json!({"kty": "RSA", "kid": "bad", "alg": "RS256", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": 7, "alg": "RS256", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "LMS", "kid": "bad"}),
        with(public(key("bad")), "use", json!("enc")),
        with(public(key("bad")), "key_ops", json!(["sign"])),
        with(public(key("bad")), "alg", json!("RS256")),
        with(public(key("bad")), "alg", json!("none")),
    ] {
        for set in [json!([bad, good]), json!([good, bad])] {
            let keys = fetch(&json!({ "keys": set })).await.unwrap();
            let verifier = verifier(&keys);
            assert_eq!(
                outcome_of(&verifier, &named("good")).await,
                Outcome::Accepted
            );
            assert_eq!(
                outcome_of(&verifier, &named("bad")).await,
                Outcome::Rejected
            );
        }
        let alone = fetch(&json!({ "keys": [bad] })).await;
        assert!(matches!(alone, Err(ConfigError::KeySet { .. })), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_and_private_keys_are_ignored() {
    let secret = "q7Lk2vXw9ZtB4nYs6HdPfM1cRj8gUeA3-with-48-and-64-bytes-of-it-too!";
    let oct = json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": secret.replace('!', "A")});
    let private = with(public(key("bad")), "d", json!("AA"));
    let keys = fetch(&json!({ "keys": [oct, private, public(key("good"))] })).await;
    let verifier = verifier(&keys.unwrap());
    let forged = SigningKey::from_jwk(oct.to_string()).unwrap();
    assert_eq!(
        outcome_of(&verifier, &token(forged)).await,
        Outcome::Rejected
    );
    assert_eq!(
        outcome_of(&verifier, &named("bad")).await,
        Outcome::Rejected
    );
    assert_eq!(
        outcome_of(&verifier, &named("good")).await,
        Outcome::Accepted
    );
}

#[tokio::test(start_paused = true)]
async fn malformed_key_set_is_rejected() {
    let good = public(key("good"));
    for document in [
        String::new(),
        "<html>".to_owned(),
        "null".to_owned(),
        json!([good]).to_string(),
        json!([[good]]).to_string(),
        good.to_string(),
        json!({ "keys": good }).to_string(),
        json!({ "keys": {"good": good} }).to_string(),
        json!({ "keys": [] }).to_string(),
        format!(r#"{{"keys":[{good}],"keys":[{good}]}}"#),
        format!(r#"{{"keys":[{good}]"#),
        format!(r#"{{"keys":[{good}]}}x"#),
    ] {
        let rejected = builder(&document).await;
        assert!(
            matches!(rejected, Err(ConfigError::KeySet { .. })),
            "{document}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn oversized_key_set_is_rejected() {
    let some: Vec<Value> = (0..101).map(|n| public(key(&n.to_string()))).collect();
    let error = fetch(&json!({ "keys": some })).await.unwrap_err();
    assert!(error.to_string().contains("too many keys"), "{error}");
    let keys = fetch(&json!({ "keys": some[..100] })).await.unwrap();
    assert_eq!(
        outcome_of(&verifier(&keys), &named("99")).await,
        Outcome::Accepted
    );

    let set = json!({ "keys": [public(key("a"))] }).to_string();
    let exactly = builder(&set).max_document_bytes(set.len()).await;
    assert!(exactly.is_ok());
    let error = builder(&set)
        .max_document_bytes(set.len() - 1)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn first_of_duplicate_keys_is_used() {
    let first = key("a");
    let second = SigningKey::generate(Algorithm::EdDSA).unwrap().key_id("a");
    let set = json!({ "keys": [public(first.clone()), public(second.clone())] });
    let verifier = verifier(&fetch(&set).await.unwrap());
    assert_eq!(
        outcome_of(&verifier, &token(first)).await,
        Outcome::Accepted
    );
    assert_eq!(
        outcome_of(&verifier, &token(second)).await,
        Outcome::Rejected
    );
}

#[tokio::test(start_paused = true)]
async fn null_members_are_absent() {
    let mut silent = public(rsa(Algorithm::RS256));
    for member in [
        "alg", "use", "key_ops", "x5c", "x5t", "crv", "x", "y", "d", "p", "q", "dp", "dq", "qi",
        "k", "oth",
    ] {
        silent[member] = Value::Null;
    }
    let good = token(rsa(Algorithm::RS256));
    let keys = fetch(&json!({ "keys": [silent] })).await.unwrap();
    assert_eq!(outcome_of(&verifier(&keys), &good).await, Outcome::Accepted);
    for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
        for value in [json!("AQAB"), json!(""), json!([]), json!(false)] {
            let leaked = with(silent.clone(), private, value);
            assert!(
                fetch(&json!({ "keys": [leaked] })).await.is_err(),
                "{leaked}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn token_without_key_id_uses_the_only_key_of_its_algorithm() {
    let unnamed = SigningKey::from_pem(Algorithm::EdDSA, ED25519).unwrap();
    let anonymous = public(unnamed.clone());
    let encryption = with(public(p256("enc")), "use", json!("enc"));
    for (set, by_none, by_a) in [
        (
            json!([public(key("a"))]),
            Outcome::Accepted,
            Outcome::Accepted,
        ),
        (
            json!([public(key("a")), encryption]),
            Outcome::Accepted,
            Outcome::Accepted,
        ),
        (json!([anonymous]), Outcome::Accepted, Outcome::Accepted),
        (
            json!([public(key("a")), public(p256("b"))]),
            Outcome::Accepted,
            Outcome::Accepted,
        ),
        (
            json!([public(p256("b")), anonymous]),
            Outcome::Accepted,
            Outcome::Accepted,
        ),
        (
            json!([public(key("a")), public(key("b"))]),
            Outcome::Rejected,
            Outcome::Accepted,
        ),
        (
            json!([public(p256("a")), anonymous]),
            Outcome::Accepted,
            Outcome::Rejected,
        ),
        (
            json!([public(p256("a")), public(p256("b"))]),
            Outcome::Rejected,
            Outcome::Rejected,
        ),
    ] {
        let verifier = verifier(&fetch(&json!({ "keys": set })).await.unwrap());
        let none = token(unnamed.clone());
        assert_eq!(outcome_of(&verifier, &none).await, by_none, "{set}");
        assert_eq!(outcome_of(&verifier, &named("a")).await, by_a, "{set}");
    }
}

#[tokio::test(start_paused = true)]
async fn rsa_key_without_alg_has_a_default_algorithm() {
    let mut silent = public(rsa(Algorithm::RS256));
    silent.as_object_mut().unwrap().remove("alg");
    let set = json!({ "keys": [silent] }).to_string();
    for (configured, algorithm) in [
        (&[][..], Algorithm::RS256),
        (&[Algorithm::RS256], Algorithm::RS256),
        (&[Algorithm::ES256, Algorithm::PS256], Algorithm::PS256),
        (&[Algorithm::RS512, Algorithm::RS256], Algorithm::RS512),
    ] {
        let fetch = configured
            .iter()
            .fold(builder(&set), |builder, one| builder.algorithm(*one));
        let verifier = verifier(&fetch.await.unwrap());
        for tried in [Algorithm::RS256, Algorithm::RS512, Algorithm::PS256] {
            let outcome = outcome_of(&verifier, &token(rsa(tried))).await;
            assert_eq!(
                outcome == Outcome::Accepted,
                tried == algorithm,
                "{configured:?} {tried}"
            );
        }
    }
    let rejected = builder(&set).algorithm(Algorithm::ES256).await;
    assert!(rejected.is_err());
}

#[tokio::test(start_paused = true)]
async fn keys_of_unconfigured_algorithms_are_ignored() {
    let set = json!({ "keys": [public(key("ed")), public(p256("ec"))] }).to_string();
    let keys = builder(&set).algorithm(Algorithm::ES256).await.unwrap();
    let verifier = verifier(&keys);
    assert_eq!(outcome_of(&verifier, &named("ed")).await, Outcome::Rejected);
    assert_eq!(
        outcome_of(&verifier, &token(p256("ec"))).await,
        Outcome::Accepted
    );
}

#[tokio::test(start_paused = true)]
async fn mutated_key_set_is_read_or_rejected() {
    let set = json!({ "keys": [public(key("a")), public(p256("b"))] }).to_string();
    let token = named("a");
    for place in 0..set.len() {
        for byte in *b"\"{[0A\\\xff" {
            let mut changed = set.clone().into_bytes();
            changed[place] = byte;
            let changed = String::from_utf8_lossy(&changed);
            let Ok(keys) = builder(&changed).await else {
                continue;
            };
            let outcome = outcome_of(&verifier(&keys), &token).await;
            assert_ne!(outcome, Outcome::Unavailable, "{changed}");
        }
    }
}

pub fn public(key: SigningKey) -> Value {
    serde_json::from_str(&key.verifying_key().to_jwk().unwrap()).unwrap()
}

pub fn p256(key_id: &str) -> SigningKey {
    let key = SigningKey::from_pem(Algorithm::ES256, P256).unwrap();
    key.key_id(key_id)
}

pub fn rsa(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pem(algorithm, RSA).unwrap().key_id("rsa")
}

pub fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

pub fn builder(document: &str) -> JwksBuilder {
    RemoteJwks::from_url(URL).client(Server::saying(document))
}

pub async fn fetch(document: &Value) -> Result<RemoteJwks, ConfigError> {
    builder(&document.to_string()).await
}
