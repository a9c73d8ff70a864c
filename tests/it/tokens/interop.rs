//! Keys and validations of the crate `jsonwebtoken`: requirements are enforced, weakening fields
//! are rejected.

use std::cell::Cell;
use std::collections::HashSet;

use jsonwebtoken::{Algorithm as Theirs, DecodingKey, EncodingKey, Header, Validation};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use tower_warder::error::ConfigError;
use tower_warder::keys::{Algorithm, SigningKey, VerifyingKey};
use tower_warder::{JwtIssuer, JwtVerifier};

use super::forge::*;

/// Algorithm, encoding key and decoding key.
pub type Pair = (Algorithm, EncodingKey, DecodingKey);

fn hmac() -> impl Iterator<Item = Pair> {
    let all = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    all.map(|algorithm| (algorithm, encoding(), decoding()))
        .into_iter()
}

fn encoding() -> EncodingKey {
    EncodingKey::from_secret(SECRET.as_bytes())
}

fn decoding() -> DecodingKey {
    DecodingKey::from_secret(SECRET.as_bytes())
}

#[test]
fn hmac_tokens_interoperate_both_ways() {
    pass_both_ways(&hmac().collect::<Vec<_>>());
}

/// Asserts that tokens of each crate are accepted by the other, and only for the algorithm of the
/// key.
pub fn pass_both_ways(pairs: &[Pair]) {
    for (algorithm, encoding, decoding) in pairs {
        let theirs = Theirs::from(*algorithm);
        assert_eq!(Algorithm::try_from(theirs).unwrap(), *algorithm);

        let claims = json!({"sub": "7", "exp": system_seconds() + 60});
        let token = jsonwebtoken::encode(&Header::new(theirs), &claims, encoding).unwrap();
        for (other, _, key) in pairs {
            let verifier = JwtVerifier::from_validation(key, &Validation::new((*other).into()));
            let expected = if other == algorithm {
                ACCEPTED
            } else {
                ALGORITHM
            };
            check_with(
                &verifier.unwrap(),
                &token,
                expected,
                format!("{algorithm} {other}"),
            );
        }

        let key = SigningKey::from_encoding_key(*algorithm, encoding).unwrap();
        let token = JwtIssuer::new(key).issue("7").unwrap();
        let decoded = jsonwebtoken::decode::<Value>(&token, decoding, &Validation::new(theirs));
        assert_eq!(decoded.unwrap().claims["sub"], "7", "{algorithm}");
    }
}

#[test]
fn weak_secrets_are_rejected() {
    const PEM: &str = include_str!("../../keys/rsa-2048-public.pem");
    for (algorithm, secret, expected) in [
        (Algorithm::HS256, "secret", "placeholder"),
        (Algorithm::HS256, "yDW3kcHh1V0mhdDsaWyb29b", "short"),
        (Algorithm::HS384, &SECRET[..47], "short"),
        (Algorithm::HS512, &SECRET[..63], "short"),
        (Algorithm::HS256, &"ab".repeat(32), "predictable"),
        (Algorithm::HS256, PEM, "invalid"),
        (Algorithm::RS256, SECRET, "family"),
        (Algorithm::ES256, SECRET, "family"),
        (Algorithm::EdDSA, SECRET, "family"),
    ] {
        let decoding = DecodingKey::from_secret(secret.as_bytes());
        let encoding = EncodingKey::from_secret(secret.as_bytes());
        for rejected in [
            VerifyingKey::from_decoding_key(algorithm, &decoding).err(),
            SigningKey::from_encoding_key(algorithm, &encoding).err(),
            JwtVerifier::from_validation(&decoding, &Validation::new(algorithm.into())).err(),
        ] {
            assert_eq!(kind(&rejected.unwrap()), expected, "{algorithm} {secret}");
        }
    }
}

pub fn kind(error: &ConfigError) -> &'static str {
    match error {
        ConfigError::PlaceholderSecret => "placeholder",
        ConfigError::PredictableSecret => "predictable",
        ConfigError::SecretTooShort { .. } => "short",
        ConfigError::InvalidKey(_) => "invalid",
        ConfigError::KeyTypeMismatch(_) => "family",
        ConfigError::LeewayTooLong => "leeway",
        ConfigError::DuplicateKeyId(_) => "duplicate id",
        ConfigError::MissingKeyId => "no id",
        ConfigError::UnsupportedValidation { field, remedy } => {
            assert!(!remedy.is_empty());
            field
        }
        other => panic!("{other}"),
    }
}

type Change = fn(&mut Validation);

#[test]
fn validation_fields_are_enforced() {
    let rows: &[(Change, &str, &str)] = &[
        (|_| {}, r#""x":1"#, ACCEPTED),
        (|_| {}, r#""aud":"a""#, UNEXPECTED_AUDIENCE),
        // jsonwebtoken checks `nbf` only if `validate_nbf` is set.
        (|_| {}, r#""nbf":1767225800"#, NOT_YET_VALID),
        (
            |it| it.validate_nbf = true,
            r#""nbf":1767225800"#,
            NOT_YET_VALID,
        ),
        (|it| it.leeway = 300, r#""nbf":1767225800"#, ACCEPTED),
        (|it| it.set_issuer(&["i", "j"]), r#""iss":"j""#, ACCEPTED),
        (|it| it.set_issuer(&["i", "j"]), r#""iss":"k""#, ISSUER),
        (|it| it.set_issuer(&["i"]), r#""x":1"#, NO_ISSUER),
        (
            |it| {
                it.set_issuer(&["i"]);
                it.set_required_spec_claims(&["exp", "iss"]);
            },
            r#""x":1"#,
            NO_ISSUER,
        ),
        (
            |it| it.set_audience(&["a", "b"]),
            r#""aud":["x","b"]"#,
            ACCEPTED,
        ),
        (|it| it.set_audience(&["a", "b"]), r#""aud":"x""#, AUDIENCE),
        (|it| it.set_audience(&["a"]), r#""x":1"#, NO_AUDIENCE),
        (|it| it.sub = Some("7".into()), r#""x":1"#, ACCEPTED),
        (|it| it.sub = Some("8".into()), r#""x":1"#, OTHER_SUBJECT),
        (|it| it.sub = Some(String::new()), r#""x":1"#, OTHER_SUBJECT),
        (requires_all, r#""iss":"i","aud":"a","nbf":0"#, ACCEPTED),
        (requires_all, r#""iss":"i","aud":"a""#, REQUIRED_CLAIM),
        (
            requires_all,
            r#""iss":"i","aud":"a","nbf":null"#,
            REQUIRED_CLAIM,
        ),
        (requires_all, r#""iss":"i","nbf":0"#, NO_AUDIENCE),
        (requires_all, r#""aud":"a","nbf":0"#, REQUIRED_CLAIM),
        // jsonwebtoken ignores other names.
        (
            |it| it.set_required_spec_claims(&["jti"]),
            r#""x":1"#,
            REQUIRED_CLAIM,
        ),
        (
            |it| it.set_required_spec_claims(&["jti"]),
            r#""jti":"x""#,
            ACCEPTED,
        ),
        (
            |it| it.set_required_spec_claims(&["role"]),
            r#""role":["x"]"#,
            ACCEPTED,
        ),
    ];
    for (row, (change, claims, expected)) in rows.iter().enumerate() {
        let verifier = from(change).unwrap().clock(at(NOW as f64));
        check_with(
            &verifier,
            &with_claims(claims),
            expected,
            format!("{row}: {claims}"),
        );
    }
}

#[test]
fn validation_leeway_is_used() {
    for (leeway, late, expected) in [
        (0, 0, EXPIRED),
        (60, 59, ACCEPTED),
        (60, 60, EXPIRED),
        (300, 299, ACCEPTED),
    ] {
        let verifier = from(|it| it.leeway = leeway).unwrap();
        let verifier = verifier.clock(at((1_767_229_200 + late) as f64));
        check_with(&verifier, &with_payload(PAYLOAD), expected, leeway);
    }
    // The default of jsonwebtoken.
    let verifier = from(|_| {}).unwrap().clock(at(1_767_229_259.0));
    check_with(&verifier, &with_payload(PAYLOAD), ACCEPTED, "default");
}

#[test]
fn exp_and_sub_are_required_despite_the_validation() {
    let verifier = from(|it| it.required_spec_claims = HashSet::new()).unwrap();
    let verifier = verifier.clock(at(NOW as f64));
    check_with(&verifier, &with_payload(r#"{"sub":"7"}"#), NO_EXPIRY, "exp");
    check_with(
        &verifier,
        &with_payload(r#"{"exp":1767229200}"#),
        NO_SUBJECT,
        "sub",
    );
}

#[test]
fn weakening_validation_fields_are_rejected() {
    let rows: &[(Change, &str)] = &[
        (|it| it.validate_exp = false, "validate_exp"),
        (|it| it.validate_aud = false, "validate_aud"),
        (
            |it| {
                it.set_audience(&["a"]);
                it.validate_aud = false;
            },
            "validate_aud",
        ),
        (|it| it.set_audience::<&str>(&[]), "aud"),
        (|it| it.set_required_spec_claims(&["exp", "aud"]), "aud"),
        (|it| it.set_issuer::<&str>(&[]), "iss"),
        (|it| it.algorithms = Vec::new(), "algorithms"),
        (|it| it.algorithms.push(Theirs::HS512), "algorithms"),
        (|it| it.algorithms.push(Theirs::RS256), "algorithms"),
        (|it| it.algorithms = vec![Theirs::RS256], "family"),
        (|it| it.leeway = 301, "leeway"),
        (|it| it.leeway = u64::MAX, "leeway"),
        (
            |it| it.reject_tokens_expiring_in_less_than = 1,
            "reject_tokens_expiring_in_less_than",
        ),
    ];
    for (change, expected) in rows {
        assert_eq!(kind(&from(change).unwrap_err()), *expected);
    }
    // The same algorithm twice is allowed.
    assert!(from(|it| it.algorithms.push(Theirs::HS256)).is_ok());
}

// Property: every token that the verifier accepts passes the validation that it was made of.
#[test]
fn verifier_from_validation_is_no_weaker_than_jsonwebtoken() {
    let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    let validations = (
        select(vec![0, 60, 300]),
        subsequence(vec!["exp", "nbf", "aud", "iss", "sub", "jti"], 0..4),
        any::<bool>(),
        select(ISSUERS),
        select(AUDIENCES),
        select(SUBJECTS),
    );
    let claims = (
        select(
            ["null", r#""i""#, r#""i""#, r#""k""#, r#"["i"]"#]
                .map(value)
                .to_vec(),
        ),
        select(
            ["null", r#""a""#, r#""a""#, r#""x""#, r#"["x","b"]"#]
                .map(value)
                .to_vec(),
        ),
        select(
            [r#""7""#, r#""7""#, r#""7""#, r#""8""#, "7"]
                .map(value)
                .to_vec(),
        ),
        select(vec![-400, -200, -30, 30, 400, 4000]),
        select(vec![
            None,
            Some(-200),
            Some(0),
            Some(30),
            Some(200),
            Some(400),
        ]),
        any::<bool>(),
    );
    let accepted = Cell::new(0);
    let config = ProptestConfig {
        cases: 2048,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&(validations, claims), |(demanded, claims)| {
        let (leeway, required, validate_nbf, iss, aud, sub) = demanded;
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let mut validation = Validation::new(Theirs::HS256);
        validation.leeway = leeway;
        validation.validate_nbf = validate_nbf;
        validation.required_spec_claims = owned(&required);
        validation.iss = iss.map(owned);
        validation.aud = aud.map(owned);
        validation.sub = sub.map(str::to_owned);

        let (iss, aud, sub, exp, nbf, jti) = claims;
        let date = |shift: i64| system_seconds() as i64 + shift;
        let mut payload = json!({"sub": sub, "iss": iss, "aud": aud, "exp": date(exp)});
        if let Some(nbf) = nbf {
            payload["nbf"] = json!(date(nbf));
        }
        if jti {
            payload["jti"] = json!("x");
        }
        let token = seal(HEADER, payload.to_string());
        let ours = JwtVerifier::from_validation(&decoding(), &validation);
        if ours.is_ok_and(|ours| ours.verify_token(&token).is_ok()) {
            accepted.set(accepted.get() + 1);
            let answer = jsonwebtoken::decode::<Value>(&token, &decoding(), &validation);
            prop_assert!(answer.is_ok(), "{payload} {validation:?} {answer:?}");
            prop_assert!(jti || !required.contains(&"jti"));
        }
        Ok(())
    });
    result.unwrap();
    assert!(
        accepted.get() > 50,
        "{} tokens were accepted",
        accepted.get()
    );
}

const ISSUERS: &[Option<&[&str]>] = &[None, Some(&["i"]), Some(&["i", "j"])];
const AUDIENCES: &[Option<&[&str]>] = &[None, Some(&["a"]), Some(&["a", "b"])];
const SUBJECTS: &[Option<&str>] = &[None, Some("7")];

fn requires_all(validation: &mut Validation) {
    validation.set_audience(&["a"]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
}

/// Verifier made of the default validation with a change.
fn from(change: impl Fn(&mut Validation)) -> Result<JwtVerifier, ConfigError> {
    let mut validation = Validation::new(Theirs::HS256);
    change(&mut validation);
    JwtVerifier::from_validation(&decoding(), &validation)
}
