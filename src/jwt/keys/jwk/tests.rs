use crate::error::ConfigError;
use crate::jwt::keys::{Algorithm, SigningKey, VerifyingKey};

// The key of RFC 7515, appendix A.1.
const K: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

#[track_caller]
fn invalid(jwk: &str) -> &'static str {
    match SigningKey::from_jwk(jwk) {
        Err(ConfigError::InvalidKey(reason)) => reason,
        other => panic!("{jwk}: {other:?}"),
    }
}

#[test]
fn oct_key_has_its_algorithm_and_id() {
    for alg in ["HS256", "HS384", "HS512"] {
        let jwk = format!(
            r#"{{"kty":"oct","alg":"{alg}","kid":"k\u0031","use":"sig","key_ops":["sign","verify"],"k":"{K}"}}"#
        );
        let key = SigningKey::from_jwk(jwk).unwrap();
        assert_eq!(key.algorithm().as_str(), alg);
        assert_eq!(key.kid(), Some("k1"));
        assert_eq!(key.verifying_key().kid(), Some("k1"));
        let signature = key.sign(b"message").unwrap();
        assert!(key.verifying_key().verify(b"message", &signature));
    }
}

#[test]
fn oct_key_must_be_a_valid_secret() {
    let jwk = |alg, k| SigningKey::from_jwk(format!(r#"{{"kty":"oct","alg":"{alg}","k":"{k}"}}"#));
    assert!(matches!(
        jwk("HS256", "c2VjcmV0"),
        Err(ConfigError::PlaceholderSecret)
    ));
    assert!(matches!(
        jwk("HS512", &K[..64]),
        Err(ConfigError::SecretTooShort {
            needed: 64,
            given: 48
        })
    ));
}

#[test]
fn key_type_with_several_algorithms_requires_alg() {
    assert!(invalid(&format!(r#"{{"kty":"oct","k":"{K}"}}"#)).contains("alg"));
    assert!(invalid(r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#).contains("alg"));
}

#[test]
fn alg_that_contradicts_kty_or_crv_is_rejected() {
    for jwk in [
        r#"{"kty":"RSA","alg":"HS256","n":"AQAB","e":"AQAB"}"#,
        r#"{"kty":"EC","crv":"P-384","alg":"ES256"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","alg":"ES256"}"#,
        r#"{"kty":"oct","alg":"RS256","k":"c2VjcmV0"}"#,
    ] {
        assert!(
            matches!(
                SigningKey::from_jwk(jwk),
                Err(ConfigError::KeyTypeMismatch(_))
            ),
            "{jwk}"
        );
    }
    assert!(invalid(r#"{"kty":"RSA","alg":"RSA-OAEP"}"#).contains("alg"));
    assert!(invalid(r#"{"kty":"oct","alg":"none","k":"c2VjcmV0"}"#).contains("alg"));
}

#[test]
fn unknown_key_types_and_curves_are_rejected() {
    for jwk in [
        r#"{"kty":"EC","crv":"P-521"}"#,
        r#"{"kty":"EC","crv":"secp256k1"}"#,
        r#"{"kty":"EC"}"#,
        r#"{"kty":"OKP","crv":"X25519"}"#,
        r#"{"kty":"rsa","alg":"RS256"}"#,
    ] {
        assert!(invalid(jwk).contains("Ed25519"), "{jwk}");
    }
}

#[test]
fn key_for_another_use_is_rejected() {
    assert!(
        invalid(&format!(
            r#"{{"kty":"oct","alg":"HS256","use":"enc","k":"{K}"}}"#
        ))
        .contains("use")
    );
    assert!(
        invalid(&format!(
            r#"{{"kty":"oct","alg":"HS256","key_ops":["verify"],"k":"{K}"}}"#
        ))
        .contains("sign")
    );
    let public = r#"{"kty":"EC","crv":"P-256","key_ops":["sign"]}"#;
    assert!(matches!(
        VerifyingKey::from_jwk(public),
        Err(ConfigError::InvalidKey(reason)) if reason.contains("verify")
    ));
}

#[test]
fn private_jwk_is_rejected_as_verifying_key() {
    for jwk in [
        format!(r#"{{"kty":"oct","alg":"HS256","k":"{K}"}}"#),
        r#"{"kty":"oct","alg":"HS256"}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","d":"AQAB"}"#.to_owned(),
        r#"{"kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB","qi":"AQAB"}"#.to_owned(),
        r#"{"kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB","oth":[]}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","d":""}"#.to_owned(),
        r#"{"kty":"RSA","alg":"RS256","d":null,"p":null,"q":"AQAB"}"#.to_owned(),
    ] {
        assert!(
            matches!(
                VerifyingKey::from_jwk(&jwk),
                Err(ConfigError::InvalidKey(reason)) if reason.contains("private")
            ),
            "{jwk}"
        );
    }
}

#[test]
fn input_other_than_one_strict_json_object_is_rejected() {
    for jwk in [
        "",
        "null",
        r#"["oct"]"#,
        r#"{"kty":"oct"}{"kty":"oct"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"kty":"oct","kty":"oct","alg":"HS256"}"#,
        r#"{"kty":"oct","alg":["HS256"]}"#,
        r#"{"kty":null,"alg":"HS256"}"#,
        r#"{"kty":"oct","alg":"HS256","use":7}"#,
        r#"{"kty":"oct","alg":"HS256","key_ops":[null]}"#,
        r#"{"kty":"oct","alg":"HS256","key_ops":"sign"}"#,
        r#"{"kty":"oct","alg":"HS256","k":1}"#,
    ] {
        assert!(invalid(jwk).contains("JSON object"), "{jwk}");
    }
    assert!(SigningKey::from_jwk(b"{\"kty\":\"oct\",\"x\":\"\xff\"}").is_err());
}

#[test]
fn base64url_is_strict_with_a_specific_error() {
    for (k, reason) in [
        ("", "missing or empty"),
        ("QQ==", "padded"),
        ("Qg=", "padded"),
        ("+/+/", "base64url: `-` for `+`"),
        ("QR", "not base64url"),
        ("Q Q", "not base64url"),
        ("Q", "not base64url"),
    ] {
        let jwk = format!(r#"{{"kty":"oct","alg":"HS256","k":"{k}"}}"#);
        assert!(invalid(&jwk).contains(reason), "{k}: {}", invalid(&jwk));
    }
    assert!(invalid(r#"{"kty":"oct","alg":"HS256"}"#).contains("missing or empty"));
}

#[test]
fn null_member_is_absent() {
    let nulls: String = [
        "crv", "kid", "use", "key_ops", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "oth",
        "x5c",
    ]
    .into_iter()
    .map(|name| format!(r#""{name}":null,"#))
    .collect();
    let key = SigningKey::from_jwk(format!(r#"{{{nulls}"kty":"oct","alg":"HS256","k":"{K}"}}"#));
    assert_eq!(key.unwrap().kid(), None);
    // A required member is then missing.
    let missing = format!(r#"{{"kty":"oct","alg":null,"k":"{K}"}}"#);
    assert!(invalid(&missing).contains("alg"));
    assert!(invalid(r#"{"kty":"oct","alg":"HS256","k":null}"#).contains("missing"));
}

#[test]
fn hmac_key_is_never_read_from_pem_or_der() {
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for invalid in [
            VerifyingKey::from_pem(algorithm, "-----BEGIN PUBLIC KEY-----").err(),
            VerifyingKey::from_der(algorithm, "0").err(),
            VerifyingKey::from_bytes(algorithm, [4; 65]).err(),
            SigningKey::from_pem(algorithm, "-----BEGIN PRIVATE KEY-----").err(),
            SigningKey::from_der(algorithm, "0").err(),
        ] {
            assert!(
                matches!(invalid, Some(ConfigError::KeyTypeMismatch(_))),
                "{invalid:?}"
            );
        }
    }
}
