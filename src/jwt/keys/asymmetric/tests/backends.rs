//! Agreement of both backends.

use super::*;
use crate::jwt::keys::jwk::Jwk;

#[test]
fn each_backend_verifies_signatures_of_the_other() {
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

#[test]
fn both_backends_reject_the_same_keys() {
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
        let jwk = Jwk::parse(json.as_bytes()).unwrap();
        let key = PrivateKey::from_jwk(Algorithm::PS256, &jwk).unwrap();
        invalid(aws_lc::Signer::new(Algorithm::PS256, &key).map(|_| ()));
        invalid(rust_crypto::Signer::new(Algorithm::PS256, &key).map(|_| ()));
    }
}

#[test]
fn parser_and_both_backends_reject_other_key_types() {
    for (algorithm, private_pem, public_pem) in algorithms() {
        let (private_pem, public_pem) = (private_pem.as_bytes(), public_pem.as_bytes());
        let private = PrivateKey::from_pem(algorithm, private_pem).unwrap();
        let public = PublicKey::from_pem(algorithm, public_pem).unwrap();
        let is_other = |other: &Algorithm| other.key_type() != algorithm.key_type();
        for other in algorithms().map(|(other, ..)| other).filter(is_other) {
            key_type_mismatch(PrivateKey::from_pem(other, private_pem).map(drop), other);
            key_type_mismatch(PublicKey::from_pem(other, public_pem).map(drop), other);
            key_type_mismatch(aws_lc::Signer::new(other, &private).map(drop), other);
            key_type_mismatch(aws_lc::Verifier::new(other, &public).map(drop), other);
            key_type_mismatch(rust_crypto::Signer::new(other, &private).map(drop), other);
            key_type_mismatch(rust_crypto::Verifier::new(other, &public).map(drop), other);
        }
    }
}
