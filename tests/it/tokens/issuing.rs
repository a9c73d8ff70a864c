//! Issuing of tokens: a verifier accepts every issued token.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tower_warder::clock::Clock;
use tower_warder::jwt::IssueError;
use tower_warder::keys::SigningKey;
use tower_warder::{JwtIssuer, JwtVerifier};

use super::forge::*;

#[test]
fn issued_token_has_iat_exp_and_random_jti() {
    let issuer = issuer().lifetime(Duration::from_millis(90_900));
    let payload = payload_of(&issuer.issue("7").unwrap());
    let object = payload.as_object().unwrap();
    let names: HashSet<_> = object.keys().map(String::as_str).collect();
    assert_eq!(names, HashSet::from(["sub", "iat", "exp", "jti"]));
    assert_eq!(payload["sub"], "7");
    assert_eq!(payload["iat"], NOW);
    assert_eq!(payload["exp"], NOW + 90);
    assert_eq!(issuer.expires_in(), Duration::from_secs(90));

    let token_ids: HashSet<_> = (0..100)
        .map(|_| {
            payload_of(&issuer.issue("7").unwrap())["jti"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(token_ids.len(), 100);
    for id in token_ids {
        assert_eq!(URL_SAFE_NO_PAD.decode(id).unwrap().len(), 16);
    }
}

#[test]
fn token_lifetime_defaults_to_seven_days() {
    let payload = payload_of(&issuer().issue("7").unwrap());
    assert_eq!(payload["exp"], NOW + 7 * 24 * 3600);
    for (lifetime, end) in [
        (Duration::ZERO, NOW + 1),
        (Duration::from_millis(1), NOW + 1),
        (Duration::from_secs(2), NOW + 2),
        (Duration::MAX, 253_402_300_799),
    ] {
        let token = issuer().lifetime(lifetime).issue("7").unwrap();
        assert_eq!(payload_of(&token)["exp"], end, "{lifetime:?}");
        check(&token, ACCEPTED, format!("{lifetime:?}"));
    }
}

#[test]
fn issuer_name_is_the_iss_of_its_tokens() {
    assert_eq!(issuer().issuer_name(), None);
    let issuer = issuer().issuer("https://login.example");
    assert_eq!(issuer.issuer_name(), Some("https://login.example"));
    let token = issuer.issue("7").unwrap();
    assert_eq!(payload_of(&token)["iss"], "https://login.example");
}

#[test]
fn issued_header_has_alg_typ_and_kid() {
    let header = |token: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&segments(token)[0]).unwrap()).unwrap()
    };
    let token = issuer().issue("7").unwrap();
    assert_eq!(header(&token), json!({"alg": "HS256", "typ": "JWT"}));
    let key = SigningKey::hs512(&secret()).unwrap().key_id(r#"a"b"#);
    let token = JwtIssuer::new(key).issue("7").unwrap();
    assert_eq!(
        header(&token),
        json!({"alg": "HS512", "typ": "JWT", "kid": r#"a"b"#})
    );
}

#[test]
fn login_time_is_written_in_whole_seconds() {
    let login = UNIX_EPOCH + Duration::from_millis(NOW * 1000 - 100);
    let token = issuer().token("7").auth_time(login).issue().unwrap();
    assert_eq!(payload_of(&token)["auth_time"], NOW - 1);
    let claims = verifier().verify_token(&token).unwrap();
    let whole = UNIX_EPOCH + Duration::from_secs(NOW - 1);
    assert_eq!(claims.auth_time(), Some(whole));
    let without = verifier().verify_token(&issuer().issue("7").unwrap());
    assert_eq!(without.unwrap().auth_time(), None);
    // Of a node whose clock is ahead.
    let login = UNIX_EPOCH + Duration::from_secs(NOW + 1);
    assert!(issuer().token("7").auth_time(login).issue().is_ok());
    for (auth_time, expected) in [
        (json!(NOW), Ok(())),
        (json!(null), Ok(())),
        (json!("1767225600"), Err(IssueError::InvalidTime)),
        (json!(-1), Err(IssueError::InvalidTime)),
        (json!(1_767_225_600_000_u64), Err(IssueError::InvalidTime)),
    ] {
        let claims = json!({"sub": "7", "auth_time": auth_time});
        let issued = issuer().issue_claims(&claims);
        assert_eq!(issued.map(drop), expected, "{claims}");
    }
}

#[test]
fn custom_claims_cannot_shadow_registered_ones() {
    let names = [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "gen",
        "auth_time",
    ];
    for name in names {
        for value in [json!("7"), json!(1), json!(null), json!([])] {
            let claims = json!({"own": 1, name: value});
            let rejected = issuer().token("7").claims(&claims).issue();
            assert_eq!(rejected, Err(IssueError::RegisteredClaim), "{claims}");
        }
    }
    let claims = json!({"SUB": "8", "sub ": "9", "scope": "a b"});
    let token = issuer().token("7").claims(&claims).issue().unwrap();
    assert_eq!(accepted(&token).subject(), "7");
    assert!(accepted(&token).scopes().eq(["a", "b"]));
}

#[test]
fn custom_claims_must_be_one_object() {
    for claims in [
        json!(null),
        json!(1),
        json!("x"),
        json!([1]),
        json!([["sub", "8"]]),
    ] {
        let rejected = issuer().token("7").claims(&claims).issue();
        assert_eq!(rejected, Err(IssueError::ClaimsNotAnObject), "{claims}");
        let rejected = issuer()
            .token("7")
            .claims(&claims)
            .claims(&json!({}))
            .issue();
        assert_eq!(
            rejected,
            Err(IssueError::ClaimsNotAnObject),
            "{claims}, then an object"
        );
    }
    let issuer = issuer();
    let token = issuer
        .token("7")
        .claims(&json!({"a": 1, "b": 1}))
        .claims(&json!({"b": 2}));
    let payload = payload_of(&token.issue().unwrap());
    assert_eq!((&payload["a"], &payload["b"]), (&json!(1), &json!(2)));
}

#[test]
fn token_that_would_be_rejected_is_not_issued() {
    for subject in [
        "",
        "\0",
        "a\nb",
        "\u{7f}",
        "\u{85}",
        &"a".repeat(256),
        &"é".repeat(128),
    ] {
        assert_eq!(
            issuer().issue(subject),
            Err(IssueError::InvalidSubject),
            "{subject:?}"
        );
    }
    let nested = |levels: usize| (1..levels).fold(json!([]), |inner, _| json!([inner]));
    let token = issuer()
        .token("7")
        .claims(&json!({"x": nested(63)}))
        .issue()
        .unwrap();
    check(&token, ACCEPTED, "64 levels");
    let rejected = issuer()
        .token("7")
        .claims(&json!({"x": nested(64)}))
        .issue();
    assert_eq!(rejected, Err(IssueError::InvalidClaims));
}

#[test]
fn token_larger_than_8_kib_is_not_issued() {
    let mut largest = 0;
    for length in 5_900..6_100 {
        let token = issuer()
            .token("7")
            .claims(&json!({"x": "x".repeat(length)}))
            .issue();
        match token {
            Ok(token) => {
                largest = largest.max(token.len());
                check(&token, ACCEPTED, token.len());
            }
            Err(error) => assert_eq!(error, IssueError::TooLarge),
        }
    }
    assert_eq!(largest, 8_192);
}

#[test]
fn token_header_larger_than_1_kib_is_not_issued() {
    for (length, fits) in [(600, true), (732, true), (733, false), (2_000, false)] {
        let key = SigningKey::hs256(&secret()).key_id("k".repeat(length));
        let verifier = JwtVerifier::new(key.verifying_key()).clock(at(NOW as f64));
        match JwtIssuer::new(key).clock(at(NOW as f64)).issue("7") {
            Ok(token) => {
                check_with(&verifier, &token, ACCEPTED, length);
                assert!(fits, "{length}");
            }
            Err(error) => assert_eq!((error, fits), (IssueError::TooLarge, false), "{length}"),
        }
    }
}

#[test]
fn clock_out_of_range_issues_nothing() {
    let ends = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    for now in [
        UNIX_EPOCH - Duration::from_secs(1),
        ends,
        ends + Duration::from_secs(1),
        UNIX_EPOCH + Duration::from_secs(i64::MAX as u64),
    ] {
        let rejected = issuer().clock(Clock::from_fn(move || now)).issue("7");
        assert_eq!(rejected, Err(IssueError::ClockOutOfRange), "{now:?}");
    }
    let last = Clock::from_fn(move || ends - Duration::from_nanos(1_000_000));
    let token = issuer().clock(last.clone()).issue("7").unwrap();
    check_with(
        &verifier().clock(last),
        &token,
        ACCEPTED,
        "the last token of all",
    );
}

#[test]
fn issuer_audience_and_generation_round_trip() {
    let issuer = issuer().issuer("https://login.example").audience("orders");
    let ours = verifier()
        .issuer("https://login.example")
        .audience("orders");
    let ours = ours.clock(at(NOW as f64 + 0.75));
    let token = issuer.token("7").generation(u64::MAX).issue().unwrap();
    assert_eq!(
        ours.verify_token(&token).unwrap().generation(),
        Some(u64::MAX)
    );
    check(
        &token,
        UNEXPECTED_AUDIENCE,
        "a verifier without an audience",
    );
    let token = issuer.token("7").generation(0).issue().unwrap();
    let payload: Value = ours.verify_token(&token).unwrap().deserialize().unwrap();
    assert!(payload.get("gen").is_none(), "0 is the same as absent");
}

#[test]
fn each_of_several_issued_audiences_is_accepted() {
    let one = issuer().audience("orders").audience("orders");
    let token = one.issue("7").unwrap();
    assert_eq!(payload_by(&["orders"], &token)["aud"], "orders");

    let issuer = one.audience("mail");
    let token = issuer.issue("7").unwrap();
    for accepted in [
        &["orders"][..],
        &["mail"],
        &["other", "mail"],
        &["orders", "mail"],
    ] {
        assert_eq!(
            payload_by(accepted, &token)["aud"],
            json!(["orders", "mail"])
        );
    }
    let other = verifier().audience("other");
    check_with(&other, &token, AUDIENCE, "a verifier of another audience");
}

#[test]
fn issued_nbf_is_the_configured_time() {
    let begin = NOW + 60;
    let token = issuer().token("7").not_before(time(begin)).issue().unwrap();
    check_with(&verifier(), &token, NOT_YET_VALID, "a minute before");
    let then = verifier().clock(at(begin as f64));
    let claims = then.verify_token(&token).unwrap();
    assert_eq!(claims.not_before(), Some(time(begin)));
    // `exp` is relative to now, not to `nbf`.
    assert_eq!(claims.expires_at(), time(NOW + 7 * 24 * 3600));

    for (not_before, expected) in [
        (UNIX_EPOCH - Duration::from_secs(1), Some(0)),
        (UNIX_EPOCH, Some(0)),
        (time(NOW) + Duration::from_millis(700), Some(NOW)),
        (time(NOW + 89), Some(NOW + 89)),
        (time(NOW + 90), None),
        (time(253_402_300_800), None),
    ] {
        let issuer = issuer().lifetime(Duration::from_secs(90));
        let token = issuer.token("7").not_before(not_before).issue();
        let Some(seconds) = expected else {
            assert_eq!(token, Err(IssueError::InvalidTime), "{not_before:?}");
            continue;
        };
        let then = verifier().clock(at((NOW as f64 + 0.75).max(seconds as f64)));
        let claims = then.verify_token(&token.unwrap()).unwrap();
        assert_eq!(claims.not_before(), Some(time(seconds)), "{not_before:?}");
    }
}

#[test]
fn issued_jti_is_the_configured_id() {
    let longest = "j".repeat(255);
    for id in ["urn:uuid:1", "é", &longest] {
        let token = issuer().token("7").token_id(id).issue().unwrap();
        assert_eq!(accepted_later(&token).token_id(), Some(id));
    }
    for id in ["", "a\nb", "\0", &"j".repeat(256)] {
        let rejected = issuer().token("7").token_id(id).issue();
        assert_eq!(rejected, Err(IssueError::InvalidTokenId), "{id:?}");
    }
}

#[test]
fn registered_claims_struct_is_issued_as_given() {
    #[derive(serde::Serialize)]
    struct Old {
        sub: String,
        exp: u64,
        nbf: Option<u64>,
        aud: Option<String>,
        role: &'static str,
    }

    let issuer = issuer().issuer("https://login.example").audience("orders");
    let old = Old {
        sub: "7".to_owned(),
        exp: NOW + 900,
        nbf: None,
        aud: None,
        role: "editor",
    };
    let token = issuer.issue_claims(&old).unwrap();
    let payload = payload_by(&["orders"], &token);
    assert_eq!(payload["exp"], NOW + 900);
    assert_eq!(payload["role"], "editor");
    assert_eq!(payload["iat"], NOW);
    assert_eq!(payload["iss"], "https://login.example");
    assert_eq!(payload["aud"], "orders");
    assert_eq!(payload["jti"].as_str().unwrap().len(), 22);
    assert!(payload.get("nbf").is_none());

    let all = json!({
        "sub": "8", "exp": NOW + 1, "nbf": NOW - 1, "iat": NOW - 10, "jti": "j", "gen": 3,
        "iss": "https://login.example", "aud": ["orders"], "scope": "a b",
    });
    let token = issuer.issue_claims(&all).unwrap();
    assert_eq!(payload_by(&["orders"], &token), all);
}

#[test]
fn contradictory_registered_claims_are_rejected() {
    use IssueError::*;

    let bare = issuer().lifetime(Duration::from_secs(900));
    let named = bare.clone().issuer("https://login.example");
    let named = named.audience("orders").audience("mail");
    for (issuer, member, expected) in [
        (&bare, json!({"sub": null}), Err(InvalidSubject)),
        (&bare, json!({"sub": 7}), Err(InvalidSubject)),
        (&bare, json!({"sub": ""}), Err(InvalidSubject)),
        (&bare, json!({"exp": NOW}), Err(InvalidTime)),
        // Exactly the time of the clock.
        (&bare, json!({"exp": NOW as f64 + 0.75}), Err(InvalidTime)),
        (&bare, json!({"exp": NOW + 1}), Ok(())),
        (&bare, json!({"exp": NOW as f64 + 1.5}), Ok(())),
        (&bare, json!({"exp": NOW + 900}), Ok(())),
        (&bare, json!({"exp": NOW + 901}), Err(LifetimeExceeded)),
        (
            &bare,
            json!({"exp": (NOW + 900) * 1000}),
            Err(LifetimeExceeded),
        ),
        (&bare, json!({"exp": -1}), Err(InvalidTime)),
        (&bare, json!({"exp": "900"}), Err(InvalidTime)),
        (&bare, json!({"exp": null}), Ok(())),
        (&bare, json!({"iat": NOW}), Ok(())),
        (&bare, json!({"iat": 0}), Ok(())),
        (&bare, json!({"iat": NOW + 1}), Err(InvalidTime)),
        (&bare, json!({"iat": -1}), Err(InvalidTime)),
        (&bare, json!({"iat": true}), Err(InvalidTime)),
        (&bare, json!({"nbf": NOW + 900}), Err(InvalidTime)),
        (&bare, json!({"nbf": -1}), Err(InvalidTime)),
        (&bare, json!({"nbf": []}), Err(InvalidTime)),
        (&bare, json!({"jti": ""}), Err(InvalidTokenId)),
        (&bare, json!({"jti": 1}), Err(InvalidTokenId)),
        (&bare, json!({"gen": "1"}), Err(InvalidClaims)),
        (&bare, json!({"gen": -1}), Err(InvalidClaims)),
        (&bare, json!({"iss": 1}), Err(InvalidClaims)),
        (&bare, json!({"aud": []}), Err(InvalidClaims)),
        (&bare, json!({"aud": [1]}), Err(InvalidClaims)),
        (&named, json!({"iss": "https://login.example"}), Ok(())),
        (
            &named,
            json!({"iss": "https://evil.example"}),
            Err(IssuerMismatch),
        ),
        (&named, json!({"iss": 1}), Err(IssuerMismatch)),
        (&named, json!({"aud": ["mail", "orders"]}), Ok(())),
        (&named, json!({"aud": "orders"}), Err(AudienceMismatch)),
        (
            &named,
            json!({"aud": ["orders", "mail", "x"]}),
            Err(AudienceMismatch),
        ),
        (&named, json!({"aud": []}), Err(AudienceMismatch)),
    ] {
        let mut claims = json!({"sub": "7", "exp": NOW + 60});
        let more = member.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(more);
        let issued = issuer.issue_claims(&claims);
        assert_eq!(
            issued.as_ref().map(drop).map_err(|error| *error),
            expected,
            "{claims}"
        );
    }
    for claims in [json!(null), json!([["sub", "7"]]), json!("7")] {
        assert_eq!(bare.issue_claims(&claims), Err(ClaimsNotAnObject));
    }
    assert_eq!(
        bare.issue_claims(&json!({"exp": NOW + 60})),
        Err(InvalidSubject)
    );
}

fn issuer() -> JwtIssuer {
    JwtIssuer::hs256(&secret()).clock(at(NOW as f64 + 0.75))
}

fn payload_of(token: &str) -> Value {
    accepted_later(token).deserialize().unwrap()
}

/// Payload, as read by a verifier with these audiences.
fn payload_by(audiences: &[&str], token: &str) -> Value {
    let verifier = verifier().clock(at(NOW as f64 + 0.75));
    let named = |verifier: JwtVerifier, name: &&str| verifier.audience(*name);
    let verifier = audiences.iter().fold(verifier, named);
    verifier.verify_token(token).unwrap().deserialize().unwrap()
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Claims, verified at the time of [`issuer`].
fn accepted_later(token: &str) -> tower_warder::Claims {
    verifier()
        .clock(at(NOW as f64 + 0.75))
        .verify_token(token)
        .unwrap()
}
