//! `jsonwebtoken` chooses its backend by Cargo features, and with two of them on it panics at the
//! first token. tower-warder must not switch one on: this application has one backend, we use
//! another, and both work.

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
    use serde_json::{Value, json};
    use tower_warder::{Algorithm, HmacSecret, SigningKey, JwtIssuer, JwtVerifier};

    const SECRET: &str = "rJ5vXq9Zp2LwTn8bKc4mFh7sDg3aYe6u";
    const ED25519: &[u8] = include_bytes!("../../keys/ed25519.pem");

    #[test]
    fn an_applications_own_jsonwebtoken_keeps_working() {
        let claims = json!({"sub": "7", "exp": 4_102_444_800_u64});
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();

        let key = DecodingKey::from_secret(SECRET.as_bytes());
        let decoded = jsonwebtoken::decode::<Value>(&token, &key, &Validation::default()).unwrap();
        assert_eq!(decoded.claims, claims);

        let verifier = JwtVerifier::hs256(&HmacSecret::new(SECRET).unwrap());
        assert_eq!(verifier.verify_token(&token).unwrap().subject(), "7");
    }

    #[test]
    fn our_own_backend_works_beside_it() {
        let key = SigningKey::from_pem(Algorithm::EdDSA, ED25519).unwrap();
        let token = JwtIssuer::new(key.clone()).issue("7").unwrap();
        let verifier = JwtVerifier::new(key.verifying_key());
        assert_eq!(verifier.verify_token(&token).unwrap().subject(), "7");
    }
}
