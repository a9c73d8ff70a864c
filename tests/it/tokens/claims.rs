//! T9 to T11: registered claims are of their types, there is a subject, and issuer and audience are
//! ours.

use std::fmt::Display;

use super::forge::*;

#[test]
fn a_registered_claim_of_the_wrong_type_is_never_as_if_it_were_absent() {
    let strings = ["sub", "iss", "jti", "scope"];
    let numbers = ["exp", "nbf", "iat", "gen"];
    for name in strings.into_iter().chain(numbers).chain(["aud"]) {
        for value in ["null", "true", "false", "{}", r#"{"x":"7"}"#] {
            refuse_form(name, value);
        }
    }
    for name in strings {
        for value in [
            "0",
            "7",
            "1.5",
            "[]",
            r#"["7"]"#,
            r#"[["x"]]"#,
            r#"{"7":null}"#,
        ] {
            refuse_form(name, value);
        }
    }
    for name in numbers {
        for value in [
            r#""""#,
            r#""1767225600""#,
            r#""x""#,
            "[]",
            "[1767225600]",
            "-1",
            "-1e300",
        ] {
            refuse_form(name, value);
        }
    }
    for value in [
        "0",
        "1.5",
        "[1]",
        "[null]",
        r#"["x",1]"#,
        r#"["x",null]"#,
        r#"[["x"]]"#,
        r#"[{}]"#,
    ] {
        refuse_form("aud", value);
    }
}

#[test]
fn the_generation_is_a_whole_number() {
    for value in ["0", "1", "42", "18446744073709551615"] {
        let claims = accepted(&with_claims(format!(r#""gen":{value}"#)));
        assert_eq!(claims.generation().to_string(), value);
    }
    assert_eq!(accepted(&with_payload(PAYLOAD)).generation(), 0);
    for value in [
        "1.0",
        "1e3",
        "0.5",
        "-0",
        "-1",
        "18446744073709551616",
        r#""1""#,
        "1e400",
    ] {
        refuse_form("gen", value);
    }
}

#[test]
fn the_scope_is_words_between_blanks() {
    for (scope, words) in [
        ("", &[][..]),
        (" ", &[]),
        ("a", &["a"]),
        ("a b", &["a", "b"]),
        ("  a   b ", &["a", "b"]),
        (r"a\tb", &["a\tb"]),
        (r"\u0061 b", &["a", "b"]),
        ("a,b", &["a,b"]),
    ] {
        let claims = accepted(&with_claims(format!(r#""scope":"{scope}""#)));
        assert!(claims.scopes().eq(words.iter().copied()), "{scope}");
    }
}

#[test]
fn a_subject_is_a_string_of_1_to_255_bytes_without_control_characters() {
    for (subject, expected) in [
        ("7".to_owned(), ACCEPTED),
        (" ".to_owned(), ACCEPTED),
        ("jane@example.org".to_owned(), ACCEPTED),
        ("a".repeat(255), ACCEPTED),
        ("é".repeat(127), ACCEPTED),
        (r"\u00e9".repeat(127), ACCEPTED),
        (String::new(), SUBJECT),
        ("a".repeat(256), SUBJECT),
        ("é".repeat(128), SUBJECT),
        (r"\u0061".repeat(256), SUBJECT),
        ("a".repeat(5000), SUBJECT),
        (r"7\u0000".to_owned(), SUBJECT),
        (r"\r\nSet-Cookie: a=b".to_owned(), SUBJECT),
        (r"7\t".to_owned(), SUBJECT),
        (r"\u001b[31m".to_owned(), SUBJECT),
        (r"\u007f".to_owned(), SUBJECT),
        (r"\u0085".to_owned(), SUBJECT),
        ("7\u{80}".to_owned(), SUBJECT),
    ] {
        let payload = format!(r#"{{"sub":"{subject}","exp":1767229200}}"#);
        judge(&with_payload(payload), expected, subject);
    }
    judge(&with_payload(r#"{"exp":1767229200}"#), SUBJECT, "none");
    judge(
        &with_payload(r#"{"SUB":"7","exp":1767229200}"#),
        SUBJECT,
        "another name",
    );
}

#[test]
fn a_subject_is_read_as_it_stands() {
    for (written, read) in [
        ("7", "7"),
        ("+7", "+7"),
        ("07", "07"),
        (" 7 ", " 7 "),
        ("JANE", "JANE"),
        (r"j\u0061ne", "jane"),
        (r"\ud83e\udd80", "🦀"),
        ("e\u{301}", "e\u{301}"),
        (r#"a\"b\\"#, r#"a"b\"#),
    ] {
        let token = with_payload(format!(r#"{{"exp":1767229200,"sub":"{written}"}}"#));
        assert_eq!(accepted(&token).subject(), read);
    }
}

#[test]
fn a_configured_issuer_is_required_and_equal() {
    let ours = verifier().issuer("https://login.example");
    for (members, expected) in [
        (r#""iss":"https://login.example""#, ACCEPTED),
        (r#""iss":"https:\/\/login.example""#, ACCEPTED),
        (r#""iss":"https://login.example/""#, ISSUER),
        (r#""iss":"https://LOGIN.example""#, ISSUER),
        (r#""iss":"http://login.example""#, ISSUER),
        (r#""iss":" https://login.example""#, ISSUER),
        (r#""iss":"https://login.example\u0000""#, ISSUER),
        (r#""iss":"https://login.example.evil.example""#, ISSUER),
        (r#""iss":"""#, ISSUER),
        (r#""x":1"#, ISSUER),
        (r#""ISS":"https://login.example""#, ISSUER),
        (r#""iss":["https://login.example"]"#, JSON_CLAIMS),
        (r#""iss":["evil","https://login.example"]"#, JSON_CLAIMS),
        (r#""iss":null"#, JSON_CLAIMS),
        (r#""iss":{"https://login.example":null}"#, JSON_CLAIMS),
    ] {
        judge_with(&ours, &with_claims(members), expected, members);
    }
    judge(
        &with_claims(r#""iss":"anybody""#),
        ACCEPTED,
        "none configured",
    );
}

#[test]
fn a_configured_audience_is_required_and_one_matches() {
    let none = verifier();
    let one = verifier().audience("orders");
    let two = verifier().audience("orders").audience("stock");
    for (members, without, with_one, with_two) in [
        (r#""aud":"orders""#, AUDIENCE, ACCEPTED, ACCEPTED),
        (r#""aud":"stock""#, AUDIENCE, AUDIENCE, ACCEPTED),
        (r#""aud":["orders"]"#, AUDIENCE, ACCEPTED, ACCEPTED),
        (r#""aud":["x","orders","y"]"#, AUDIENCE, ACCEPTED, ACCEPTED),
        (r#""aud":["x","stock"]"#, AUDIENCE, AUDIENCE, ACCEPTED),
        (r#""aud":["ord\u0065rs"]"#, AUDIENCE, ACCEPTED, ACCEPTED),
        (r#""aud":"x""#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":"""#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":[]"#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":[""]"#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":"Orders""#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":"orders ""#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":"orders,stock""#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":"orders stock""#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":"ordersx""#, AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""AUD":"orders""#, ACCEPTED, AUDIENCE, AUDIENCE),
        (r#""x":1"#, ACCEPTED, AUDIENCE, AUDIENCE),
        (r#""aud":null"#, JSON_CLAIMS, JSON_CLAIMS, JSON_CLAIMS),
        (
            r#""aud":["orders",1]"#,
            JSON_CLAIMS,
            JSON_CLAIMS,
            JSON_CLAIMS,
        ),
    ] {
        let token = with_claims(members);
        judge_with(
            &none,
            &token,
            without,
            format!("none configured: {members}"),
        );
        judge_with(&one, &token, with_one, format!("one configured: {members}"));
        judge_with(&two, &token, with_two, format!("two configured: {members}"));
    }
}

#[test]
fn the_accessors_say_what_the_token_says() {
    let token = with_payload(
        r#"{"sub":"7","exp":1767229200.5,"nbf":1,"iat":0,"iss":"i\u0031","aud":["a","\u0062"],
            "jti":"","scope":"x","gen":3,"own":{"deep":[1]}}"#,
    );
    let claims = verifier().audience("b").verify_token(&token).unwrap();
    assert_eq!(claims.issuer(), Some("i1"));
    assert!(claims.audience().eq(["a", "b"]));
    assert_eq!(claims.token_id(), Some(""));
    let seconds = |time: std::time::SystemTime| {
        time.duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64()
    };
    assert_eq!(seconds(claims.expires_at()), 1_767_229_200.5);
    assert_eq!(claims.not_before().map(seconds), Some(1.0));
    assert_eq!(claims.issued_at().map(seconds), Some(0.0));
    let all: serde_json::Value = claims.custom().unwrap();
    assert_eq!(all["own"]["deep"][0], 1);
}

#[track_caller]
fn refuse_form(name: &str, value: impl Display) {
    let mut members = vec![format!(r#""{name}":{value}"#)];
    if name != "sub" {
        members.push(r#""sub":"7""#.to_owned());
    }
    if name != "exp" {
        members.push(r#""exp":1767229200"#.to_owned());
    }
    let token = with_payload(format!("{{{}}}", members.join(",")));
    judge(&token, JSON_CLAIMS, format!("{name}: {value}"));
}
