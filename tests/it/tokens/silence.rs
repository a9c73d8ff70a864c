//! No part of a rejected token is in errors or responses.

use std::error::Error;

use axum::body::Body;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use tower_warder::AuthError;

use super::forge::*;
use super::source::app_of;
use crate::support::send;

#[test]
fn error_texts_contain_no_part_of_the_token() {
    for token in rejected_tokens() {
        let error = verifier()
            .issuer("i")
            .audience("a")
            .verify_token(&token)
            .unwrap_err();
        let mut shown = vec![
            format!("{error} {error:?} {error:#?}"),
            error.detail().to_owned(),
            error.code().to_owned(),
            format!("{:?}", error.challenge()),
        ];
        let mut source: Option<&dyn Error> = Some(&error);
        while let Some(error) = source {
            shown.push(format!("{error} {error:?} {error:#?}"));
            source = error.source();
        }
        for text in shown {
            assert_silent(&text, &token);
        }
    }
}

#[test]
fn custom_claim_error_texts_contain_no_part_of_the_token() {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Own {
        own: u8,
    }

    let token = with_claims(format!(r#""own":"{MARK}""#));
    let error: AuthError = accepted(&token)
        .deserialize::<Own>()
        .map(|_| ())
        .unwrap_err();
    assert_silent(&format!("{error} {error:?} {:?}", error.source()), &token);
}

#[tokio::test]
async fn responses_contain_no_part_of_the_token() {
    let app = app_of(verifier().issuer("i").audience("a"));
    for token in rejected_tokens() {
        let Ok(value) = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()) else {
            continue;
        };
        let request = Request::get("/me").header(AUTHORIZATION, value);
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{token}");
        assert_silent(&format!("{:?} {}", answer.headers, answer.body), &token);
    }
}

/// Marker in every token, with a line break and a quote where JSON can express them.
const MARK: &str = r#"Zq8Kw3\r\nSet-Cookie: Zq8Kw3=\"Zq8Kw3\""#;

fn rejected_tokens() -> Vec<String> {
    let [header, payload, signature] = segments(&with_claims(format!(r#""x":"{MARK}""#)));
    vec![
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.Zq8Kw3Zq8Kw3"),
        "Zq8Kw3".to_owned(),
        "Zq8Kw3.Zq8Kw3.Zq8Kw3".to_owned(),
        "Zq8Kw3\r\n.Zq8Kw3\".Zq8Kw3".to_owned(),
        "Zq8Kw3".repeat(2_000),
        with_header(MARK),
        with_header(format!(r#"{{"{MARK}"#)),
        with_header(format!(r#"{{"alg":"{MARK}"}}"#)),
        with_header(format!(r#"{{"alg":{{"{MARK}":null}}}}"#)),
        with_header(format!(r#"{{"alg":["{MARK}"]}}"#)),
        with_header(format!(r#"{{"{MARK}":1,"{MARK}":1}}"#)),
        with_header(format!(r#"{{"alg":"HS256","typ":"{MARK}"}}"#)),
        with_header(format!(r#"{{"alg":"HS256","crit":["{MARK}"]}}"#)),
        with_header(format!(r#"{{"alg":"HS256","kid":["{MARK}"]}}"#)),
        with_payload(MARK),
        with_payload(format!(r#"["{MARK}"]"#)),
        with_payload(format!(r#"{{"sub":"{MARK}","exp":1767229200}}"#)),
        with_payload(format!(r#"{{"sub":"7","exp":"{MARK}"}}"#)),
        with_payload(format!(r#"{{"sub":"7","exp":1,"iss":"{MARK}"}}"#)),
        with_claims(format!(r#""iss":"{MARK}""#)),
        with_claims(format!(r#""iss":"i","aud":"{MARK}""#)),
        with_claims(format!(r#""gen":"{MARK}""#)),
        with_claims(format!(r#""{MARK}":1,"{MARK}":1"#)),
    ]
}

#[track_caller]
fn assert_silent(text: &str, token: &str) {
    assert!(!text.contains("Zq8Kw3"), "{text}");
    assert!(!text.contains("Set-Cookie"), "{text}");
    for segment in token.split('.').filter(|segment| segment.len() > 8) {
        // A truncated segment counts as well.
        assert!(
            !text.contains(&segment[..8]),
            "{text} has a piece of {token}"
        );
    }
}
