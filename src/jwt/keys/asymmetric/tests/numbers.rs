//! Weak, invalid and inconsistent key material.

use super::*;

#[test]
fn private_rsa_key_with_inconsistent_parts_is_rejected() {
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
fn private_jwk_with_another_public_key_is_rejected() {
    let point = p256_point();
    let (x, y) = (text(&point[1..33]), text(&point[33..]));
    let d = text(&[7; 32]);
    let ec = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}"}}"#);
    assert!(invalid(SigningKey::from_jwk(ec)).contains("belong together"));
    let okp = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{d}"}}"#);
    assert!(invalid(SigningKey::from_jwk(okp)).contains("belong together"));
}

#[test]
fn rsa_key_of_1024_bits_is_rejected() {
    assert!(invalid(SigningKey::from_pem(Algorithm::RS256, RSA_1024)).contains("2048"));
    let small = rsa_jwk(&modulus(1024), &[1, 0, 1]);
    assert!(invalid(VerifyingKey::from_jwk(small)).contains("2048"));
}

#[test]
fn rsa_moduli_of_2048_to_8192_bits_are_accepted() {
    for bits in [2048, 3072, 8192] {
        assert!(
            VerifyingKey::from_jwk(rsa_jwk(&modulus(bits), &[1, 0, 1])).is_ok(),
            "{bits}"
        );
    }
    for bits in [2047, 8193] {
        let rejected = VerifyingKey::from_jwk(rsa_jwk(&modulus(bits), &[1, 0, 1]));
        assert!(invalid(rejected).contains("2048"), "{bits}");
    }
}

#[test]
fn even_too_small_or_huge_rsa_exponent_is_rejected() {
    for exponent in [&[1][..], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &[1; 64]] {
        let rejected = VerifyingKey::from_jwk(rsa_jwk(&modulus(2048), exponent));
        assert!(invalid(rejected).contains("exponent"), "{exponent:?}");
    }
    for exponent in [&[3][..], &[17], &[1, 0, 1]] {
        let accepted = VerifyingKey::from_jwk(rsa_jwk(&modulus(2048), exponent));
        assert!(accepted.is_ok(), "{exponent:?}");
    }
}

#[test]
fn even_rsa_modulus_is_rejected() {
    let mut even = modulus(2048);
    even[255] = 0xfe;
    assert!(invalid(VerifyingKey::from_jwk(rsa_jwk(&even, &[1, 0, 1]))).contains("odd"));
}

#[test]
fn point_off_its_curve_is_rejected() {
    let point = p256_point();
    for at in [1, 33, 64] {
        let mut off = point.clone();
        off[at] ^= 1;
        invalid(VerifyingKey::from_bytes(Algorithm::ES256, &off));
        invalid(VerifyingKey::from_jwk(p256_jwk(&off[1..33], &off[33..])));
    }
    // A P-256 point padded for P-384, and coordinates outside the field.
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
fn point_at_infinity_is_rejected() {
    invalid(VerifyingKey::from_bytes(Algorithm::ES256, [0]));
    invalid(VerifyingKey::from_bytes(Algorithm::ES256, [0; 65]));
    invalid(VerifyingKey::from_bytes(
        Algorithm::ES256,
        [&[4][..], &[0; 64]].concat(),
    ));
    invalid(VerifyingKey::from_jwk(p256_jwk(&[0; 32], &[0; 32])));
}

#[test]
fn compressed_or_truncated_point_is_rejected() {
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
        .contains("`crv`")
    );
    let padded = [&[0], &point[1..33]].concat();
    assert!(invalid(VerifyingKey::from_jwk(p256_jwk(&padded, &point[33..]))).contains("`crv`"));
    assert!(invalid(VerifyingKey::from_jwk(p256_jwk(&point[1..33], &padded))).contains("`crv`"));
}

#[test]
fn zero_or_too_large_scalar_is_rejected() {
    for scalar in [[0; 32], [0xff; 32]] {
        let key = PrivateKey::ec(Curve::P256, &scalar, None).unwrap();
        invalid(pair(Algorithm::ES256, &key).map(|_| ()));
    }
}

#[test]
fn ed25519_key_of_another_length_is_rejected() {
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
fn ed25519_key_of_small_order_is_rejected() {
    for y in key::SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point = bytes(y);
            point[31] |= sign;
            let rejected = VerifyingKey::from_bytes(Algorithm::EdDSA, point);
            assert!(invalid(rejected).contains("small order"), "{y} {sign}");
        }
    }
}

#[cfg(feature = "rust-crypto")]
#[test]
fn small_order_table_has_only_weak_points() {
    for y in key::SMALL_ORDER {
        let point = bytes(y).try_into().unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&point).unwrap();
        assert!(key.is_weak(), "{y}");
    }
}
