//! A document of keys as a key server sends it.

use std::collections::BTreeMap;

use http::{Request, Response};
use serde_json::value::RawValue;
use tower_warder::jwks::{JwksClient, RemoteJwks};
use tower_warder::{BoxError, JwtVerifier, async_trait};

use crate::runtime::block_on;

pub(crate) fn run(input: &[u8]) {
    block_on(async {
        let keys = RemoteJwks::from_url("https://keys.example/jwks.json");
        let Ok(keys) = keys.client(Document(input.to_vec())).await else {
            return;
        };
        // Raw, because a key that is not usable is skipped.
        let document: BTreeMap<String, &RawValue> = serde_json::from_slice(input).unwrap();
        let listed: Vec<&RawValue> = serde_json::from_str(document["keys"].get()).unwrap();
        assert!(!listed.is_empty());
        let verifier = JwtVerifier::jwks(&keys).issuer("https://issuer.example");
        let _ = verifier.verify_token("e30.e30.AAAA");
    });
}

struct Document(Vec<u8>);

#[async_trait]
impl JwksClient for Document {
    async fn get(&self, _: Request<()>, _: usize) -> Result<Response<Vec<u8>>, BoxError> {
        Ok(Response::new(self.0.clone()))
    }
}
