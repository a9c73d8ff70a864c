//! Property tests of tokens.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;
use tower_warder::JwtIssuer;

use super::forge::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn issued_token_is_accepted_and_round_trips(
        subject in "\\PC{1,60}",
        text in any::<String>(),
        number in any::<i64>(),
        float in -1e300..1e300,
        generation in any::<u64>(),
        issuer in any::<String>(),
        audience in any::<String>(),
    ) {
        let claims = json!({"text": text, "list": [number, float], &text: {"x": null}});
        let made = JwtIssuer::hs256(&secret())
            .clock(at(NOW as f64))
            .issuer(issuer.as_str())
            .audience(audience.as_str())
            .token(&subject)
            .generation(generation)
            .claims(&claims)
            .issue();
        let token = made.unwrap();
        let verifier = verifier().issuer(issuer.as_str()).audience(audience.as_str());
        let read = verifier.verify_token(&token).unwrap();
        prop_assert_eq!(read.subject(), subject);
        prop_assert_eq!(read.generation(), Some(generation));
        prop_assert_eq!(read.issuer(), Some(&*issuer));
        prop_assert!(read.audience().eq([&*audience]));
        let custom: serde_json::Value = read.deserialize().unwrap();
        for (name, value) in claims.as_object().unwrap().iter().filter(|(name, _)| *name != "list") {
            prop_assert_eq!(&custom[name], value);
        }
    }

    // Registered claims of any type: a verifier accepts every issued token from its `nbf` on.
    #[test]
    fn issued_claims_are_accepted(
        registered in vec((select(&REGISTERED[..]), registered()), 0..6),
        configured in any::<bool>(),
    ) {
        let mut claims = json!({"sub": "7", "own": 1});
        for (name, value) in registered {
            claims[name] = value;
        }
        let (mut issuer, mut verifier) = (JwtIssuer::hs256(&secret()), verifier());
        if configured {
            issuer = issuer.issuer("a").audience("a").audience("b");
            verifier = verifier.issuer("a").audience("b");
        }
        if let Ok(token) = issuer.clock(at(NOW as f64)).issue_claims(&claims) {
            let written: serde_json::Value =
                serde_json::from_slice(&decode(&segments(&token)[1])).unwrap();
            let audience = &written["aud"];
            for name in audience.as_str().into_iter().chain(
                audience.as_array().into_iter().flatten().filter_map(|name| name.as_str()),
            ) {
                verifier = verifier.audience(name);
            }
            let begin = written["nbf"].as_f64().unwrap_or(0.0).max(NOW as f64);
            let read = verifier.clock(at(begin)).verify_token(&token);
            prop_assert!(read.is_ok(), "{written} {read:?}");
            for (name, value) in claims.as_object().unwrap().iter().filter(|(_, it)| !it.is_null()) {
                prop_assert_eq!(&written[name], value);
            }
        }
    }

    #[test]
    fn token_with_one_changed_byte_is_rejected(subject in "[a-z0-9]{1,40}") {
        let token = JwtIssuer::hs256(&secret()).clock(at(NOW as f64)).issue(&subject).unwrap();
        let verifier = verifier();
        check_with(&verifier, &token, ACCEPTED, "unchanged");
        for position in 0..token.len() {
            for other in [b'A', b'Q', b'-', b'.', b'=', b' ', 0] {
                let mut changed = token.clone().into_bytes();
                if std::mem::replace(&mut changed[position], other) != other {
                    let changed = String::from_utf8(changed).unwrap();
                    prop_assert!(verifier.verify_token(&changed).is_err(), "{}", changed);
                }
            }
            let (before, after) = token.split_at(position);
            for changed in [[before, &after[1..]].concat(), [before, "A", after].concat()] {
                prop_assert!(verifier.verify_token(&changed).is_err(), "{}", changed);
            }
        }
    }

    #[test]
    fn token_with_any_byte_replaced_is_rejected(position in any::<Index>(), byte in 0..128_u8) {
        let mut changed = with_payload(PAYLOAD).into_bytes();
        let position = position.index(changed.len());
        if std::mem::replace(&mut changed[position], byte) != byte {
            let changed = String::from_utf8(changed).unwrap();
            prop_assert!(verifier().verify_token(&changed).is_err());
        }
    }

    #[test]
    fn arbitrary_text_does_not_panic_the_verifier(text in any::<String>(), parts in vec("[A-Za-z0-9_=-]{0,20}", 0..6)) {
        prop_assert!(verifier().verify_token(&text).is_err());
        prop_assert!(verifier().verify_token(&parts.join(".")).is_err());
    }

    #[test]
    fn signed_arbitrary_bytes_do_not_panic_the_verifier(
        header in vec(any::<u8>(), 1..80),
        payload in vec(any::<u8>(), 1..200),
    ) {
        prop_assert!(verifier().verify_token(&seal(&header, &payload)).is_err());
        prop_assert!(verifier().verify_token(&with_header(&header)).is_err());
        prop_assert!(verifier().verify_token(&with_payload(&payload)).is_err());
    }

    #[test]
    fn mutated_header_or_claims_do_not_panic_the_verifier(
        header in mutations(),
        payload in mutations(),
    ) {
        let full = r#"{"sub":"7","exp":1767229200,"nbf":1,"iat":1.5,"jti":"x","scope":"a","gen":1}"#;
        for token in [
            seal(mutate(HEADER, &header), full),
            seal(HEADER, mutate(full, &payload)),
            seal(mutate(HEADER, &header), mutate(full, &payload)),
        ] {
            // A mutated token that is accepted must be valid.
            if let Ok(claims) = verifier().verify_token(&token) {
                let subject = claims.subject();
                prop_assert!((1..=255).contains(&subject.len()));
                prop_assert!(!subject.contains(char::is_control));
                let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOW);
                prop_assert!(claims.expires_at() > now);
                let latest = now + std::time::Duration::from_secs(5);
                prop_assert!(claims.issued_at().is_none_or(|date| date <= latest));
                prop_assert!(claims.not_before().is_none_or(|date| date <= latest));
                prop_assert_eq!(claims.audience().count(), 0);
                let _ = (claims.token_id(), claims.scopes().count(), format!("{claims:?}"));
                let object: serde_json::Map<_, _> = claims.deserialize().unwrap();
                prop_assert_eq!(object["sub"].as_str(), Some(subject));
            }
        }
    }
}

const REGISTERED: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "gen"];

/// Values of registered claims.
fn registered() -> impl Strategy<Value = serde_json::Value> {
    let times = (NOW - 2..NOW + 700_000).prop_map(|seconds| json!(seconds));
    let texts = select(&["a", "b", "", "7", "a\nb"][..]).prop_map(|text| json!(text));
    let others = select(vec![
        json!(null),
        json!(-1),
        json!(1),
        json!(1.5),
        json!(9e99),
        json!(true),
        json!([]),
        json!(["a"]),
        json!(["b", "a"]),
        json!([1]),
        json!({}),
    ]);
    prop_oneof![times, texts, others]
}

/// Replacements of byte ranges.
pub(super) fn mutations() -> impl Strategy<Value = Vec<(Index, usize, &'static [u8])>> {
    let pieces: &[&[u8]] = &[
        b"",
        b"\"",
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"\\u0073ub",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"0",
        b"9",
        b"-",
        b".",
        b"e9",
        b"e999",
        b"null",
        b"true",
        b" ",
        b"\n",
        b"\0",
        b"\x80",
        b"\xc3\xa9",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\"sub\":\"8\",",
        b"\"crit\":[],",
        b"\"aud\":[],",
        b"\"exp\":9e99,",
        b"\"x\":{},",
    ];
    vec((any::<Index>(), 0..3_usize, select(pieces)), 1..4)
}

pub(super) fn mutate(json: &str, mutations: &[(Index, usize, &'static [u8])]) -> Vec<u8> {
    let mut bytes = json.as_bytes().to_vec();
    for (start, length, piece) in mutations {
        let start = start.index(bytes.len() + 1);
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, piece.iter().copied());
    }
    bytes
}
