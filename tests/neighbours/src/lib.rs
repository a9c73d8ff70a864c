//! `jsonwebtoken` chooses its backend by Cargo features, and without one, or with two and none installed,
//! it panics at the first token. tower-warder takes its keys and must not switch one on: what happens to
//! the application's own `decode` is the application's choice, and our verification works all the same.
//! So it does beside a `serde_json` that reads numbers as text.

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::time::UNIX_EPOCH;

    use jsonwebtoken::{Algorithm as Theirs, DecodingKey, EncodingKey, Header, Validation};
    use serde_json::{Value, json};
    use tower_warder::keys::{Algorithm, SigningKey};
    use tower_warder::{Claims, HmacSecret, JwtIssuer, JwtVerifier};

    const SECRET: &str = "rJ5vXq9Zp2LwTn8bKc4mFh7sDg3aYe6u";
    const ED25519: &[u8] = include_bytes!("../../keys/ed25519.pem");

    #[test]
    fn decode_works_with_one_backend_and_panics_with_none_or_two() {
        let claims = json!({"sub": "7", "exp": 4_102_444_800_u64});
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let token = catch_unwind(|| jsonwebtoken::encode(&Header::default(), &claims, &key));
        let decoded = catch_unwind(|| {
            let token = JwtIssuer::hs256(&HmacSecret::new(SECRET).unwrap())
                .issue("7")
                .unwrap();
            let key = DecodingKey::from_secret(SECRET.as_bytes());
            jsonwebtoken::decode::<Value>(token, &key, &Validation::default())
        });
        if cfg!(feature = "rust_crypto") == cfg!(feature = "aws_lc_rs") {
            assert!(token.is_err() && decoded.is_err());
        } else {
            let verifier = JwtVerifier::hs256(&HmacSecret::new(SECRET).unwrap());
            assert_eq!(
                verifier
                    .verify_token(&token.unwrap().unwrap())
                    .unwrap()
                    .subject(),
                "7"
            );
            assert_eq!(decoded.unwrap().unwrap().claims["sub"], "7");
        }
    }

    #[test]
    fn keys_and_validations_of_jsonwebtoken_work_beside_any_backend() {
        let encoding = EncodingKey::from_secret(SECRET.as_bytes());
        let decoding = DecodingKey::from_secret(SECRET.as_bytes());
        let key = SigningKey::from_encoding_key(Algorithm::HS256, &encoding).unwrap();
        let token = JwtIssuer::new(key).issue("7").unwrap();
        let verifier = JwtVerifier::from_validation(&decoding, &Validation::default()).unwrap();
        assert_eq!(verifier.verify_token(&token).unwrap().subject(), "7");

        let key = SigningKey::from_pem(Algorithm::EdDSA, ED25519).unwrap();
        let jwk: Value = serde_json::from_str(&key.verifying_key().to_jwk().unwrap()).unwrap();
        let decoding = DecodingKey::from_ed_components(jwk["x"].as_str().unwrap()).unwrap();
        let validation = Validation::new(Theirs::EdDSA);
        let verifier = JwtVerifier::from_validation(&decoding, &validation).unwrap();
        let token = JwtIssuer::new(key).issue("7").unwrap();
        assert_eq!(verifier.verify_token(&token).unwrap().subject(), "7");
    }

    #[test]
    fn numbers_are_read_whatever_the_features_of_serde_json() {
        let number: serde_json::Number = serde_json::from_str("1.000").unwrap();
        assert_eq!(number.to_string(), "1.000", "`arbitrary_precision` is off");
        for exp in ["4102444800", "4102444800.5", "4.1024448e9"] {
            let claims = Claims::from_json(format!(r#"{{"sub":"7","exp":{exp},"x":1.5}}"#));
            let expires_at = claims.unwrap().expires_at().duration_since(UNIX_EPOCH);
            assert_eq!(expires_at.unwrap().as_secs(), 4_102_444_800);
        }
    }
}
