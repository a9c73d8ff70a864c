//! Key sets in the forms that identity providers publish, with test keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::documents::{fetch, public};
use super::*;
use crate::support::Log;

#[tokio::test(start_paused = true)]
async fn provider_key_sets_are_read_without_warnings() {
    let [one, two, encryption] = [(); 3].map(|()| new_rsa());
    let rsa = |der: &[u8], kid: &str, members: Value| shaped(der, kid, &members);
    for (provider, keys) in [
        (
            "Microsoft Entra",
            json!([
                rsa(
                    &one,
                    "1",
                    json!({"use": "sig", "x5t": X5T, "x5c": [X5C],
                    "cloud_instance_name": "microsoftonline.com",
                    "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"})
                ),
                rsa(
                    &two,
                    "2",
                    json!({"use": "sig", "x5t": X5T, "x5c": [X5C],
                    "issuer": "https://login.microsoftonline.com/9188040d/v2.0"})
                ),
            ]),
        ),
        (
            "Google",
            json!([
                rsa(&one, "1", json!({"alg": "RS256", "use": "sig"})),
                rsa(&two, "2", json!({"alg": "RS256", "use": "sig"})),
            ]),
        ),
        (
            "Okta, Cognito",
            json!([
                rsa(&one, "1", json!({"alg": "RS256", "use": "sig"})),
                rsa(&two, "2", json!({"alg": "RS256", "use": "sig"})),
            ]),
        ),
        (
            "Auth0",
            json!([
                rsa(
                    &one,
                    "1",
                    json!({"alg": "RS256", "use": "sig", "x5t": X5T, "x5c": [X5C]})
                ),
                rsa(
                    &two,
                    "2",
                    json!({"alg": "RS256", "use": "sig", "x5t": X5T, "x5c": [X5C]})
                ),
            ]),
        ),
        (
            "Keycloak",
            json!([
                rsa(
                    &encryption,
                    "3",
                    json!({"alg": "RSA-OAEP", "use": "enc", "x5c": [X5C],
                    "x5t": X5T, "x5t#S256": X5T})
                ),
                rsa(
                    &one,
                    "1",
                    json!({"alg": "RS256", "use": "sig", "x5c": [X5C],
                    "x5t": X5T, "x5t#S256": X5T})
                ),
                rsa(
                    &two,
                    "2",
                    json!({"alg": "RS256", "use": "sig", "x5c": [X5C, X5C],
                    "x5t": X5T, "x5t#S256": X5T})
                ),
            ]),
        ),
        (
            "Spring Authorization Server",
            json!([rsa(&one, "1", json!({})), rsa(&two, "2", json!({}))]),
        ),
        (
            "one that writes every member, and the sign byte of its integers",
            json!([
                padded(rsa(&one, "1", nulls())),
                padded(rsa(&two, "2", nulls())),
            ]),
        ),
    ] {
        let log = Log::record();
        let set = json!({ "keys": keys, "public_certs": [{"kid": "1", "cert": X5C}] });
        let fetched = fetch(&set).await.unwrap();
        let verifier = verifier(&fetched);
        let key = |der: &[u8]| SigningKey::from_der(Algorithm::RS256, der).unwrap();
        for (name, token, expected) in [
            ("1", token(key(&one).key_id("1")), Outcome::Accepted),
            ("2", token(key(&two).key_id("2")), Outcome::Accepted),
            ("2 as 1", token(key(&two).key_id("1")), Outcome::Rejected),
            ("3", token(key(&encryption).key_id("3")), Outcome::Rejected),
            ("none", token(key(&one)), Outcome::Rejected),
        ] {
            assert_eq!(
                outcome_now(&verifier, &token),
                Some(expected),
                "{provider}: {name}"
            );
        }
        assert!(log.lines("WARN").is_empty(), "{provider}: {}", log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn one_key_id_may_have_several_algorithms() {
    // An issuer that migrates from RSA to elliptic curves under one key id per tenant.
    let rsa = new_rsa();
    let key = |algorithm| SigningKey::from_der(algorithm, &rsa).unwrap();
    let es = SigningKey::from_pem(Algorithm::ES256, P256).unwrap();
    let signing = [
        key(Algorithm::RS256),
        key(Algorithm::PS256),
        es,
        self::key(""),
    ];
    let signing = signing.map(|key| key.key_id("tenant"));
    let log = Log::record();
    let keys: Vec<_> = signing.iter().map(|key| public(key.clone())).collect();
    let fetched = fetch(&json!({ "keys": keys })).await.unwrap();
    for _ in 0..2 {
        for key in &signing {
            let outcome = outcome_now(&verifier(&fetched), &token(key.clone()));
            assert_eq!(outcome, Some(Outcome::Accepted), "{key:?}");
        }
    }
    let outcome = outcome_now(
        &verifier(&fetched),
        &token(key(Algorithm::RS512).key_id("tenant")),
    );
    assert_eq!(outcome, Some(Outcome::Rejected));
    assert!(log.lines("WARN").is_empty(), "{}", log.text());
}

/// Key parameters of a JWK, with these members and no others.
fn shaped(der: &[u8], kid: &str, members: &Value) -> Value {
    let key = SigningKey::from_der(Algorithm::RS256, der).unwrap();
    let numbers = public(key);
    let mut jwk = json!({"kty": "RSA", "kid": kid, "n": numbers["n"], "e": numbers["e"]});
    for (name, value) in members.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    jwk
}

fn nulls() -> Value {
    json!({"alg": null, "use": "sig", "key_ops": null, "crv": null, "x": null, "y": null,
        "d": null, "p": null, "q": null, "dp": null, "dq": null, "qi": null, "k": null,
        "oth": null, "x5c": null, "x5t": null, "x5u": null})
}

/// Adds the sign byte of DER: a zero byte before a number whose first bit is set.
fn padded(mut jwk: Value) -> Value {
    for name in ["n", "e"] {
        let bytes = URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        jwk[name] = json!(URL_SAFE_NO_PAD.encode([&[0], &bytes[..]].concat()));
    }
    jwk
}

/// Not a certificate: the member is ignored.
const X5C: &str = "MIIC/jCCAeagAwIBAgIJAKZ+0mkd1jr3MA0GCSqGSIb3DQEBCwUAMC0xKzApBgNVBAM=";
const X5T: &str = "imi0Y2z0dYKxBttAqK_Tt5hYBTk";
