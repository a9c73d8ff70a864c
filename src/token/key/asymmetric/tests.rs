//! The rules for keys, and that both backends follow them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pkcs8::der::pem;

use super::super::algorithm::ALL;
use super::*;
use crate::token::{SigningKey, VerifyingKey};

const RSA: &str = include_str!("../../../../tests/keys/rsa-2048.pem");
const RSA_PKCS1: &str = include_str!("../../../../tests/keys/rsa-2048-pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("../../../../tests/keys/rsa-2048-public.pem");
const RSA_PUBLIC_PKCS1: &str = include_str!("../../../../tests/keys/rsa-2048-public-pkcs1.pem");
const RSA_1024: &str = include_str!("../../../../tests/keys/rsa-1024.pem");
const P256: &str = include_str!("../../../../tests/keys/p256.pem");
const P256_SEC1: &str = include_str!("../../../../tests/keys/p256-sec1.pem");
const P256_ENCRYPTED: &str = include_str!("../../../../tests/keys/p256-encrypted.pem");
const P256_PUBLIC: &str = include_str!("../../../../tests/keys/p256-public.pem");
const P384: &str = include_str!("../../../../tests/keys/p384.pem");
const P384_PUBLIC: &str = include_str!("../../../../tests/keys/p384-public.pem");
const P521: &str = include_str!("../../../../tests/keys/p521.pem");
const ED25519: &str = include_str!("../../../../tests/keys/ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("../../../../tests/keys/ed25519-public.pem");

/// Every asymmetric algorithm with a private key and its public half.
fn algorithms() -> impl Iterator<Item = (Algorithm, &'static str, &'static str)> {
    ALL.into_iter().filter_map(|algorithm| match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => None,
        Algorithm::ES256 => Some((algorithm, P256, P256_PUBLIC)),
        Algorithm::ES384 => Some((algorithm, P384, P384_PUBLIC)),
        Algorithm::EdDSA => Some((algorithm, ED25519, ED25519_PUBLIC)),
        _ => Some((algorithm, RSA, RSA_PUBLIC)),
    })
}

fn der(pem: &str) -> Vec<u8> {
    pem::decode_vec(pem.as_bytes()).unwrap().1
}

fn bytes(base64url: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64url).unwrap()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bare point of a P-256 `SubjectPublicKeyInfo`.
fn p256_point() -> Vec<u8> {
    der(P256_PUBLIC).split_off(26)
}

fn p256_jwk(x: &[u8], y: &[u8]) -> String {
    let (x, y) = (text(x), text(y));
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#)
}

fn rsa_jwk(n: &[u8], e: &[u8]) -> String {
    let (n, e) = (text(n), text(e));
    format!(r#"{{"kty":"RSA","alg":"RS256","n":"{n}","e":"{e}"}}"#)
}

/// An odd number of so many bits; nobody knows whether it is a modulus.
fn modulus(bits: usize) -> Vec<u8> {
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] = 0xff >> (n.len() * 8 - bits);
    n
}

fn private_rsa_jwk() -> (String, Vec<(&'static str, String)>) {
    let der = der(RSA_PKCS1);
    let key = pkcs1::RsaPrivateKeyRef::try_from(&*der).unwrap();
    let members = vec![
        ("n", text(key.modulus.as_bytes())),
        ("e", text(key.public_exponent.as_bytes())),
        ("d", text(key.private_exponent.as_bytes())),
        ("p", text(key.prime1.as_bytes())),
        ("q", text(key.prime2.as_bytes())),
        ("dp", text(key.exponent1.as_bytes())),
        ("dq", text(key.exponent2.as_bytes())),
        ("qi", text(key.coefficient.as_bytes())),
    ];
    (rsa_jwk_of(&members), members)
}

fn rsa_jwk_of(members: &[(&str, String)]) -> String {
    let members = members
        .iter()
        .map(|(name, value)| format!(r#","{name}":"{value}""#));
    let members: String = members.collect();
    format!(r#"{{"kty":"RSA","alg":"PS256"{members}}}"#)
}

#[track_caller]
fn invalid<K: std::fmt::Debug>(key: Result<K, ConfigError>) -> &'static str {
    match key {
        Err(ConfigError::InvalidKey(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn wrong_family<K: std::fmt::Debug>(key: Result<K, ConfigError>, algorithm: Algorithm) {
    match key {
        Err(ConfigError::WrongKeyFamily(name)) if name == algorithm.as_str() => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_algorithm_verifies_what_it_signed_and_nothing_else() {
    for (algorithm, private, public) in algorithms() {
        let signing = SigningKey::from_pem(algorithm, private).unwrap();
        let verifying = VerifyingKey::from_pem(algorithm, public).unwrap();
        let signature = signing.sign(b"message").unwrap();
        assert_eq!(signing.algorithm(), algorithm);
        assert_eq!(verifying.algorithm(), algorithm);
        for key in [&verifying, &signing.verifying_key()] {
            assert!(key.verify(b"message", &signature), "{algorithm}");
            assert!(!key.verify(b"Message", &signature), "{algorithm}");
            assert!(!key.verify(b"", &signature), "{algorithm}");
            for at in 0..signature.len() {
                let mut tampered = signature.clone();
                tampered[at] ^= 1;
                assert!(!key.verify(b"message", &tampered), "{algorithm} {at}");
            }
        }
    }
}

#[test]
fn a_signature_of_the_wrong_length_is_refused() {
    for (algorithm, private, public) in algorithms() {
        let signing = SigningKey::from_pem(algorithm, private).unwrap();
        let verifying = VerifyingKey::from_pem(algorithm, public).unwrap();
        let signature = signing.sign(b"message").unwrap();
        let long = [&signature[..], &[0]].concat();
        let shifted = [&[0], &signature[..]].concat();
        let huge = vec![1; 1 << 16];
        let short = &signature[..signature.len() - 1];
        for wrong in [&[][..], &[0], short, &long, &shifted, &huge] {
            assert!(
                !verifying.verify(b"message", wrong),
                "{algorithm} {}",
                wrong.len()
            );
        }
        let zeros = vec![0; signature.len()];
        assert!(!verifying.verify(b"message", &zeros), "{algorithm}");
    }
}

#[test]
fn an_ecdsa_signature_in_der_is_refused() {
    let key = SigningKey::from_pem(Algorithm::ES256, P256).unwrap();
    let signature = key.sign(b"message").unwrap();
    let mut der = vec![0x30, 0];
    for number in signature.chunks(32) {
        let sign = usize::from(number[0] >= 0x80);
        der.extend([2, 32 + sign as u8]);
        der.extend(vec![0; sign]);
        der.extend(number);
    }
    der[1] = der.len() as u8 - 2;
    assert!(!key.verifying_key().verify(b"message", &der));
}

#[test]
fn es256_agrees_with_rfc_7515_appendix_a_3() {
    let key = VerifyingKey::from_jwk(
        r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    )
    .unwrap();
    let message = b"eyJhbGciOiJFUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
        cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = bytes(
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
    assert!(key.verify(message, &signature));
}

#[test]
fn rs256_agrees_with_rfc_7515_appendix_a_2() {
    let key = VerifyingKey::from_jwk(
        r#"{"kty":"RSA","alg":"RS256","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
    )
    .unwrap();
    let message = b"eyJhbGciOiJSUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
        cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = bytes(
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
    assert!(key.verify(message, &signature));
}

#[test]
fn eddsa_agrees_with_rfc_8037_appendix_a_4() {
    let key = SigningKey::from_jwk(
        r#"{"kty":"OKP","crv":"Ed25519","kid":"a",
        "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    )
    .unwrap();
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = bytes(
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
    assert_eq!(key.sign(message).unwrap(), signature);
    assert!(key.verifying_key().verify(message, &signature));
    assert_eq!(key.verifying_key().kid(), Some("a"));
}

#[test]
fn the_same_key_is_read_from_every_format() {
    let signature = SigningKey::from_pem(Algorithm::RS256, RSA)
        .unwrap()
        .sign(b"message")
        .unwrap();
    for verifying in [
        VerifyingKey::from_pem(Algorithm::RS256, RSA_PUBLIC_PKCS1),
        VerifyingKey::from_der(Algorithm::RS256, der(RSA_PUBLIC_PKCS1)),
        VerifyingKey::from_bytes(Algorithm::RS256, der(RSA_PUBLIC_PKCS1)),
        VerifyingKey::from_der(Algorithm::RS256, der(RSA_PUBLIC)),
        SigningKey::from_pem(Algorithm::RS256, RSA_PKCS1).map(|key| key.verifying_key()),
        SigningKey::from_der(Algorithm::RS256, der(RSA_PKCS1)).map(|key| key.verifying_key()),
        SigningKey::from_der(Algorithm::RS256, der(RSA)).map(|key| key.verifying_key()),
    ] {
        assert!(verifying.unwrap().verify(b"message", &signature));
    }
    let signature = SigningKey::from_pem(Algorithm::ES256, P256)
        .unwrap()
        .sign(b"message")
        .unwrap();
    let point = p256_point();
    for verifying in [
        VerifyingKey::from_der(Algorithm::ES256, der(P256_PUBLIC)),
        VerifyingKey::from_bytes(Algorithm::ES256, &point),
        VerifyingKey::from_jwk(p256_jwk(&point[1..33], &point[33..])),
        SigningKey::from_pem(Algorithm::ES256, P256_SEC1).map(|key| key.verifying_key()),
        SigningKey::from_der(Algorithm::ES256, der(P256_SEC1)).map(|key| key.verifying_key()),
        SigningKey::from_der(Algorithm::ES256, der(P256)).map(|key| key.verifying_key()),
    ] {
        assert!(verifying.unwrap().verify(b"message", &signature));
    }
}

#[test]
fn a_private_rsa_jwk_signs() {
    let key = SigningKey::from_jwk(private_rsa_jwk().0).unwrap();
    let verifying = VerifyingKey::from_pem(Algorithm::PS256, RSA_PUBLIC).unwrap();
    assert!(verifying.verify(b"message", &key.sign(b"message").unwrap()));
}

#[test]
fn a_private_rsa_key_whose_parts_do_not_belong_together_is_refused() {
    let (_, members) = private_rsa_jwk();
    for tampered in 2..members.len() {
        let mut members = members.clone();
        let mut value = bytes(&members[tampered].1);
        *value.last_mut().unwrap() ^= 4;
        members[tampered].1 = text(&value);
        let reason = invalid(SigningKey::from_jwk(rsa_jwk_of(&members)));
        assert!(
            reason.contains("belong together"),
            "{}",
            members[tampered].0
        );

        let name = members.remove(tampered).0;
        let reason = invalid(SigningKey::from_jwk(rsa_jwk_of(&members)));
        assert!(reason.contains("`d`"), "{name}");
    }
}

#[test]
fn a_private_ec_or_ed25519_jwk_with_a_strange_public_half_is_refused() {
    let point = p256_point();
    let (x, y) = (text(&point[1..33]), text(&point[33..]));
    let d = text(&[7; 32]);
    let ec = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}"}}"#);
    assert!(invalid(SigningKey::from_jwk(ec)).contains("belong together"));
    let okp = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{d}"}}"#);
    assert!(invalid(SigningKey::from_jwk(okp)).contains("belong together"));
}

#[test]
fn an_rsa_key_of_1024_bits_is_refused() {
    assert!(invalid(SigningKey::from_pem(Algorithm::RS256, RSA_1024)).contains("2048"));
    let small = rsa_jwk(&modulus(1024), &[1, 0, 1]);
    assert!(invalid(VerifyingKey::from_jwk(small)).contains("2048"));
}

#[test]
fn rsa_moduli_of_2048_to_8192_bits_are_taken() {
    for bits in [2048, 3072, 8192] {
        assert!(
            VerifyingKey::from_jwk(rsa_jwk(&modulus(bits), &[1, 0, 1])).is_ok(),
            "{bits}"
        );
    }
    for bits in [2047, 8193] {
        let refused = VerifyingKey::from_jwk(rsa_jwk(&modulus(bits), &[1, 0, 1]));
        assert!(invalid(refused).contains("2048"), "{bits}");
    }
}

#[test]
fn an_rsa_exponent_that_is_even_one_or_huge_is_refused() {
    for exponent in [&[1][..], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &[1; 64]] {
        let refused = VerifyingKey::from_jwk(rsa_jwk(&modulus(2048), exponent));
        assert!(invalid(refused).contains("exponent"), "{exponent:?}");
    }
    for exponent in [&[3][..], &[17], &[1, 0, 1]] {
        let taken = VerifyingKey::from_jwk(rsa_jwk(&modulus(2048), exponent));
        assert!(taken.is_ok(), "{exponent:?}");
    }
}

#[test]
fn an_even_rsa_modulus_is_refused() {
    let mut even = modulus(2048);
    even[255] = 0xfe;
    assert!(invalid(VerifyingKey::from_jwk(rsa_jwk(&even, &[1, 0, 1]))).contains("odd"));
}

#[test]
fn zero_bytes_in_front_of_a_jwk_integer_are_refused() {
    let padded = [&[0], &modulus(2048)[..]].concat();
    assert!(invalid(VerifyingKey::from_jwk(rsa_jwk(&padded, &[1, 0, 1]))).contains("zero"));
    assert!(invalid(VerifyingKey::from_jwk(rsa_jwk(&modulus(2048), &[0, 3]))).contains("zero"));
}

#[test]
fn a_key_of_another_curve_or_family_is_refused() {
    for (algorithm, private, public) in [
        (Algorithm::ES256, P384, P384_PUBLIC),
        (Algorithm::ES384, P256, P256_PUBLIC),
        (Algorithm::ES256, RSA, RSA_PUBLIC),
        (Algorithm::RS256, P256, P256_PUBLIC),
        (Algorithm::PS512, ED25519, ED25519_PUBLIC),
        (Algorithm::EdDSA, P256, P256_PUBLIC),
        (Algorithm::EdDSA, RSA_PKCS1, RSA_PUBLIC_PKCS1),
        (Algorithm::ES384, P256_SEC1, P256_PUBLIC),
        (Algorithm::RS256, P256_SEC1, P256_PUBLIC),
    ] {
        wrong_family(SigningKey::from_pem(algorithm, private), algorithm);
        wrong_family(VerifyingKey::from_pem(algorithm, public), algorithm);
    }
    wrong_family(
        SigningKey::from_der(Algorithm::ES384, der(P256_SEC1)),
        Algorithm::ES384,
    );
    wrong_family(
        VerifyingKey::from_der(Algorithm::ES384, der(P256_PUBLIC)),
        Algorithm::ES384,
    );
    assert!(invalid(SigningKey::from_pem(Algorithm::ES384, P521)).contains("P-384"));
}

#[test]
fn a_point_off_its_curve_is_refused() {
    let point = p256_point();
    for at in [1, 33, 64] {
        let mut off = point.clone();
        off[at] ^= 1;
        invalid(VerifyingKey::from_bytes(Algorithm::ES256, &off));
        invalid(VerifyingKey::from_jwk(p256_jwk(&off[1..33], &off[33..])));
    }
    // The point of a P-256 key in the length of P-384, and coordinates beyond the field.
    invalid(VerifyingKey::from_bytes(
        Algorithm::ES384,
        [&point[..], &[0; 32]].concat(),
    ));
    invalid(VerifyingKey::from_bytes(
        Algorithm::ES256,
        [&[4][..], &[0xff; 64]].concat(),
    ));
}

#[test]
fn the_point_at_infinity_is_refused() {
    invalid(VerifyingKey::from_bytes(Algorithm::ES256, [0]));
    invalid(VerifyingKey::from_bytes(Algorithm::ES256, [0; 65]));
    invalid(VerifyingKey::from_bytes(
        Algorithm::ES256,
        [&[4][..], &[0; 64]].concat(),
    ));
    invalid(VerifyingKey::from_jwk(p256_jwk(&[0; 32], &[0; 32])));
}

#[test]
fn a_compressed_or_cut_point_is_refused() {
    let point = p256_point();
    let compressed = [&[2 + point[64] % 2], &point[1..33]].concat();
    let hybrid = [&[6 + point[64] % 2], &point[1..]].concat();
    for wrong in [&compressed[..], &hybrid, &point[..64], &point[1..], &[]] {
        assert!(
            invalid(VerifyingKey::from_bytes(Algorithm::ES256, wrong)).contains("uncompressed")
        );
    }
    assert!(
        invalid(VerifyingKey::from_jwk(p256_jwk(
            &point[1..32],
            &point[33..]
        )))
        .contains("length")
    );
    let padded = [&[0], &point[1..33]].concat();
    assert!(invalid(VerifyingKey::from_jwk(p256_jwk(&padded, &point[33..]))).contains("length"));
}

#[test]
fn a_private_scalar_that_is_zero_or_too_large_is_refused() {
    for scalar in [[0; 32], [0xff; 32]] {
        let key = PrivateKey::ec(super::super::algorithm::Curve::P256, &scalar, None).unwrap();
        invalid(pair(Algorithm::ES256, &key).map(|_| ()));
    }
}

#[test]
fn an_ed25519_key_has_exactly_32_bytes() {
    for length in [0, 31, 33, 64] {
        let bytes = vec![9; length];
        assert!(
            invalid(VerifyingKey::from_bytes(Algorithm::EdDSA, &bytes)).contains("32"),
            "{length}"
        );
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, text(&bytes));
        invalid(VerifyingKey::from_jwk(jwk));
    }
}

#[test]
fn an_ed25519_key_of_small_order_is_refused() {
    for y in key::SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point = bytes(y);
            point[31] |= sign;
            let refused = VerifyingKey::from_bytes(Algorithm::EdDSA, point);
            assert!(invalid(refused).contains("small order"), "{y} {sign}");
        }
    }
}

#[cfg(feature = "rust-crypto")]
#[test]
fn the_table_of_small_order_points_has_only_such() {
    for y in key::SMALL_ORDER {
        let point = bytes(y).try_into().unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&point).unwrap();
        assert!(key.is_weak(), "{y}");
    }
}

#[test]
fn a_pem_with_a_second_block_is_refused() {
    for (private, public) in [(P256, P256_PUBLIC), (RSA, RSA_PUBLIC)] {
        for (first, second) in [(private, private), (private, public), (public, private)] {
            let two = format!("{first}{second}");
            assert!(invalid(SigningKey::from_pem(Algorithm::ES256, &two)).contains("one block"));
            assert!(invalid(VerifyingKey::from_pem(Algorithm::ES256, &two)).contains("one block"));
        }
    }
    let trailing = format!("{P256_PUBLIC}trailing");
    assert!(invalid(VerifyingKey::from_pem(Algorithm::ES256, trailing)).contains("well-formed"));
}

#[test]
fn blank_lines_and_windows_line_ends_around_a_pem_do_not_matter() {
    let windows = format!("\r\n  {}\r\n\r\n", P256_PUBLIC.trim().replace('\n', "\r\n"));
    assert!(VerifyingKey::from_pem(Algorithm::ES256, windows).is_ok());
}

#[test]
fn a_pem_of_the_wrong_label_is_refused() {
    assert!(invalid(VerifyingKey::from_pem(Algorithm::ES256, P256)).contains("private"));
    assert!(invalid(VerifyingKey::from_pem(Algorithm::RS256, RSA_PKCS1)).contains("private"));
    assert!(invalid(SigningKey::from_pem(Algorithm::ES256, P256_PUBLIC)).contains("PRIVATE KEY"));
    assert!(invalid(SigningKey::from_pem(Algorithm::ES256, P256_ENCRYPTED)).contains("encrypted"));
    let certificate = P256_PUBLIC.replace("PUBLIC KEY", "CERTIFICATE");
    assert!(
        invalid(VerifyingKey::from_pem(Algorithm::ES256, certificate)).contains("openssl x509")
    );
    // The label says PKCS#1, the bytes are PKCS#8.
    let relabelled = RSA.replace("PRIVATE KEY", "RSA PRIVATE KEY");
    invalid(SigningKey::from_pem(Algorithm::RS256, relabelled));
    let relabelled = RSA_PUBLIC.replace("PUBLIC KEY", "RSA PUBLIC KEY");
    invalid(VerifyingKey::from_pem(Algorithm::RS256, relabelled));
}

#[test]
fn bytes_after_or_missing_from_a_der_key_are_refused() {
    for (algorithm, private, public) in algorithms() {
        for wrong in [
            [&der(private)[..], &[0]].concat(),
            der(private)[1..].to_vec(),
            vec![],
        ] {
            invalid(SigningKey::from_der(algorithm, wrong));
        }
        for wrong in [
            [&der(public)[..], &[0]].concat(),
            der(public)[1..].to_vec(),
            vec![],
        ] {
            invalid(VerifyingKey::from_der(algorithm, wrong));
        }
        invalid(SigningKey::from_der(algorithm, der(public)));
        invalid(VerifyingKey::from_der(algorithm, der(private)));
    }
}

#[test]
fn debug_shows_neither_private_nor_public_keys() {
    for (algorithm, private, public) in algorithms() {
        let (private, public) = (der(private), der(public));
        let signing = SigningKey::from_der(algorithm, &private).unwrap();
        let verifying = VerifyingKey::from_der(algorithm, &public).unwrap();
        for shown in [
            format!("{signing:?}"),
            format!("{signing:#?}"),
            format!("{verifying:?}"),
            format!("{verifying:#?}"),
        ] {
            assert!(shown.contains("[redacted]"), "{shown}");
            assert!(shown.len() < 120, "{shown}");
            for secret in [&private[private.len() - 12..], &public[public.len() - 12..]] {
                let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
                for form in [hex, text(secret), format!("{secret:?}")] {
                    assert!(!shown.contains(&form), "{shown}");
                }
            }
        }
    }
}

#[cfg(all(feature = "aws-lc-rs", feature = "rust-crypto"))]
#[test]
fn each_backend_verifies_what_the_other_signed() {
    for (algorithm, private, public) in algorithms() {
        let private = PrivateKey::from_pem(algorithm, private.as_bytes()).unwrap();
        let public = PublicKey::from_pem(algorithm, public.as_bytes()).unwrap();
        let (aws, of_aws) = aws_lc::Signer::new(algorithm, &private).unwrap();
        let (rust, of_rust) = rust_crypto::Signer::new(algorithm, &private).unwrap();
        assert_eq!((&of_aws, &of_rust), (&public, &public), "{algorithm}");

        let to_aws = aws_lc::Verifier::new(algorithm, &public).unwrap();
        let to_rust = rust_crypto::Verifier::new(algorithm, &public).unwrap();
        let (by_aws, by_rust) = (aws.sign(b"m").unwrap(), rust.sign(b"m").unwrap());
        assert_eq!(by_aws.len(), by_rust.len(), "{algorithm}");
        for signature in [by_aws, by_rust] {
            assert!(to_aws.verify(b"m", &signature), "{algorithm}");
            assert!(to_rust.verify(b"m", &signature), "{algorithm}");
            assert!(!to_aws.verify(b"n", &signature), "{algorithm}");
            assert!(!to_rust.verify(b"n", &signature), "{algorithm}");
        }
    }
}

#[cfg(all(feature = "aws-lc-rs", feature = "rust-crypto"))]
#[test]
fn both_backends_refuse_the_same_keys() {
    let mut off = p256_point();
    off[40] ^= 1;
    let off = PublicKey::from_bytes(Algorithm::ES256, &off).unwrap();
    invalid(aws_lc::Verifier::new(Algorithm::ES256, &off).map(|_| ()));
    invalid(rust_crypto::Verifier::new(Algorithm::ES256, &off).map(|_| ()));

    let (_, members) = private_rsa_jwk();
    for tampered in 2..members.len() {
        let mut members = members.clone();
        let mut value = bytes(&members[tampered].1);
        *value.last_mut().unwrap() ^= 4;
        members[tampered].1 = text(&value);
        let json = rsa_jwk_of(&members);
        let jwk = super::super::jwk::Jwk::parse(json.as_bytes()).unwrap();
        let key = PrivateKey::from_jwk(Algorithm::PS256, &jwk).unwrap();
        invalid(aws_lc::Signer::new(Algorithm::PS256, &key).map(|_| ()));
        invalid(rust_crypto::Signer::new(Algorithm::PS256, &key).map(|_| ()));
    }
}
