//! The crate `jsonwebtoken` as an oracle: it accepts every token that this crate accepts, and each
//! rejection beyond it has a known reason. The exceptions are listed.

use std::cell::Cell;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tower_warder::{JwtIssuer, JwtVerifier};

use super::forge::*;

#[test]
fn jsonwebtoken_tokens_are_accepted() {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let exp = system_seconds() + 60;
    for (header, claims) in [
        (Header::default(), json!({"sub": "7", "exp": exp})),
        (
            Header::default(),
            json!({"sub": "7", "exp": exp as f64 + 0.5, "iat": exp - 60}),
        ),
        (
            Header::default(),
            json!({"sub": "é", "exp": exp, "jti": "x", "own": [1, {"a": null}]}),
        ),
        (
            Header {
                kid: Some("a".into()),
                ..Header::default()
            },
            json!({"sub": "7", "exp": exp}),
        ),
    ] {
        let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        check_with(&JwtVerifier::hs256(&secret()), &token, ACCEPTED, &claims);
    }
}

#[test]
fn issued_tokens_are_accepted_by_jsonwebtoken() {
    let issuer = JwtIssuer::hs256(&secret()).issuer("i").audience("a");
    let token = issuer
        .token("7")
        .generation(3)
        .claims(&json!({"own": "x"}))
        .issue()
        .unwrap();
    let mut validation = strictest();
    validation.set_issuer(&["i"]);
    validation.set_audience(&["a"]);
    validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
    let claims = oracle(&token, &validation).unwrap();
    assert_eq!(
        (&claims["sub"], &claims["gen"], &claims["own"]),
        (&json!("7"), &json!(3), &json!("x"))
    );
}

#[test]
fn rejections_beyond_jsonwebtoken_have_a_known_reason() {
    let ours = JwtVerifier::hs256(&secret());
    let exp = system_seconds() + 3600;
    let good = format!(r#"{{"sub":"7","exp":{exp}}}"#);
    let header = |members: &str| seal(format!(r#"{{"alg":"HS256",{members}}}"#), &good);
    let claims = |members: &str| with_payload(format!(r#"{{"sub":"7","exp":{exp},{members}}}"#));
    let nested = |levels: usize| format!(r#""x":{}{}"#, "[".repeat(levels), "]".repeat(levels));
    let blanks = " ".repeat(800);

    for (row, token, reason) in [
        ("an extension", header(r#""crit":["x"],"x":1"#), CRITICAL),
        (
            "an unencoded payload",
            header(r#""crit":["b64"],"b64":false"#),
            CRITICAL,
        ),
        (
            "alg as an object",
            seal(r#"{"alg":{"HS256":null}}"#, &good),
            JSON_HEADER,
        ),
        (
            "an ignored member twice",
            header(r#""x":1,"x":2"#),
            JSON_HEADER,
        ),
        ("another type", header(r#""typ":"refresh+jwt""#), TYPE),
        (
            "a header of more than 1 KiB",
            seal(format!(r#"{{"alg":"HS256"}}{blanks}"#), &good),
            HEADER_SIZE,
        ),
        (
            "a token of more than 8 KiB",
            claims(&format!(r#""x":"{}""#, "x".repeat(8192))),
            SIZE,
        ),
        ("a claim twice", claims(r#""x":1,"x":2"#), JSON_CLAIMS),
        ("65 levels", claims(&nested(64)), JSON_CLAIMS),
        (
            "no subject",
            with_payload(format!(r#"{{"exp":{exp}}}"#)),
            NO_SUBJECT,
        ),
        (
            "a number as subject",
            with_payload(format!(r#"{{"sub":7,"exp":{exp}}}"#)),
            SUBJECT_TYPE,
        ),
        (
            "an empty subject",
            with_payload(format!(r#"{{"sub":"","exp":{exp}}}"#)),
            SUBJECT,
        ),
        (
            "milliseconds",
            with_payload(format!(r#"{{"sub":"7","exp":{exp}000}}"#)),
            EXPIRY_RANGE,
        ),
        (
            "an issuer of the wrong type",
            claims(r#""iss":1"#),
            ISSUER_TYPE,
        ),
        ("a list of issuers", claims(r#""iss":["i"]"#), ISSUER_TYPE),
        (
            "an audience of the wrong type",
            claims(r#""aud":1"#),
            AUDIENCE_TYPE,
        ),
        ("a text as iat", claims(r#""iat":"x""#), "issued_at_type"),
        (
            "iat in the future",
            claims(&format!(r#""iat":{exp}"#)),
            ISSUED_IN_FUTURE,
        ),
    ] {
        check_with(&ours, &token, reason, row);
        assert!(
            oracle(&token, &strictest()).is_ok(),
            "{row}: now rejected by jsonwebtoken, remove it from the list"
        );
    }
}

#[test]
fn jsonwebtoken_accepts_array_claims_and_skips_unread_members() {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Own {
        exp: u64,
    }

    let exp = system_seconds() + 3600;
    for (row, payload) in [
        ("array", format!(r#"[{exp},0,"7",null,null]"#).into_bytes()),
        (
            "not UTF-8",
            [
                format!(r#"{{"sub":"7","exp":{exp},"x":""#).as_bytes(),
                b"\xff\"}",
            ]
            .concat(),
        ),
        (
            "half a surrogate pair",
            format!(r#"{{"sub":"7","exp":{exp},"x":"\ud800"}}"#).into_bytes(),
        ),
    ] {
        let token = with_payload(payload);
        check_with(&JwtVerifier::hs256(&secret()), &token, JSON_CLAIMS, row);
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        let array = jsonwebtoken::decode::<Vec<Value>>(&token, &key, &strictest()).is_ok();
        let object = jsonwebtoken::decode::<Own>(&token, &key, &strictest()).is_ok();
        assert!(
            array || object,
            "{row}: now rejected by jsonwebtoken, remove it from the list"
        );
    }
}

#[test]
fn token_in_its_expiry_second_is_rejected_unlike_jsonwebtoken() {
    let ours = JwtVerifier::hs256(&secret());
    // The second may end between the two clock readings.
    let seen = (0..10).any(|_| {
        let token = with_payload(format!(r#"{{"sub":"7","exp":{}}}"#, system_seconds()));
        check_with(&ours, &token, EXPIRED, "ours");
        oracle(&token, &strictest()).is_ok()
    });
    assert!(
        seen,
        "now rejected by jsonwebtoken, remove it from the list"
    );
}

#[test]
fn only_unread_headers_are_accepted_beyond_jsonwebtoken() {
    let exp = system_seconds() + 3600;
    for member in [r#""jwk":"x""#, r#""jku":1"#, r#""x5c":{}"#, r#""cty":1"#] {
        let header = format!(r#"{{"alg":"HS256",{member}}}"#);
        let token = seal(header, format!(r#"{{"sub":"7","exp":{exp}}}"#));
        check_with(&JwtVerifier::hs256(&secret()), &token, ACCEPTED, member);
        assert!(oracle(&token, &strictest()).is_err(), "{member}");
    }
}

#[test]
fn accepted_tokens_are_accepted_by_jsonwebtoken() {
    let ours = JwtVerifier::hs256(&secret())
        .issuer("i")
        .audience("a")
        .audience("b");
    let mut theirs = strictest();
    theirs.set_issuer(&["i"]);
    theirs.set_audience(&["a", "b"]);
    theirs.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);

    let now = system_seconds();
    let texts = |all: &[&str]| select(all.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
    let mostly = |good: &'static str, others: &[&str]| prop_oneof![3 => Just(good.to_owned()), 1 => texts(others)];
    let date = |shift: i64| (now as i64 + shift).to_string();
    let exp = prop_oneof![
        3 => select(vec![date(60), format!("{}.5", date(60)), "253402300799".to_owned()]),
        1 => select(vec![
            date(-60), date(-1), date(60_000_000_000_000), "null".into(), "-1".into(), "1e400".into(),
            format!(r#""{}""#, date(60)),
        ]),
    ];
    let begins = prop_oneof![
        3 => select(vec![date(0), date(-60), format!("{}.5", date(-60)), "0".to_owned()]),
        1 => select(vec![date(60), "null".into(), "true".into(), "-1".into(), r#""0""#.into()]),
    ];
    let strategy = (
        mostly(
            r#""HS256""#,
            &[r#""none""#, r#""HS384""#, r#"["HS256"]"#, "null"],
        ),
        mostly(
            r#""typ":"JWT""#,
            &[
                r#""typ":"at+jwt""#,
                r#""typ":1"#,
                r#""kid":"x""#,
                r#""crit":[]"#,
                r#""alg":"HS256""#,
            ],
        ),
        mostly(
            r#""7""#,
            &[r#""""#, "7", "null", r#""\ud800""#, r#""\u0037""#],
        ),
        exp,
        begins,
        mostly(r#""i""#, &[r#""x""#, r#"["i"]"#, "null", r#""\u0069""#]),
        mostly(
            r#""a""#,
            &[r#"["x","b"]"#, r#"["x"]"#, "[]", "null", r#"["a",1]"#],
        ),
        mostly(
            r#""y":1"#,
            &[
                r#""y":[[{}]]"#,
                r#""sub":"8""#,
                r#""\u0073ub":"8""#,
                r#""y":"\udc00""#,
                "",
            ],
        ),
    );

    let agreed = Cell::new(0);
    let config = ProptestConfig {
        cases: 1024,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&strategy, |(alg, more, sub, exp, nbf, iss, aud, last)| {
        let header = format!(r#"{{"alg":{alg},{more}}}"#);
        let payload =
            format!(r#"{{"sub":{sub},"exp":{exp},"nbf":{nbf},"iss":{iss},"aud":{aud},{last}}}"#);
        let token = seal(&header, &payload);
        if ours.verify_token(&token).is_ok() {
            agreed.set(agreed.get() + 1);
            let answer = oracle(&token, &theirs);
            // `null` counts as absent here, and as an invalid date in jsonwebtoken.
            prop_assert_eq!(
                answer.is_ok(),
                nbf != "null",
                "{} {}: {:?}",
                header,
                payload,
                answer
            );
        }
        Ok(())
    });
    result.unwrap();
    assert!(agreed.get() > 50, "{} tokens were accepted", agreed.get());
}

/// Validation that is closest to the rules of this crate.
fn strictest() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation
}

fn oracle(token: &str, validation: &Validation) -> jsonwebtoken::errors::Result<Value> {
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::decode(token, &key, validation).map(|data| data.claims)
}
