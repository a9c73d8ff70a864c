//! Types of registered claims; rules for subject, issuer, audience, scope and generation.

use tower_warder::error::ConfigError;
use tower_warder::jwt::IssueError;
use tower_warder::private::rare_claim;
use tower_warder::{AuthError, Claims, JwtIssuer};

use super::forge::*;

#[test]
fn registered_claim_of_wrong_type_is_rejected() {
    let (texts, dates) = (["sub", "iss"], ["exp", "nbf", "iat"]);
    for name in texts.into_iter().chain(dates).chain(["aud"]) {
        for value in ["true", "false", "{}", r#"{"x":"7"}"#, r#"[["x"]]"#] {
            reject_type(name, value);
        }
    }
    for name in texts {
        for value in ["0", "7", "-7", "1.5", "[]", r#"["7"]"#, r#"{"7":null}"#] {
            reject_type(name, value);
        }
    }
    for name in dates {
        for value in [r#""""#, r#""1767225600""#, r#""x""#, "[]", "[1767225600]"] {
            reject_type(name, value);
        }
        for value in ["-1", "-0.5", "-1e300", "1e300", "253402300800"] {
            reject(name, value, &format!("{}_range", code(name)));
        }
    }
    for value in [
        "0",
        "1.5",
        "[1]",
        "[null]",
        r#"["x",1]"#,
        r#"["x",null]"#,
        r#"[{}]"#,
    ] {
        reject_type("aud", value);
    }
}

#[test]
fn null_claim_is_absent() {
    for name in ["nbf", "iat", "iss", "aud", "jti", "scope", "gen"] {
        let claims = accepted(&with_claims(format!(r#""{name}":null"#)));
        assert_eq!((claims.not_before(), claims.issued_at()), (None, None));
        assert_eq!((claims.issuer(), claims.token_id()), (None, None));
        assert_eq!((claims.audience().count(), claims.scopes().count()), (0, 0));
        assert_eq!(claims.generation(), Some(0));
        // A duplicate is rejected even if both are `null`.
        let twice = with_claims(format!(r#""{name}":null,"{name}":null"#));
        check(&twice, JSON_CLAIMS, name);
    }
    reject("sub", "null", NO_SUBJECT);
    reject("exp", "null", NO_EXPIRY);
    let token = with_claims(r#""iss":null,"aud":null"#);
    check_with(&verifier().issuer("i"), &token, NO_ISSUER, "demanded");
    check_with(&verifier().audience("a"), &token, NO_AUDIENCE, "demanded");
}

#[test]
fn unread_claim_may_have_any_type() {
    for name in ["jti", "scope", "gen", "scp", "permissions", "azp", "typ"] {
        for value in [
            "0",
            "-1",
            "1.5",
            "true",
            "{}",
            "[]",
            "[1]",
            r#"["x",1]"#,
            r#"[["x"]]"#,
            r#"{"x":[1]}"#,
        ] {
            let claims = accepted(&with_claims(format!(r#""{name}":{value}"#)));
            assert_eq!(claims.token_id(), None, "{name}: {value}");
            assert_eq!(claims.scopes().count(), 0, "{name}: {value}");
        }
    }
}

#[test]
fn generation_is_an_integer_or_absent() {
    for value in ["0", "1", "42", "18446744073709551615"] {
        let claims = accepted(&with_claims(format!(r#""gen":{value}"#)));
        assert_eq!(claims.generation().unwrap().to_string(), value);
    }
    assert_eq!(accepted(&with_payload(PAYLOAD)).generation(), Some(0));
    for value in [
        "1.0",
        "1e3",
        "0.5",
        "-0",
        "-1",
        "18446744073709551616",
        r#""1""#,
        "true",
        "[1]",
        "{}",
    ] {
        let claims = accepted(&with_claims(format!(r#""gen":{value}"#)));
        assert_eq!(claims.generation(), None, "{value}");
    }
}

#[test]
fn generation_is_read_from_the_configured_claim() {
    let verifier = verifier().generation_claim("ver");
    for (members, expected) in [
        (r#""ver":3,"gen":"x""#, Some(3)),
        (r#""gen":3"#, Some(0)),
        (r#""ver":null"#, Some(0)),
        (r#""ver":"3""#, None),
    ] {
        let claims = verifier.verify_token(&with_claims(members)).unwrap();
        assert_eq!(claims.generation(), expected, "{members}");
    }
    let issuer = JwtIssuer::hs256(&secret()).clock(at(NOW as f64));
    let issuer = issuer.generation_claim("ver");
    let own = serde_json::json!({"gen": "mine"});
    let token = issuer.token("7").generation(3).claims(&own).issue();
    let claims = verifier.verify_token(&token.unwrap()).unwrap();
    assert_eq!(claims.generation(), Some(3));
    let twice = issuer.token("7").claims(&serde_json::json!({"ver": 4}));
    assert_eq!(twice.issue(), Err(IssueError::RegisteredClaim));
    let issuer = issuer.generation_claim("exp");
    let token = issuer.token("7").generation(3).issue();
    assert_eq!(token, Err(IssueError::RegisteredClaim));
}

#[test]
fn scope_may_be_an_array() {
    for (scope, expected) in [
        (r#"["a","b"]"#, &["a", "b"][..]),
        (r#"["\u0061","b"]"#, &["a", "b"]),
        (r#"["a b","",","]"#, &["a b", ","]),
        ("[]", &[]),
        (r#"[""]"#, &[]),
    ] {
        let claims = accepted(&with_claims(format!(r#""scope":{scope}"#)));
        assert!(claims.scopes().eq(expected.iter().copied()), "{scope}");
    }
}

#[test]
fn scopes_are_read_from_all_configured_claims() {
    let verifier = verifier().scope_claims(["scp", "permissions", "scope"]);
    for (members, expected) in [
        (r#""scp":"a  b""#, &["a", "b"][..]),
        (r#""scp":["a","b c"]"#, &["a", "b c"]),
        (
            r#""permissions":["p:\u0061"],"scope":"s t","scp":"a""#,
            &["a", "p:a", "s", "t"],
        ),
        (r#""scope":["s"],"scp":null"#, &["s"]),
        (r#""scp":"","permissions":[]"#, &[]),
        (r#""roles":["admin"]"#, &[]),
        (r#""x":1"#, &[]),
    ] {
        let claims = verifier.verify_token(&with_claims(members)).unwrap();
        assert!(claims.scopes().eq(expected.iter().copied()), "{members}");
    }
    for value in ["0", "true", "{}", "[1]", r#"["a",1]"#, r#"[["a"]]"#] {
        for name in ["scp", "permissions", "scope"] {
            let token = with_claims(format!(r#""{name}":{value}"#));
            check_with(&verifier, &token, SCOPE_TYPE, format!("{name}: {value}"));
        }
    }
    // The configured claims replace `scope`.
    let verifier = self::verifier().scope_claims(["scp"]);
    let claims = verifier.verify_token(&with_claims(r#""scope":"admin""#));
    assert_eq!(claims.unwrap().scopes().count(), 0);
}

#[test]
fn scope_is_space_separated_words() {
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
fn subject_is_1_to_255_bytes_without_control_characters() {
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
        check(&with_payload(payload), expected, subject);
    }
    check(&with_payload(r#"{"exp":1767229200}"#), NO_SUBJECT, "none");
    check(
        &with_payload(r#"{"SUB":"7","exp":1767229200}"#),
        NO_SUBJECT,
        "another name",
    );
}

#[test]
fn subject_is_not_normalized() {
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
fn subject_is_the_first_present_configured_claim() {
    let verifier = verifier().subject_claims(["sub", "client_id", "azp"]);
    for (members, expected) in [
        (r#""sub":"7","client_id":"c""#, Ok("7")),
        (r#""client_id":"c","sub":"7""#, Ok("7")),
        (r#""azp":"a","client_id":"c""#, Ok("c")),
        (r#""client_id":"\u0063","sub":null"#, Ok("c")),
        (r#""azp":"a""#, Ok("a")),
        (r#""sub":null,"client_id":null"#, Err(NO_SUBJECT)),
        (r#""username":"u""#, Err(NO_SUBJECT)),
        (r#""sub":"","client_id":"c""#, Err(SUBJECT)),
        (r#""client_id":"a\nb""#, Err(SUBJECT)),
        (r#""client_id":7"#, Err(SUBJECT_TYPE)),
        (r#""client_id":["c"]"#, Err(SUBJECT_TYPE)),
        (r#""sub":7,"client_id":"c""#, Err(SUBJECT_TYPE)),
        (r#""sub":"7","azp":{}"#, Err(SUBJECT_TYPE)),
        (r#""azp":"a","azp":"b""#, Err(JSON_CLAIMS)),
    ] {
        let token = with_payload(format!(r#"{{"exp":1767229200,{members}}}"#));
        let verified = verifier.verify_token(&token);
        let subject = verified.as_ref().map(Claims::subject);
        assert_eq!(subject.map_err(AuthError::reason), expected, "{members}");
    }
    // The configured claims replace `sub`.
    let verifier = self::verifier().subject_claims(["username"]);
    let claims = verifier.verify_token(&with_claims(r#""username":"u""#));
    assert_eq!(claims.unwrap().subject(), "u");
    check_with(&verifier, &with_payload(PAYLOAD), NO_SUBJECT, "sub alone");
}

#[test]
fn numeric_subject_is_an_integer_if_configured() {
    let numeric = verifier().numeric_subject(true);
    let other = verifier()
        .numeric_subject(true)
        .subject_claims(["id", "sub"]);
    for (value, expected) in [
        ("7", Ok("7")),
        ("0", Ok("0")),
        ("-7", Ok("-7")),
        ("18446744073709551615", Ok("18446744073709551615")),
        ("-9223372036854775808", Ok("-9223372036854775808")),
        (r#""07""#, Ok("07")),
        ("-0", Err(SUBJECT_TYPE)),
        ("7.0", Err(SUBJECT_TYPE)),
        ("7e0", Err(SUBJECT_TYPE)),
        ("1.5", Err(SUBJECT_TYPE)),
        ("18446744073709551616", Err(SUBJECT_TYPE)),
        ("true", Err(SUBJECT_TYPE)),
        ("[7]", Err(SUBJECT_TYPE)),
        ("null", Err(NO_SUBJECT)),
        ("07", Err(JSON_CLAIMS)),
        ("+7", Err(JSON_CLAIMS)),
    ] {
        for (verifier, name) in [(&numeric, "sub"), (&other, "id"), (&other, "sub")] {
            let token = with_payload(format!(r#"{{"{name}":{value},"exp":1767229200}}"#));
            let verified = verifier.verify_token(&token);
            let subject = verified.as_ref().map(Claims::subject);
            assert_eq!(subject.map_err(AuthError::reason), expected, "{value}");
        }
    }
    let token = with_payload(r#"{"sub":7,"exp":1767229200}"#);
    check(&token, SUBJECT_TYPE, "by default");
    let off = verifier().numeric_subject(false);
    check_with(&off, &token, SUBJECT_TYPE, "off");
}

#[test]
fn configured_issuer_must_be_present_and_equal() {
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
        (r#""x":1"#, NO_ISSUER),
        (r#""ISS":"https://login.example""#, NO_ISSUER),
        (r#""iss":["https://login.example"]"#, ISSUER_TYPE),
        (r#""iss":["evil","https://login.example"]"#, ISSUER_TYPE),
        (r#""iss":null"#, NO_ISSUER),
        (r#""iss":{"https://login.example":null}"#, ISSUER_TYPE),
    ] {
        check_with(&ours, &with_claims(members), expected, members);
    }
    check(
        &with_claims(r#""iss":"anybody""#),
        ACCEPTED,
        "none configured",
    );
}

#[test]
fn configured_audience_must_be_present_and_match() {
    let none = verifier();
    let one = verifier().audience("orders");
    let two = verifier().audience("orders").audience("stock");
    for (members, without, with_one, with_two) in [
        (r#""aud":"orders""#, UNEXPECTED_AUDIENCE, ACCEPTED, ACCEPTED),
        (r#""aud":"stock""#, UNEXPECTED_AUDIENCE, AUDIENCE, ACCEPTED),
        (
            r#""aud":["orders"]"#,
            UNEXPECTED_AUDIENCE,
            ACCEPTED,
            ACCEPTED,
        ),
        (
            r#""aud":["x","orders","y"]"#,
            UNEXPECTED_AUDIENCE,
            ACCEPTED,
            ACCEPTED,
        ),
        (
            r#""aud":["x","stock"]"#,
            UNEXPECTED_AUDIENCE,
            AUDIENCE,
            ACCEPTED,
        ),
        (
            r#""aud":["ord\u0065rs"]"#,
            UNEXPECTED_AUDIENCE,
            ACCEPTED,
            ACCEPTED,
        ),
        (r#""aud":"x""#, UNEXPECTED_AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":"""#, UNEXPECTED_AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":[]"#, UNEXPECTED_AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":[""]"#, UNEXPECTED_AUDIENCE, AUDIENCE, AUDIENCE),
        (r#""aud":"Orders""#, UNEXPECTED_AUDIENCE, AUDIENCE, AUDIENCE),
        (
            r#""aud":"orders ""#,
            UNEXPECTED_AUDIENCE,
            AUDIENCE,
            AUDIENCE,
        ),
        (
            r#""aud":"orders,stock""#,
            UNEXPECTED_AUDIENCE,
            AUDIENCE,
            AUDIENCE,
        ),
        (
            r#""aud":"orders stock""#,
            UNEXPECTED_AUDIENCE,
            AUDIENCE,
            AUDIENCE,
        ),
        (
            r#""aud":"ordersx""#,
            UNEXPECTED_AUDIENCE,
            AUDIENCE,
            AUDIENCE,
        ),
        (r#""AUD":"orders""#, ACCEPTED, NO_AUDIENCE, NO_AUDIENCE),
        (r#""x":1"#, ACCEPTED, NO_AUDIENCE, NO_AUDIENCE),
        (r#""aud":null"#, ACCEPTED, NO_AUDIENCE, NO_AUDIENCE),
        (
            r#""aud":["orders",1]"#,
            AUDIENCE_TYPE,
            AUDIENCE_TYPE,
            AUDIENCE_TYPE,
        ),
    ] {
        let token = with_claims(members);
        check_with(
            &none,
            &token,
            without,
            format!("none configured: {members}"),
        );
        check_with(&one, &token, with_one, format!("one configured: {members}"));
        check_with(&two, &token, with_two, format!("two configured: {members}"));
    }
}

#[test]
fn issuer_may_be_one_of_several() {
    let listed = verifier().issuers(["https://a.example", "https://b.example"]);
    let long = verifier()
        .issuer_check(|issuer, claims| issuer.ends_with(".example") && claims.subject() == "7");
    for (issuer, in_list, by_check) in [
        (r#""https://a.example""#, ACCEPTED, ACCEPTED),
        (r#""https:\/\/b.example""#, ACCEPTED, ACCEPTED),
        (r#""https://c.example""#, ISSUER, ACCEPTED),
        (r#""https://a.example/""#, ISSUER, ISSUER),
        (r#""""#, ISSUER, ISSUER),
        ("null", NO_ISSUER, NO_ISSUER),
        ("7", ISSUER_TYPE, ISSUER_TYPE),
    ] {
        let token = with_claims(format!(r#""iss":{issuer}"#));
        check_with(&listed, &token, in_list, issuer);
        check_with(&long, &token, by_check, issuer);
    }
    for verifier in [&listed, &long] {
        check_with(verifier, &with_payload(PAYLOAD), NO_ISSUER, "none");
    }
    let none = verifier().issuers(Vec::<String>::new());
    let token = with_claims(r#""iss":"https://a.example""#);
    check_with(&none, &token, ISSUER, "an empty list");
    check_with(&listed.issuer("x"), &token, ISSUER, "the last rule counts");
}

#[test]
fn issuer_template_uses_the_tenant_of_the_token() {
    let template = "https://login.example/{tenantid}/v2.0";
    let entra = verifier().issuer_template(template).unwrap();
    for (tenant, issuer, expected) in [
        (r#""t1""#, "https://login.example/t1/v2.0", ACCEPTED),
        (r#""t\u0031""#, "https://login.example/t1/v2.0", ACCEPTED),
        (r#""t1""#, "https://login.example/t2/v2.0", ISSUER),
        (r#""T1""#, "https://login.example/t1/v2.0", ISSUER),
        (r#""t1""#, "https://login.example/t1/v2.0/", ISSUER),
        (r#""t1""#, "https://login.example/t1", ISSUER),
        (r#""t1""#, "https://evil.example/t1/v2.0", ISSUER),
        (r#""""#, "https://login.example//v2.0", ISSUER),
        (r#""a/b""#, "https://login.example/a/b/v2.0", ISSUER),
        (r#""{tenantid}""#, "https://login.example/t1/v2.0", ISSUER),
        (r#"["t1"]"#, "https://login.example/t1/v2.0", ISSUER),
        ("1", "https://login.example/1/v2.0", ISSUER),
        ("null", "https://login.example/null/v2.0", ISSUER),
        ("null", "https://login.example/{tenantid}/v2.0", ISSUER),
    ] {
        let token = with_claims(format!(r#""tid":{tenant},"iss":"{issuer}""#));
        check_with(&entra, &token, expected, format!("{tenant} {issuer}"));
    }
    let token = with_claims(r#""iss":"https://login.example/t1/v2.0""#);
    check_with(&entra, &token, ISSUER, "no tenant");
    check_with(
        &entra,
        &with_claims(r#""tid":"t1""#),
        NO_ISSUER,
        "no issuer",
    );
    for template in ["https://login.example/", "{tenant}", "{tenantid}{tenantid}"] {
        let error = verifier().issuer_template(template).unwrap_err();
        assert!(
            matches!(&error, ConfigError::InvalidIssuerTemplate(text) if text == template),
            "{error:?}"
        );
    }
}

#[test]
fn issuer_rule_applies_immediately_to_cached_tokens() {
    let token = with_claims(r#""iss":"https://a.example","client_id":"c""#);
    let cached = verifier().cache(16);
    check_with(&cached, &token, ACCEPTED, "cached");
    let others = [
        cached.clone().issuers(["https://b.example"]),
        cached
            .clone()
            .issuer_template("https://{tenantid}/")
            .unwrap(),
        cached.clone().issuer_check(|_, _| false),
    ];
    for verifier in others {
        check_with(&verifier, &token, ISSUER, format!("{verifier:?}"));
    }
    let named = cached.clone().audience_claim("client_id");
    check_with(&named, &token, UNEXPECTED_AUDIENCE, "an audience");
    let scoped = cached.scope_claims(["iss"]);
    assert_eq!(scoped.verify_token(&token).unwrap().scopes().count(), 1);
}

#[test]
fn audience_may_come_from_another_claim() {
    let cognito = verifier().audience_claim("client_id").audience("c");
    for (members, expected) in [
        (r#""client_id":"c""#, ACCEPTED),
        (r#""client_id":["x","\u0063"]"#, ACCEPTED),
        (r#""client_id":"x""#, AUDIENCE),
        (r#""client_id":[]"#, AUDIENCE),
        (r#""client_id":null"#, NO_AUDIENCE),
        (r#""x":1"#, NO_AUDIENCE),
        (r#""client_id":7"#, AUDIENCE_TYPE),
        (r#""client_id":["c",7]"#, AUDIENCE_TYPE),
        // An ID token of the same client is not an access token.
        (r#""aud":"c""#, NO_AUDIENCE),
        (r#""client_id":"c","aud":"c""#, ACCEPTED),
        (r#""client_id":"c","aud":null"#, ACCEPTED),
        (r#""client_id":"c","aud":"another api""#, AUDIENCE),
        (r#""client_id":"c","aud":7"#, AUDIENCE_TYPE),
        (r#""client_id":"x","aud":"c""#, AUDIENCE),
    ] {
        check_with(&cognito, &with_claims(members), expected, members);
    }
    let bound = cognito.audience("https://api.example");
    let token = with_claims(r#""client_id":"c","aud":"https://api.example""#);
    check_with(&bound, &token, ACCEPTED, "bound to a resource");
}

#[test]
fn rare_claim_is_found_if_it_is_a_string() {
    for (members, expected) in [
        (r#""purpose":"reset""#, Some("reset")),
        (r#""purpose":"re\u0073et""#, Some("reset")),
        (r#""purpose":"""#, Some("")),
        (r#""other":"purpose""#, None),
        (r#""other":{"purpose":"reset"}"#, None),
        (r#""purpose":7"#, None),
        (r#""purpose":["reset"]"#, None),
        (r#""purpose":null"#, None),
        (r#""x":1"#, None),
        // As documented: no issuer writes a name with escapes.
        (r#""purpos\u0065":"reset""#, None),
    ] {
        let claims = accepted(&with_claims(members));
        let found = rare_claim(&claims, "purpose");
        assert_eq!(found.as_deref(), expected, "{members}");
    }
}

#[test]
fn accessors_return_the_token_claims() {
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
    let all: serde_json::Value = claims.deserialize().unwrap();
    assert_eq!(all["own"]["deep"][0], 1);
}

#[track_caller]
fn reject_type(name: &str, value: &str) {
    reject(name, value, &format!("{}_type", code(name)));
}

#[track_caller]
fn reject(name: &str, value: &str, expected: &str) {
    let mut members = vec![format!(r#""{name}":{value}"#)];
    if name != "sub" {
        members.push(r#""sub":"7""#.to_owned());
    }
    if name != "exp" {
        members.push(r#""exp":1767229200"#.to_owned());
    }
    let token = with_payload(format!("{{{}}}", members.join(",")));
    check(&token, expected, format!("{name}: {value}"));
}

/// Name of the claim in reason codes.
fn code(name: &str) -> &str {
    match name {
        "sub" => "subject",
        "exp" => "expiry",
        "nbf" => "not_before",
        "iat" => "issued_at",
        "iss" => "issuer",
        "aud" => "audience",
        _ => name,
    }
}
