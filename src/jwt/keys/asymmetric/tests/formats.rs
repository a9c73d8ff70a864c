//! Reading and writing of PEM, DER and JWK.

use pkcs8::SubjectPublicKeyInfoRef;
use pkcs8::der::Encode;
use pkcs8::der::asn1::AnyRef;

use super::*;

#[test]
fn every_format_gives_the_same_key() {
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
fn private_rsa_jwk_signs() {
    let key = SigningKey::from_jwk(private_rsa_jwk().0).unwrap();
    let verifying = VerifyingKey::from_pem(Algorithm::PS256, RSA_PUBLIC).unwrap();
    assert!(verifying.verify(b"message", &key.sign(b"message").unwrap()));
}

#[test]
fn leading_zeros_of_jwk_integers_are_ignored() {
    let key = |n: &[u8], e: &[u8]| VerifyingKey::from_jwk(rsa_jwk(n, e));
    let n = modulus(2048);
    let plain = key(&n, &[1, 0, 1]).unwrap();
    for zeros in [1, 2, 300] {
        let n = [&vec![0; zeros], &n[..]].concat();
        let e = [&vec![0; zeros], &[1, 0, 1][..]].concat();
        let padded = key(&n, &e).unwrap();
        assert!(padded.is_same(&plain), "{zeros}");
        assert_eq!(padded.to_jwk(), plain.to_jwk(), "{zeros}");
    }
    // Leading zeros do not count as bits of the modulus.
    let short = [&[0; 128], &modulus(1024)[..]].concat();
    assert!(invalid(key(&short, &[1, 0, 1])).contains("2048"));
    assert!(invalid(key(&[0; 256], &[1, 0, 1])).contains("2048"));
    for e in [&[0][..], &[0, 0, 1], &[0, 2]] {
        assert!(invalid(key(&n, e)).contains("exponent"), "{e:?}");
    }
}

#[test]
fn jwk_with_alg_ed25519_is_an_eddsa_key() {
    let key = VerifyingKey::from_pem(Algorithm::EdDSA, ED25519_PUBLIC).unwrap();
    let jwk = key.to_jwk().unwrap();
    let named = jwk.replace(r#""alg":"EdDSA""#, r#""alg":"Ed25519""#);
    assert_ne!(jwk, named);
    assert!(VerifyingKey::from_jwk(named).unwrap().is_same(&key));
    let other = p256_jwk(&p256_point()[1..33], &p256_point()[33..]);
    let other = other.replace('{', r#"{"alg":"Ed25519","#);
    key_type_mismatch(VerifyingKey::from_jwk(other), Algorithm::EdDSA);
}

#[test]
fn key_of_another_curve_or_type_is_rejected() {
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
        key_type_mismatch(SigningKey::from_pem(algorithm, private), algorithm);
        key_type_mismatch(VerifyingKey::from_pem(algorithm, public), algorithm);
    }
    key_type_mismatch(
        SigningKey::from_der(Algorithm::ES384, der(P256_SEC1)),
        Algorithm::ES384,
    );
    key_type_mismatch(
        VerifyingKey::from_der(Algorithm::ES384, der(P256_PUBLIC)),
        Algorithm::ES384,
    );
    assert!(invalid(SigningKey::from_pem(Algorithm::ES384, P521)).contains("P-384"));
}

#[test]
fn pem_with_a_second_block_is_rejected() {
    for (private, public) in [(P256, P256_PUBLIC), (RSA, RSA_PUBLIC)] {
        for (first, second) in [(private, private), (private, public), (public, private)] {
            let two = format!("{first}{second}");
            assert!(invalid(SigningKey::from_pem(Algorithm::ES256, &two)).contains("one block"));
            assert!(invalid(VerifyingKey::from_pem(Algorithm::ES256, &two)).contains("one block"));
        }
    }
    // One block of EC parameters may precede the key, and nothing else.
    let parameters = &P256_ECPARAM[..P256_ECPARAM.find("-----BEGIN EC PRIVATE").unwrap()];
    for extra in [
        format!("{parameters}{P256_ECPARAM}"),
        format!("{P256_ECPARAM}{parameters}"),
        format!("{P256_ECPARAM}{P256_SEC1}"),
        format!("{parameters}{P256}"),
        format!("{parameters}{RSA_PKCS1}"),
        format!("{P256_SEC1}{parameters}"),
    ] {
        assert!(invalid(SigningKey::from_pem(Algorithm::ES256, extra)).contains("one block"));
    }
    assert!(invalid(SigningKey::from_pem(Algorithm::ES256, parameters)).contains("PRIVATE KEY"));
    let public = format!("{parameters}{P256_PUBLIC}");
    assert!(invalid(VerifyingKey::from_pem(Algorithm::ES256, public)).contains("one block"));
    let trailing = format!("{P256_PUBLIC}trailing");
    assert!(invalid(VerifyingKey::from_pem(Algorithm::ES256, trailing)).contains("well-formed"));
}

#[test]
fn ec_key_of_openssl_ecparam_signs() {
    for (algorithm, other, pem) in [
        (Algorithm::ES256, Algorithm::ES384, P256_ECPARAM),
        (Algorithm::ES384, Algorithm::ES256, P384_ECPARAM),
    ] {
        let windows = pem.replace('\n', "\r\n");
        let spaced = pem.replace("-----\n-----", "-----\n\n-----");
        let [key, ..] = [pem, &windows, &spaced].map(|pem| {
            let key = SigningKey::from_pem(algorithm, pem).unwrap();
            let signature = key.sign(b"message").unwrap();
            assert!(key.verifying_key().verify(b"message", &signature));
            key.verifying_key()
        });
        // The same key as without the parameters.
        let (_, alone) = pem.split_at(pem.find("-----BEGIN EC PRIVATE").unwrap());
        let alone = SigningKey::from_pem(algorithm, alone).unwrap();
        assert!(alone.verifying_key().is_same(&key));
        key_type_mismatch(SigningKey::from_pem(other, pem), other);
        key_type_mismatch(
            SigningKey::from_pem(Algorithm::EdDSA, pem),
            Algorithm::EdDSA,
        );
        assert!(invalid(VerifyingKey::from_pem(algorithm, pem)).contains("one block"));
    }
}

#[test]
fn ec_parameters_must_match_the_curve_of_the_key() {
    let of = |pem: &'static str| pem.split_at(pem.find("-----BEGIN EC PRIVATE").unwrap());
    let swapped = format!("{}{}", of(P384_ECPARAM).0, of(P256_ECPARAM).1);
    assert!(invalid(SigningKey::from_pem(Algorithm::ES256, swapped)).contains("belong together"));
    for unknown in ["BgUrgQQAIw==", "BgUrgQQACg==", "MAA=", "", "!"] {
        let pem = P256_ECPARAM.replace("BggqhkjOPQMBBw==", unknown);
        invalid(SigningKey::from_pem(Algorithm::ES256, pem));
    }
}

#[test]
fn ec_parameters_set_the_curve_of_a_key_without_one() {
    let der = der(P256_SEC1);
    let key = sec1::EcPrivateKey::try_from(&*der).unwrap();
    let nameless = sec1::EcPrivateKey {
        parameters: None,
        ..key
    };
    let nameless = nameless.to_der().unwrap();
    let nameless = pem::encode_string("EC PRIVATE KEY", pem::LineEnding::LF, &nameless);
    let parameters = &P256_ECPARAM[..P256_ECPARAM.find("-----BEGIN EC PRIVATE").unwrap()];
    let pem = format!("{parameters}{}", nameless.unwrap());
    assert!(SigningKey::from_pem(Algorithm::ES256, &pem).is_ok());
    key_type_mismatch(
        SigningKey::from_pem(Algorithm::ES384, pem),
        Algorithm::ES384,
    );
}

#[test]
fn pem_with_a_changed_byte_is_the_same_key_or_invalid() {
    let key = SigningKey::from_pem(Algorithm::ES256, P256_ECPARAM).unwrap();
    let mut same = 0;
    for position in 0..P256_ECPARAM.len() {
        for byte in *b"A-\\\n \0\xff" {
            let mut changed = P256_ECPARAM.as_bytes().to_vec();
            changed[position] = byte;
            if let Ok(changed) = SigningKey::from_pem(Algorithm::ES256, changed) {
                assert!(changed.verifying_key().is_same(&key.verifying_key()));
                same += 1;
            }
        }
    }
    assert!(same > 0);
}

#[test]
fn pem_line_endings_blank_lines_and_bom_are_ignored() {
    let plain = P256_PUBLIC.trim();
    let one_line: String = plain
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let one_line = format!("-----BEGIN PUBLIC KEY-----\n{one_line}\n-----END PUBLIC KEY-----");
    for pem in [
        format!("\r\n  {}\r\n\r\n", plain.replace('\n', "\r\n")),
        plain.replace('\n', "\r"),
        format!("\u{feff}{P256_PUBLIC}"),
        format!("\u{feff}\r\n{}", plain.replace('\n', "\r\n")),
        format!("subject=/C:\\new/CN=us\n{P256_PUBLIC}"),
        one_line,
    ] {
        let key = VerifyingKey::from_pem(Algorithm::ES256, &pem);
        assert!(key.is_ok(), "{pem:?}: {key:?}");
    }
}

#[test]
fn mangled_pem_is_rejected_with_a_specific_error() {
    let utf16: Vec<u8> = P256.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (pem, reason) in [
        (
            P256.replace('\n', "\\n").into_bytes(),
            "backslash and an `n`",
        ),
        (
            P256.replace('\n', "\\r\\n").into_bytes(),
            "backslash and an `n`",
        ),
        (
            P256.replace('\n', "\\\\n").into_bytes(),
            "backslash and an `n`",
        ),
        (
            P256.replace('\n', "\\n\n").into_bytes(),
            "backslash and an `n`",
        ),
        (
            format!("\"{}\"", P256.replace('\n', "\\n")).into_bytes(),
            "backslash and an `n`",
        ),
        (
            P256_ECPARAM.replace('\n', "\\n").into_bytes(),
            "backslash and an `n`",
        ),
        (
            P256.trim().replace('\n', " ").into_bytes(),
            "all on one line",
        ),
        (P256.replace('\n', "").into_bytes(), "all on one line"),
        (text(P256.as_bytes()).into_bytes(), "nor base64 of it"),
        (b"/run/keys/key.pem".to_vec(), "neither its path"),
        (Vec::new(), "neither its path"),
        ([&[0xff, 0xfe], &utf16[..]].concat(), "UTF-16"),
        (P256.replace('\n', "\n  ").into_bytes(), "without blanks"),
        (format!("x{P256}").into_bytes(), "well-formed"),
    ] {
        let message = invalid(SigningKey::from_pem(Algorithm::ES256, &pem));
        assert!(
            message.contains(reason),
            "{:?}: {message}",
            String::from_utf8_lossy(&pem)
        );
        invalid(VerifyingKey::from_pem(Algorithm::ES256, &pem));
    }
    let encrypted = RSA_PKCS1.replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1);
    assert!(invalid(SigningKey::from_pem(Algorithm::RS256, encrypted)).contains("encrypted"));
}

#[test]
fn pem_with_the_wrong_label_is_rejected() {
    assert!(invalid(VerifyingKey::from_pem(Algorithm::ES256, P256)).contains("private"));
    assert!(invalid(VerifyingKey::from_pem(Algorithm::RS256, RSA_PKCS1)).contains("private"));
    assert!(invalid(SigningKey::from_pem(Algorithm::ES256, P256_PUBLIC)).contains("PRIVATE KEY"));
    assert!(invalid(SigningKey::from_pem(Algorithm::ES256, P256_ENCRYPTED)).contains("encrypted"));
    let other = P256_PUBLIC.replace("PUBLIC KEY", "X509 CRL");
    assert!(invalid(VerifyingKey::from_pem(Algorithm::ES256, other)).contains("a PUBLIC KEY or"));
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

/// RFC 3279, section 2.3.1; RFC 5480, section 2.1.1; RFC 8410, section 3.
#[test]
fn parameters_of_the_key_algorithm_are_checked() {
    let (null, integer) = (&[5, 0][..], &[2, 1, 0][..]);
    let with = |pem: &str, parameters: Option<&'static [u8]>| {
        let der = der(pem);
        let mut info = SubjectPublicKeyInfoRef::try_from(&*der).unwrap();
        info.algorithm.parameters = parameters.map(|it| AnyRef::try_from(it).unwrap());
        info.to_der().unwrap()
    };
    for (algorithm, pem, accepted) in [
        (Algorithm::RS256, RSA_PUBLIC, [None, Some(null)].as_slice()),
        (Algorithm::EdDSA, ED25519_PUBLIC, &[None]),
        (Algorithm::ES256, P256_PUBLIC, &[]),
    ] {
        let key = VerifyingKey::from_pem(algorithm, pem).unwrap();
        for parameters in [None, Some(null), Some(integer)] {
            let read = VerifyingKey::from_der(algorithm, with(pem, parameters));
            match accepted.contains(&parameters) {
                true => assert!(read.unwrap().is_same(&key), "{algorithm} {parameters:?}"),
                false if algorithm == Algorithm::ES256 => assert!(invalid(read).contains("P-256")),
                false => assert!(invalid(read).contains("plain RSA")),
            }
        }
    }
}

#[test]
fn der_with_extra_or_missing_bytes_is_rejected() {
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
fn debug_redacts_private_and_public_keys() {
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
fn key_survives_a_jwk_round_trip() {
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
