//! Token headers: algorithm, critical extensions, keys in headers, token types and key ids.

use hmac::{Hmac, KeyInit};
use sha2::{Sha384, Sha512};
use tower_warder::keys::{KeyRing, SigningKey, VerifyingKey};
use tower_warder::{JwtIssuer, JwtVerifier};

use super::forge::*;

#[test]
fn alg_must_be_the_algorithm_of_the_key() {
    for (alg, expected) in [
        (r#""HS256""#, ACCEPTED),
        (r#""none""#, ALGORITHM),
        (r#""None""#, ALGORITHM),
        (r#""NONE""#, ALGORITHM),
        (r#""nOnE""#, ALGORITHM),
        (r#""""#, ALGORITHM),
        (r#""hs256""#, ALGORITHM),
        (r#""HS256 ""#, ALGORITHM),
        (r#"" HS256""#, ALGORITHM),
        (r#""HS256\u0000""#, ALGORITHM),
        (r#""HS2""#, ALGORITHM),
        (r#""HS384""#, ALGORITHM),
        (r#""HS512""#, ALGORITHM),
        (r#""RS256""#, ALGORITHM),
        (r#""ES256""#, ALGORITHM),
        (r#""EdDSA""#, ALGORITHM),
        (r#""dir""#, ALGORITHM),
        (r#""*""#, ALGORITHM),
        (r#"{"HS256":null}"#, JSON_HEADER),
        (r#"{"HS256":[]}"#, JSON_HEADER),
        (r#"["HS256"]"#, JSON_HEADER),
        ("[]", JSON_HEADER),
        ("null", JSON_HEADER),
        ("true", JSON_HEADER),
        ("256", JSON_HEADER),
        ("0", JSON_HEADER),
    ] {
        check(&with_header(format!(r#"{{"alg":{alg}}}"#)), expected, alg);
    }
    for header in [
        "{}",
        r#"{"typ":"JWT"}"#,
        r#"{"ALG":"HS256"}"#,
        r#"{"Alg":"HS256"}"#,
    ] {
        check(&with_header(header), ALGORITHM, header);
    }
}

#[test]
fn unsigned_token_is_rejected_for_every_alg() {
    let payload = encode(PAYLOAD);
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256"] {
        let header = encode(format!(r#"{{"alg":"{alg}"}}"#));
        check(&format!("{header}.{payload}."), SEGMENTS, alg);
        check(&format!("{header}.{payload}"), SEGMENTS, alg);
        let rejected = if alg == "HS256" { SIGNATURE } else { ALGORITHM };
        check(&format!("{header}.{payload}.AAAA"), rejected, alg);
        check(
            &format!("{header}.{payload}.{}", encode([0; 32])),
            rejected,
            alg,
        );
    }
}

#[test]
fn secret_verifies_one_algorithm_only() {
    let (hs384, hs512) = (
        |signed: &str| {
            sign_with(
                Hmac::<Sha384>::new_from_slice(SECRET.as_bytes()).unwrap(),
                signed,
            )
        },
        |signed: &str| {
            sign_with(
                Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap(),
                signed,
            )
        },
    );
    let verifiers = [
        ("HS256", VerifyingKey::hs256(&secret())),
        ("HS384", VerifyingKey::hs384(&secret()).unwrap()),
        ("HS512", VerifyingKey::hs512(&secret()).unwrap()),
    ];
    for (ours, key) in verifiers {
        let verifier = JwtVerifier::new(key).clock(at(NOW as f64));
        for named in ["HS256", "HS384", "HS512"] {
            let signed = format!(
                "{}.{}",
                encode(format!(r#"{{"alg":"{named}"}}"#)),
                encode(PAYLOAD)
            );
            for (made, token) in [
                ("HS256", sign(&signed)),
                ("HS384", hs384(&signed)),
                ("HS512", hs512(&signed)),
            ] {
                let expected = match (named == ours, made == ours) {
                    (true, true) => ACCEPTED,
                    (true, false) => SIGNATURE,
                    (false, _) => ALGORITHM,
                };
                let row = format!("key of {ours}, header says {named}, made with {made}");
                check_with(&verifier, &token, expected, row);
            }
        }
    }
}

#[test]
fn header_with_crit_is_rejected() {
    for members in [
        r#""crit":[]"#,
        r#""crit":["exp"]"#,
        r#""crit":["alg"]"#,
        r#""crit":["x"],"x":1"#,
        r#""crit":["b64"],"b64":false"#,
        r#""crit":["b64"],"b64":true"#,
        r#""crit":null"#,
        r#""crit":false"#,
        r#""crit":"""#,
        r#""crit":"b64""#,
        r#""crit":{}"#,
        r#""crit":0"#,
        r#""cr\u0069t":["x"]"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""b64":null"#,
    ] {
        check(
            &with_header(format!(r#"{{"alg":"HS256",{members}}}"#)),
            CRITICAL,
            members,
        );
        check(
            &with_header(format!(r#"{{{members},"alg":"HS256"}}"#)),
            CRITICAL,
            members,
        );
        // The header is rejected before the key is selected.
        check(
            &with_header(format!(r#"{{{members},"alg":"none"}}"#)),
            CRITICAL,
            members,
        );
    }
    // Similar names are ignored.
    check(
        &with_header(r#"{"alg":"HS256","CRIT":["x"],"critical":1}"#),
        ACCEPTED,
        "others",
    );
}

#[test]
fn unencoded_payload_is_rejected() {
    // RFC 7797: the payload itself is signed and sent.
    let header = encode(r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#);
    check(&sign(&format!("{header}.{PAYLOAD}")), CRITICAL, "declared");
    let header = encode(HEADER);
    check(
        &sign(&format!("{header}.{PAYLOAD}")),
        BASE64,
        "not declared",
    );
}

#[test]
fn key_in_a_token_header_is_ignored() {
    let theirs = "the key of somebody else, 32 bytes and more";
    let jwk = format!(r#"{{"kty":"oct","alg":"HS256","k":"{}"}}"#, encode(theirs));
    let header = format!(
        r#"{{"alg":"HS256","jwk":{jwk},"jku":"https://evil.example/keys","x5u":"file:///dev/zero"}}"#
    );
    let signed = format!("{}.{}", encode(&header), encode(PAYLOAD));
    let mac = Hmac::<sha2::Sha256>::new_from_slice(theirs.as_bytes()).unwrap();
    check(&sign_with(mac, &signed), SIGNATURE, "their key");
    check(&sign(&signed), ACCEPTED, "ours");

    for member in [
        r#""jwk":{"kty":"oct","k":""}"#,
        r#""jwk":null"#,
        r#""jwk":"x""#,
        r#""jku":"http://169.254.169.254/""#,
        r#""jku":1"#,
        r#""x5u":"gopher://localhost""#,
        r#""x5c":["MIIB"]"#,
        r#""x5c":{}"#,
        r#""x5t":"AAAA""#,
        r##""x5t#S256":[1]"##,
        r#""cty":"JWT""#,
        r#""zip":"DEF""#,
        r#""enc":"A256GCM""#,
    ] {
        check(
            &with_header(format!(r#"{{"alg":"HS256",{member}}}"#)),
            ACCEPTED,
            member,
        );
    }
}

#[test]
fn token_of_another_type_is_rejected() {
    for (typ, expected) in [
        ("JWT", ACCEPTED),
        ("jwt", ACCEPTED),
        ("Jwt", ACCEPTED),
        ("at+jwt", ACCEPTED),
        ("AT+JWT", ACCEPTED),
        ("application/jwt", ACCEPTED),
        ("application/at+jwt", ACCEPTED),
        ("APPLICATION/At+Jwt", ACCEPTED),
        (r"\u004aWT", ACCEPTED),
        ("", TYPE),
        (" JWT", TYPE),
        ("JWT ", TYPE),
        ("JW", TYPE),
        ("JWTS", TYPE),
        (r"JWT\u0000", TYPE),
        ("JWT; charset=utf-8", TYPE),
        ("JWT,at+jwt", TYPE),
        ("JOSE", TYPE),
        ("JOSE+JSON", TYPE),
        ("at-jwt", TYPE),
        ("at jwt", TYPE),
        ("rt+jwt", TYPE),
        ("refresh", TYPE),
        ("refresh+jwt", TYPE),
        ("reset+jwt", TYPE),
        ("id+jwt", TYPE),
        ("dpop+jwt", TYPE),
        ("logout+jwt", TYPE),
        ("secevent+jwt", TYPE),
        ("application/", TYPE),
        ("application/application/jwt", TYPE),
        ("application/JWT+x", TYPE),
        ("/jwt", TYPE),
        ("text/jwt", TYPE),
        ("application\\/jwt", ACCEPTED),
        ("applicatioé/jwt", TYPE),
        ("applicatio\u{1F980}jwt", TYPE),
        // U+212A and similar characters fold to ASCII only under Unicode case folding.
        ("ｊｗｔ", TYPE),
    ] {
        check(
            &with_header(format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#)),
            expected,
            typ,
        );
    }
    for typ in ["null", "1", "true", r#"["JWT"]"#, r#"{"JWT":null}"#] {
        check(
            &with_header(format!(r#"{{"alg":"HS256","typ":{typ}}}"#)),
            JSON_HEADER,
            typ,
        );
    }
    check(&with_header(r#"{"alg":"HS256"}"#), ACCEPTED, "no type");
}

#[test]
fn accepted_token_types_are_the_configured_ones() {
    let typed = |typ: &str| with_header(format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#));
    let keycloak = verifier().token_types(["JWT", "Bearer", "JOSE", "application/vnd.shop+jwt"]);
    for (typ, expected) in [
        ("JWT", ACCEPTED),
        ("Bearer", ACCEPTED),
        ("bearer", ACCEPTED),
        ("application/bearer", ACCEPTED),
        ("JOSE", ACCEPTED),
        ("vnd.shop+jwt", ACCEPTED),
        ("APPLICATION/vnd.shop+jwt", ACCEPTED),
        ("at+jwt", TYPE),
        ("Refresh", TYPE),
        ("Offline", TYPE),
        ("reset+jwt", TYPE),
        ("", TYPE),
        ("Bearer ", TYPE),
        ("text/bearer", TYPE),
    ] {
        check_with(&keycloak, &typed(typ), expected, typ);
    }
    let untyped = with_header(r#"{"alg":"HS256"}"#);
    check_with(&keycloak, &untyped, NO_TYPE, "none");
    let extended = with_header(r#"{"alg":"HS256","typ":"Bearer","crit":["x"]}"#);
    check_with(&keycloak, &extended, CRITICAL, "an extension");
    let nothing = verifier().token_types(Vec::<String>::new());
    check_with(&nothing, &typed("JWT"), TYPE, "no type is accepted");
}

#[test]
fn verifiers_of_one_ring_have_separate_token_types() {
    let ring = KeyRing::new();
    let key = VerifyingKey::hs256(&secret()).key_id("a");
    ring.add(key).unwrap();
    let [usual, access, refresh] = [(); 3].map(|()| JwtVerifier::ring(&ring).clock(at(NOW as f64)));
    let (access, refresh) = (
        access.token_types(["at+jwt"]),
        refresh.token_types(["rt+jwt"]),
    );
    let cached = usual.clone().cache(16);
    // The order of verifiers and the header cache make no difference.
    for _ in 0..2 {
        for (typ, expected) in [
            ("rt+jwt", [TYPE, TYPE, ACCEPTED, TYPE]),
            ("at+jwt", [ACCEPTED, ACCEPTED, TYPE, ACCEPTED]),
            ("JWT", [ACCEPTED, TYPE, TYPE, ACCEPTED]),
        ] {
            let token = with_header(format!(r#"{{"alg":"HS256","kid":"a","typ":"{typ}"}}"#));
            for (verifier, expected) in [&usual, &access, &refresh, &cached]
                .into_iter()
                .zip(expected)
            {
                check_with(verifier, &token, expected, typ);
            }
            let otherwise = cached.clone().token_types(["rt+jwt"]);
            let expected = if typ == "rt+jwt" { ACCEPTED } else { TYPE };
            check_with(&otherwise, &token, expected, "of the cached one");
        }
    }
}

#[test]
fn header_with_certificates_is_read_within_its_size_limit() {
    let header = |length: usize| {
        let certificate = "M".repeat(length);
        format!(r#"{{"alg":"HS256","x5c":["{certificate}"],"kid":"a"}}"#)
    };
    let verifier = verifier().max_header_bytes(4096);
    for (length, expected) in [
        (10, ACCEPTED),
        (700, ACCEPTED),
        (760, ACCEPTED),
        (3000, ACCEPTED),
        (3100, HEADER_SIZE),
    ] {
        check_with(&verifier, &with_header(header(length)), expected, length);
    }
    check(&with_header(header(1000)), HEADER_SIZE, "by default");
    let twice = header(3000).replace(r#""kid":"a""#, r#""kid":"a","kid":"a""#);
    check_with(&verifier, &with_header(twice), JSON_HEADER, "a name twice");
    let forged = with_header(header(2000)).replacen("TU1N", "TU1O", 1);
    check_with(&verifier, &forged, SIGNATURE, "changed");
    // The size of the whole token is still limited.
    let token = with_header(header(2000));
    check_with(&verifier.max_token_bytes(2000), &token, SIZE, "the token");
}

#[test]
fn single_key_with_id_rejects_other_key_ids() {
    let key = VerifyingKey::hs256(&secret()).key_id("a");
    let verifier = JwtVerifier::new(key).clock(at(NOW as f64));
    for (member, expected) in [
        (r#","kid":"a""#, ACCEPTED),
        (r#","kid":"\u0061""#, ACCEPTED),
        ("", ACCEPTED),
        (r#","kid":"b""#, KEY_ID),
        (r#","kid":"A""#, KEY_ID),
        (r#","kid":"a ""#, KEY_ID),
        (r#","kid":"""#, KEY_ID),
        (r#","kid":null"#, JSON_HEADER),
        (r#","kid":1"#, JSON_HEADER),
        (r#","kid":["a"]"#, JSON_HEADER),
        (r#","kid":{"a":1}"#, JSON_HEADER),
    ] {
        let token = with_header(format!(r#"{{"alg":"HS256"{member}}}"#));
        check_with(&verifier, &token, expected, member);
    }
    check(
        &with_header(r#"{"alg":"HS256","kid":"b"}"#),
        ACCEPTED,
        "a key without an id",
    );
    check(
        &with_header(r#"{"alg":"HS256","kid":1}"#),
        JSON_HEADER,
        "a key without an id",
    );
}

#[test]
fn rfc_7515_example_a1_verifies() {
    let jwk = r#"{"kty":"oct","alg":"HS256",
        "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let key = SigningKey::from_jwk(jwk).unwrap();
    let verifier = JwtVerifier::new(key.verifying_key()).clock(at(1_300_819_379.0));
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
        cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    // Its claims have no subject, which is required.
    check_with(&verifier, token, NO_SUBJECT, "as published");
    check_with(
        &verifier,
        &token.replace("dBjf", "dBjg"),
        SIGNATURE,
        "changed",
    );

    let token = JwtIssuer::new(key).clock(at(1_300_819_379.0)).issue("joe");
    check_with(&verifier, &token.unwrap(), ACCEPTED, "the same key");
}
