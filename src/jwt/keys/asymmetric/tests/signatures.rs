//! Signing and verification, with altered signatures and the test vectors of the RFCs.

use super::*;

#[test]
fn every_algorithm_verifies_only_its_own_signatures() {
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
            for at in (0..signature.len()).step_by(signature.len() / 64) {
                let mut tampered = signature.clone();
                tampered[at] ^= 1;
                assert!(!key.verify(b"message", &tampered), "{algorithm} {at}");
            }
        }
    }
}

#[test]
fn signature_of_the_wrong_length_is_rejected() {
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
fn ecdsa_signature_in_der_is_rejected() {
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
fn generated_keys_sign_and_differ() {
    for (algorithm, ..) in algorithms() {
        if algorithm.key_type() == crate::jwt::keys::algorithm::KeyType::Rsa {
            assert!(invalid(SigningKey::generate(algorithm)).contains("openssl"));
            continue;
        }
        let [key, other] = [(); 2].map(|()| SigningKey::generate(algorithm).unwrap());
        let signature = key.sign(b"message").unwrap();
        assert!(key.verifying_key().verify(b"message", &signature));
        assert!(!other.verifying_key().verify(b"message", &signature));
    }
}
