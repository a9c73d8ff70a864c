//! PEM, DER and JWK: what is read and what is not.

use super::*;

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

#[test]
fn a_key_is_the_same_after_it_was_written_and_read() {
    for (algorithm, private, public) in algorithms() {
        let key = SigningKey::from_pem(algorithm, private).unwrap();
        let signature = key.sign(b"message").unwrap();
        let written = VerifyingKey::from_pem(algorithm, public)
            .unwrap()
            .key_id("a");
        let read = VerifyingKey::from_jwk(written.to_jwk().unwrap()).unwrap();
        assert!(read.verify(b"message", &signature), "{algorithm}");
        assert!(read.is_same(&written), "{algorithm}");
        assert!(
            read.is_same(&key.key_id("a").verifying_key()),
            "{algorithm}"
        );
        assert!(!read.is_same(&written.clone().key_id("b")), "{algorithm}");
        for (other, private, _) in algorithms() {
            let other_key = SigningKey::from_pem(other, private).unwrap().key_id("a");
            let is_same = read.is_same(&other_key.verifying_key());
            assert_eq!(is_same, other == algorithm, "{algorithm} {other}");
        }
    }
}
