//! The endpoint that publishes the public keys of a ring.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use serde_json::Value;
use tower_warder::HmacSecret;
use tower_warder::jwks::JwksEndpoint;
use tower_warder::keys::{Algorithm, KeyRing, SigningKey, VerifyingKey};

use crate::support::{Answer, get, send};

const KEYS: [(Algorithm, &str); 4] = [
    (Algorithm::ES256, include_str!("../keys/p256.pem")),
    (Algorithm::ES384, include_str!("../keys/p384.pem")),
    (Algorithm::RS256, include_str!("../keys/rsa-2048.pem")),
    (Algorithm::EdDSA, include_str!("../keys/ed25519.pem")),
];

const PATH: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn ring_is_published_as_a_key_set() {
    let answer = send(&app(&ring()), get(PATH)).await;
    assert_eq!(answer.status, 200);
    let media_type = answer.header("content-type");
    assert_eq!(media_type, Some("application/jwk-set+json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(&*length));
    assert_eq!(answer.body, ring().to_jwks());

    let keys = answer.json()["keys"].as_array().unwrap().clone();
    let said: Vec<_> = keys
        .iter()
        .map(|key| ["kid", "alg", "kty", "use"].map(|name| key[name].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ["ES256", "ES256", "EC", "sig"],
            ["ES384", "ES384", "EC", "sig"],
            ["RS256", "RS256", "RSA", "sig"],
            ["EdDSA", "EdDSA", "OKP", "sig"],
        ]
    );
}

#[test]
fn neither_secrets_nor_private_keys_are_published() {
    let ring = ring();
    let secret = "q7Lk2vXw9ZtB4nYs6HdPfM1cRj8gUeA3-with-48";
    let hmac = SigningKey::hs256(&HmacSecret::new(secret).unwrap()).key_id("hmac");
    assert_eq!(hmac.verifying_key().to_jwk(), None);
    ring.set_signing_key(hmac).unwrap();
    let set: Value = serde_json::from_str(&ring.to_jwks()).unwrap();
    for key in set["keys"].as_array().unwrap() {
        for name in key.as_object().unwrap().keys() {
            let public = ["kid", "alg", "use", "kty", "crv", "x", "y", "n", "e"];
            assert!(public.contains(&&**name), "{name}");
        }
    }
    assert!(!ring.to_jwks().contains("hmac"));

    let only_secrets = KeyRing::new();
    only_secrets
        .set_signing_key(SigningKey::hs256(&HmacSecret::generate()).key_id("hmac"))
        .unwrap();
    assert_eq!(only_secrets.to_jwks(), r#"{"keys":[]}"#);
}

#[test]
fn published_key_equals_the_verifying_key() {
    for (algorithm, pem) in KEYS {
        let key = SigningKey::from_pem(algorithm, pem)
            .unwrap()
            .key_id("a \"1\"");
        let jwk = key.verifying_key().to_jwk().unwrap();
        let read = VerifyingKey::from_jwk(&jwk).unwrap();
        assert_eq!(read.to_jwk().unwrap(), jwk, "{algorithm}");
        let token = tower_warder::JwtIssuer::new(key).issue("7").unwrap();
        let verifier = tower_warder::JwtVerifier::new(read);
        assert!(verifier.verify_token(&token).is_ok(), "{algorithm}");
    }
}

#[tokio::test]
async fn matching_etag_is_304() {
    let ring = ring();
    let app = app(&ring);
    let etag = send(&app, get(PATH))
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    for known in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        format!("\"other\",{etag} ,\"another\""),
        "*".to_owned(),
    ] {
        let answer = ask(&app, Method::GET, Some(&known)).await;
        assert_eq!(answer.status, 304, "{known}");
        assert_eq!(answer.header("etag"), Some(&*etag));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(answer.body, "");
    }
    for other in ["\"other\"", "", etag.trim_matches('"')] {
        let answer = ask(&app, Method::GET, Some(other)).await;
        assert_eq!(answer.status, 200, "{other}");
    }

    ring.remove("ES256");
    let answer = ask(&app, Method::GET, Some(&etag)).await;
    assert_eq!(answer.status, 200, "other keys");
    assert_ne!(answer.header("etag"), Some(&*etag));
}

#[tokio::test]
async fn only_get_and_head_are_allowed() {
    let app = app(&ring());
    let (get, head) = (
        ask(&app, Method::GET, None).await,
        ask(&app, Method::HEAD, None).await,
    );
    assert_eq!((head.status.as_u16(), &*head.body), (200, ""));
    assert_eq!(head.headers, get.headers);
    for other in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = ask(&app, other, None).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        assert_eq!(answer.body, "");
    }
}

#[tokio::test]
async fn cache_control_follows_configuration() {
    let service = JwksEndpoint::new(&ring()).max_age(Duration::from_secs(60));
    let app = Router::new().route_service(PATH, service);
    let answer = send(&app, get(PATH)).await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
}

#[tokio::test]
async fn replacing_with_the_same_keys_keeps_the_etag() {
    let ring = ring();
    let app = app(&ring);
    let before = send(&app, get(PATH)).await;
    let mut keys = KEYS.map(signing);
    keys.reverse();
    let verifying = keys.each_ref().map(SigningKey::verifying_key);
    ring.replace_all(keys[0].clone(), verifying).unwrap();
    let after = send(&app, get(PATH)).await;
    assert_eq!(before.header("etag"), after.header("etag"));
}

fn signing((algorithm, pem): (Algorithm, &str)) -> SigningKey {
    let key = SigningKey::from_pem(algorithm, pem).unwrap();
    key.key_id(algorithm.as_str())
}

fn ring() -> KeyRing {
    let ring = KeyRing::new();
    for key in KEYS {
        ring.set_signing_key(signing(key)).unwrap();
    }
    ring
}

fn app(ring: &KeyRing) -> Router {
    Router::new().route_service(PATH, JwksEndpoint::new(ring))
}

async fn ask(app: &Router, method: Method, known: Option<&str>) -> Answer {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = PATH.parse().unwrap();
    if let Some(known) = known {
        let known = known.parse().unwrap();
        request.headers_mut().insert("if-none-match", known);
    }
    send(app, request).await
}
