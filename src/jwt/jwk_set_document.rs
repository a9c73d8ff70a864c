//! Keys as everybody may read them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::keys::VerifyingKey;

/// A JSON Web Key Set (RFC 7517, section 5), and what tells it from others.
pub(crate) struct JwkSetDocument {
    pub(crate) json: String,
    /// A strong entity tag (RFC 9110, section 8.8.3).
    pub(crate) etag: String,
}

impl JwkSetDocument {
    /// Of the public keys. Secrets are left out: whoever knows one can sign.
    pub(super) fn of(keys: &[VerifyingKey]) -> Self {
        let keys = keys.iter().filter_map(VerifyingKey::jwk_members);
        let keys: Vec<Value> = keys.map(Value::Object).collect();
        let json = json!({ "keys": keys }).to_string();
        let digest = Sha256::digest(&json);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest));
        Self { json, etag }
    }
}
