//! Verification of tokens of several issuers, each with its own keys and audience.

use tower_warder::error::ConfigError;
use tower_warder::jwt::{MultiIssuerVerifier, Verification, Verifier};
use tower_warder::keys::{KeyRing, SigningKey};
use tower_warder::{AuthError, HmacSecret, JwtIssuer, JwtVerifier};

const A: &str = "https://a.example";
const B: &str = "https://b.example";

#[test]
fn issuers_have_separate_keys_and_audiences() {
    let (a, b) = (HmacSecret::generate(), HmacSecret::generate());
    let issuers = MultiIssuerVerifier::new()
        .add(A, JwtVerifier::hs256(&a).audience("orders"))
        .and_then(|issuers| issuers.add(B, JwtVerifier::hs256(&b)))
        .unwrap();
    for (row, secret, issuer, audience, expected) in [
        ("a's token", &a, Some(A), Some("orders"), ACCEPTED),
        ("b's token", &b, Some(B), None, ACCEPTED),
        ("a's for another", &a, Some(A), Some("bills"), AUDIENCE),
        ("a's for nobody", &a, Some(A), None, "no_audience"),
        (
            "b's with an audience",
            &b,
            Some(B),
            Some("orders"),
            "unexpected_audience",
        ),
        ("a in the name of b", &a, Some(B), None, SIGNATURE),
        ("b in the name of a", &b, Some(A), Some("orders"), SIGNATURE),
        (
            "an unknown issuer",
            &a,
            Some("https://c.example"),
            None,
            ISSUER,
        ),
        ("nobody", &a, None, Some("orders"), NO_ISSUER),
        (
            "almost a",
            &a,
            Some("https://a.example/"),
            Some("orders"),
            ISSUER,
        ),
        (
            "A in capitals",
            &a,
            Some("https://A.example"),
            Some("orders"),
            ISSUER,
        ),
        ("nothing", &a, Some(""), Some("orders"), ISSUER),
    ] {
        let mut maker = JwtIssuer::hs256(secret);
        if let Some(issuer) = issuer {
            maker = maker.issuer(issuer);
        }
        if let Some(audience) = audience {
            maker = maker.audience(audience);
        }
        assert_eq!(
            verify(&issuers, &maker.issue("7").unwrap()),
            expected,
            "{row}"
        );
    }
}

#[test]
fn malformed_token_is_rejected_with_its_reason() {
    let secret = HmacSecret::generate();
    let issuers = MultiIssuerVerifier::new()
        .add(A, JwtVerifier::hs256(&secret))
        .unwrap();
    let good = JwtIssuer::hs256(&secret).issuer(A).issue("7").unwrap();
    assert_eq!(verify(&issuers, &good), ACCEPTED);
    let with_payload = |payload: &str| {
        let mut segments = good.split('.');
        let (header, _, signature) = (segments.next(), segments.next(), segments.next());
        format!("{}.{payload}.{}", header.unwrap(), signature.unwrap())
    };
    let claims = |json: &str| with_payload(&encode(json));
    for (token, expected) in [
        ("".to_owned(), SEGMENTS),
        ("a.b".to_owned(), SEGMENTS),
        (format!("{good}.x"), SEGMENTS),
        (with_payload("e30="), BASE64),
        (with_payload("e3 0"), BASE64),
        (with_payload("e31"), BASE64),
        (claims("[]"), CLAIMS),
        (claims("null"), CLAIMS),
        (claims(r#"{"iss":7}"#), "issuer_type"),
        (claims(r#"{"iss":null}"#), NO_ISSUER),
        (claims(r#"{"iss":["https://a.example"]}"#), "issuer_type"),
        (
            claims(r#"{"iss":"https://b.example","iss":"https://a.example"}"#),
            CLAIMS,
        ),
        (
            claims(r#"{"iss":"https://a.example","i\u0073s":"https://a.example"}"#),
            CLAIMS,
        ),
        (claims(r#"{"iss":"https://a.example"} "#), SIGNATURE),
        (claims(r#"{"iss":"https://a.example"}x"#), CLAIMS),
        (claims(r#"{"sub":"7"}"#), NO_ISSUER),
        (claims(r#"{"iss":"https:\/\/a.example"}"#), SIGNATURE),
        (format!("{}{}", "a".repeat(9000), good), SIZE),
    ] {
        assert_eq!(verify(&issuers, &token), expected, "{token}");
    }
}

#[test]
fn token_size_limit_is_per_issuer() {
    let secret = HmacSecret::generate();
    let verifier = |bytes| JwtVerifier::hs256(&secret).max_token_bytes(bytes);
    let issuers = MultiIssuerVerifier::new()
        .add(A, verifier(200))
        .and_then(|issuers| issuers.add(B, verifier(400)))
        .unwrap();
    assert_eq!(Verifier::max_credential_bytes(&issuers), 400);
    for (issuer, expected) in [(A, SIZE), (B, ACCEPTED)] {
        let maker = JwtIssuer::hs256(&secret).issuer(issuer);
        let padding = serde_json::json!({"padding": "x".repeat(64)});
        let token = maker.token("7").claims(&padding).issue().unwrap();
        assert!((200..400).contains(&token.len()));
        assert_eq!(verify(&issuers, &token), expected, "{issuer}");
    }
}

#[test]
fn header_size_limit_is_per_issuer() {
    let secret = HmacSecret::generate();
    let key = SigningKey::hs256(&secret).key_id("k".repeat(600));
    let verifier = |bytes| JwtVerifier::new(key.verifying_key()).max_header_bytes(bytes);
    let issuers = MultiIssuerVerifier::new()
        .add(A, verifier(200))
        .and_then(|issuers| issuers.add(B, verifier(1000)))
        .unwrap();
    for (issuer, expected) in [(A, "header_size"), (B, ACCEPTED)] {
        let maker = JwtIssuer::new(key.clone()).issuer(issuer);
        assert_eq!(verify(&issuers, &maker.issue("7").unwrap()), expected);
    }
}

#[test]
fn duplicate_or_mismatched_issuer_is_rejected() {
    let verifier = || JwtVerifier::hs256(&HmacSecret::generate());
    let twice = MultiIssuerVerifier::new()
        .add(A, verifier())
        .and_then(|issuers| issuers.add(A, verifier()));
    assert!(matches!(twice, Err(ConfigError::DuplicateIssuer(issuer)) if issuer == A));

    let other = MultiIssuerVerifier::new().add(A, verifier().issuer(format!("{A}/")));
    assert!(matches!(other, Err(ConfigError::IssuerMismatch(issuer)) if issuer == A));
    assert!(
        MultiIssuerVerifier::new()
            .add(A, verifier().issuer(A))
            .is_ok()
    );

    assert!(
        MultiIssuerVerifier::new()
            .add(A, verifier().issuers([B, A]))
            .is_ok()
    );
    for several in [
        verifier().issuers([B]),
        verifier().issuer_template("https://{tenantid}").unwrap(),
        verifier().issuer_check(|_, _| true),
    ] {
        let other = MultiIssuerVerifier::new().add(A, several);
        assert!(matches!(other, Err(ConfigError::IssuerMismatch(issuer)) if issuer == A));
    }

    let secret = HmacSecret::generate();
    let token = JwtIssuer::hs256(&secret).issuer(A).issue("7").unwrap();
    assert_eq!(verify(&MultiIssuerVerifier::new(), &token), SIZE);
}

#[test]
fn issuer_is_always_verified() {
    let secret = HmacSecret::generate();
    let verifier = JwtVerifier::hs256(&secret);
    let issuers = MultiIssuerVerifier::new().add(A, verifier).unwrap();
    for (issuer, expected) in [(A, ACCEPTED), (B, ISSUER)] {
        let token = JwtIssuer::hs256(&secret).issuer(issuer).issue("7").unwrap();
        assert_eq!(verify(&issuers, &token), expected, "{issuer}");
    }
}

#[test]
fn keys_of_one_issuer_rotate_independently() {
    let (a, b) = (KeyRing::new(), KeyRing::new());
    for ring in [&a, &b] {
        let key = SigningKey::hs256(&HmacSecret::generate()).key_id("1");
        ring.set_signing_key(key).unwrap();
    }
    let issuers = MultiIssuerVerifier::new()
        .add(A, JwtVerifier::ring(&a))
        .and_then(|issuers| issuers.add(B, JwtVerifier::ring(&b)))
        .unwrap();
    let [of_a, of_b] = [(&a, A), (&b, B)]
        .map(|(ring, issuer)| JwtIssuer::ring(ring).issuer(issuer).issue("7").unwrap());
    assert_eq!(
        [verify(&issuers, &of_a), verify(&issuers, &of_b)],
        [ACCEPTED; 2]
    );
    a.remove("1");
    assert_eq!(verify(&issuers, &of_a), KEY_ID);
    assert_eq!(verify(&issuers, &of_b), ACCEPTED);
}

/// [`ACCEPTED`], or the reason of the rejection.
fn verify(issuers: &MultiIssuerVerifier, token: &str) -> String {
    let Verification::Ready(verified) = issuers.verify(token) else {
        panic!("the verification is pending");
    };
    match verified {
        Ok(_) => ACCEPTED.to_owned(),
        Err(error) => reason(&error),
    }
}

fn reason(error: &AuthError) -> String {
    error.reason().to_owned()
}

fn encode(json: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json)
}

const ACCEPTED: &str = "accepted";
const AUDIENCE: &str = "audience";
const BASE64: &str = "base64";
const CLAIMS: &str = "claims";
const ISSUER: &str = "issuer";
const NO_ISSUER: &str = "no_issuer";
const KEY_ID: &str = "unknown_key";
const SEGMENTS: &str = "segments";
const SIGNATURE: &str = "signature";
const SIZE: &str = "size";
