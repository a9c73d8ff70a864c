//! Strict JSON: header and claims are each one complete object in UTF-8 without duplicate names.

use super::forge::*;

#[test]
fn header_and_claims_must_be_json_objects() {
    for (row, json) in [
        ("nothing", ""),
        ("blank", " "),
        ("null", "null"),
        ("number", "1"),
        ("string", r#""{}""#),
        (
            "array of pairs",
            r#"[["alg","HS256"],["sub","7"],["exp",1767229200]]"#,
        ),
        ("array of values", r#"["HS256","JWT",null,null]"#),
        (
            "array for JT's claims",
            r#"[1767229200,null,"7",null,null]"#,
        ),
        ("empty array", "[]"),
        (
            "object in an array",
            r#"[{"alg":"HS256","sub":"7","exp":1767229200}]"#,
        ),
        ("open", "{"),
        ("open string", r#"{"alg":"HS256"#),
        ("single quotes", "{'alg':'HS256'}"),
        ("bare name", r#"{alg:"HS256"}"#),
        ("number as a name", r#"{1:"HS256"}"#),
        ("null as a name", r#"{null:"HS256"}"#),
        ("XML", "<alg>HS256</alg>"),
        ("NUL", "\0"),
    ] {
        if !json.is_empty() {
            check(&with_header(json), JSON_HEADER, row);
            check(&with_payload(json), JSON_CLAIMS, row);
        }
    }
}

#[test]
fn data_around_the_json_object_is_rejected() {
    for (row, before, after) in [
        ("BOM", "\u{feff}", ""),
        ("NUL before", "\0", ""),
        ("NUL after", "", "\0"),
        ("another object", "", "{}"),
        ("comma", "", ","),
        ("brace", "", "}"),
        ("comment", "", "// x"),
        ("comment before", "/* x */", ""),
        ("no-break space", "", "\u{a0}"),
        ("form feed", "\u{c}", ""),
        ("a letter", "", "x"),
    ] {
        check(
            &with_header(format!("{before}{HEADER}{after}")),
            JSON_HEADER,
            row,
        );
        check(
            &with_payload(format!("{before}{PAYLOAD}{after}")),
            JSON_CLAIMS,
            row,
        );
    }
    // RFC 8259, section 2: white space is insignificant.
    let blanks = " \t\r\n";
    check(
        &seal(
            format!("{blanks}{HEADER}{blanks}"),
            format!("{blanks}{PAYLOAD}{blanks}"),
        ),
        ACCEPTED,
        "white space",
    );
}

#[test]
fn invalid_json_in_ignored_members_is_rejected() {
    for value in [
        "NaN",
        "Infinity",
        "-Infinity",
        "undefined",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "0x10",
        "1_000",
        "True",
        "nul",
        "'x'",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "[1 2]",
        "(1)",
        "\"\t\"",
        "\"\n\"",
        r#""\x41""#,
        r#""\u12""#,
        r#""\u{41}""#,
        r#"{1:2}"#,
        "",
    ] {
        check_ignored(value, false);
        check_ignored(&format!("[[{value},1]]"), false);
        check_ignored(&format!(r#"{{"y":{value}}}"#), false);
    }
    for value in [
        "null",
        "true",
        "-0",
        "1.5e3",
        "18446744073709551616",
        "[]",
        "{}",
        r#""\u0000""#,
        r#"[1,[2,{"y":[]}],"z"]"#,
        r#"{"y":null,"z":{}}"#,
    ] {
        check_ignored(value, true);
    }
}

#[test]
fn invalid_utf_8_is_rejected() {
    for (row, bytes) in [
        ("lone continuation", &b"\x80"[..]),
        ("no such byte", b"\xff"),
        ("cut off", b"\xe2\x82"),
        ("overlong NUL", b"\xc0\x80"),
        ("overlong slash", b"\xe0\x80\xaf"),
        ("surrogate", b"\xed\xa0\x80"),
        ("beyond U+10FFFF", b"\xf4\x90\x80\x80"),
        ("Latin-1", b"M\xfcller"),
    ] {
        for (before, after) in [
            (r#""x":""#, r#"""#),
            (r#"""#, r#"":1"#),
            (r#""x":[{"y":""#, r#""}]"#),
            (r#""x":{""#, r#"":1}"#),
        ] {
            let member = [before.as_bytes(), bytes, after.as_bytes()].concat();
            let header = [br#"{"alg":"HS256","#, &*member, b"}"].concat();
            let payload = [br#"{"sub":"7","exp":1767229200,"#, &*member, b"}"].concat();
            check(&with_header(header), JSON_HEADER, row);
            check(&with_payload(payload), JSON_CLAIMS, row);
        }
    }
}

#[test]
fn lone_surrogate_is_rejected() {
    for text in [
        r"\ud800",
        r"\udc00",
        r"\ud83d",
        r"\ude00",
        r"\ud83d\ud83d",
        r"\ud800\u0041",
        r"\ud800x",
        r"\ude00\ud83d",
        r"\uD800\n",
        r"a\udfffb",
    ] {
        check_ignored(&format!(r#""{text}""#), false);
        check_ignored(&format!(r#"["{text}"]"#), false);
        check_ignored(&format!(r#"{{"{text}":1}}"#), false);
        check_ignored(&format!(r#"[{{"y":{{"{text}":[]}}}}]"#), false);
        check_ignored(&format!(r#"1,"{text}":2"#), false);
        check(
            &with_header(format!(r#"{{"alg":"HS256","kid":"{text}"}}"#)),
            JSON_HEADER,
            text,
        );
        check(
            &with_payload(format!(r#"{{"exp":1767229200,"sub":"{text}"}}"#)),
            JSON_CLAIMS,
            text,
        );
    }
    check_ignored(r#""\ud83d\ude00""#, true);
    check_ignored(r#"{"\ud83d\ude00":1}"#, true);
}

#[test]
fn duplicate_member_name_is_rejected() {
    for (row, header) in [
        ("alg", r#"{"alg":"HS256","alg":"HS256"}"#),
        (
            "alg through an escape",
            r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        ),
        ("none first", r#"{"alg":"none","alg":"HS256"}"#),
        ("none last", r#"{"alg":"HS256","al\u0067":"none"}"#),
        ("typ", r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#),
        ("kid", r#"{"alg":"HS256","kid":"a","k\u0069d":"b"}"#),
        ("ignored", r#"{"alg":"HS256","x":1,"x":1}"#),
        (
            "ignored through an escape",
            r#"{"alg":"HS256","x":1,"\u0078":2}"#,
        ),
        ("empty", r#"{"alg":"HS256","":1,"":1}"#),
        ("crit", r#"{"alg":"HS256","crit":[],"crit":[]}"#),
    ] {
        check(&with_header(header), JSON_HEADER, row);
    }
    for name in [
        "sub", "exp", "nbf", "iat", "iss", "aud", "jti", "gen", "scope", "x", "", "é",
    ] {
        let value = match name {
            "exp" | "nbf" | "iat" => "1767225600",
            "gen" => "1",
            _ => r#""7""#,
        };
        let escaped: String = name
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04X}"))
            .collect();
        let others = match name {
            "sub" => r#""exp":1767229200"#,
            "exp" => r#""sub":"7""#,
            _ => r#""sub":"7","exp":1767229200"#,
        };
        for again in [name, &*escaped] {
            let json = format!(r#"{{"{name}":{value},{others},"{again}":{value}}}"#);
            check(&with_payload(&json), JSON_CLAIMS, json);
        }
    }
    // Names that look alike are different names.
    check(
        &with_claims(r#""x":1,"X":1,"x ":1,"é":1,"e\u0301":1"#),
        ACCEPTED,
        "others",
    );
}

#[test]
fn escaped_name_equals_the_plain_name() {
    let payload = r#"{"s\u0075b":"\u0037","\u0065xp":1767229200,"\u0061\u0075\u0064":"x"}"#;
    check(&with_payload(payload), UNEXPECTED_AUDIENCE, "aud");
    let payload = r#"{"s\u0075b":"\u0037","\u0065xp":1767229200}"#;
    assert_eq!(accepted(&with_payload(payload)).subject(), "7");
    check(
        &with_header(r#"{"\u0061lg":"\u0048S256"}"#),
        ACCEPTED,
        "alg",
    );
    check(
        &with_header(r#"{"alg":"HS256","cri\u0074":[]}"#),
        CRITICAL,
        "crit",
    );
}

#[test]
fn nesting_is_limited_to_64_levels_in_ignored_members() {
    // The claims object itself is the first level.
    for (levels, passes) in [(1, true), (63, true), (64, false), (65, false), (90, false)] {
        for wrap in [
            |inner: String, _: usize| format!("[{inner}]"),
            |inner, _| format!(r#"{{"y":{inner}}}"#),
            |inner, _| format!("[1,[],{inner}]"),
            |inner, level| match level % 2 {
                0 => format!("[{inner}]"),
                _ => format!(r#"{{"y":{inner}}}"#),
            },
        ] {
            check_ignored(&(1..levels).fold("[]".to_owned(), wrap), passes);
        }
    }
    let deep = format!(r#""x":{}{}"#, "[".repeat(2900), "]".repeat(2900));
    check(&with_claims(deep), JSON_CLAIMS, "as deep as a token can be");
    let open = format!(r#""x":{}"#, "[".repeat(5800));
    check(
        &with_claims(open),
        JSON_CLAIMS,
        "as deep as a token can be, and open",
    );
    let wide = format!(r#""x":[{}1]"#, "[],".repeat(1800));
    check(&with_claims(wide), ACCEPTED, "wide and not deep");
}

/// Checks a value of an ignored member in the header and in the claims.
#[track_caller]
fn check_ignored(value: &str, passes: bool) {
    let choose = |rejected| if passes { ACCEPTED } else { rejected };
    let header = format!(r#"{{"alg":"HS256","x":{value}}}"#);
    if header.len() <= 768 {
        check(&with_header(header), choose(JSON_HEADER), value);
    }
    check(
        &with_claims(format!(r#""x":{value}"#)),
        choose(JSON_CLAIMS),
        value,
    );
}
