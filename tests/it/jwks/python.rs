//! Interoperability of key sets with PyJWT, in both directions.

use std::env;

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;
use tower_warder::jwks::{JwksEndpoint, RemoteJwks};
use tower_warder::keys::KeyRing;

use super::*;

#[tokio::test]
async fn key_sets_interoperate_with_pyjwt() {
    let Some(python) = env::var_os("INTEROP_PYTHON") else {
        println!("skipped: INTEROP_PYTHON names no interpreter with PyJWT[crypto]");
        return;
    };
    let (ring, mut tokens) = (KeyRing::new(), Vec::new());
    for (algorithm, pem) in [
        (Algorithm::ES256, P256),
        (Algorithm::ES384, include_str!("../../keys/p384.pem")),
        (Algorithm::RS256, RSA),
        (Algorithm::PS256, RSA),
        (Algorithm::EdDSA, ED25519),
    ] {
        let key = SigningKey::from_pem(algorithm, pem).unwrap();
        let key = key.key_id(algorithm.as_str());
        ring.add(key.verifying_key()).unwrap();
        tokens.push(token(key));
    }
    let app = Router::new().route_service("/jwks.json", JwksEndpoint::new(&ring));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/jwks.py");
    let output = Command::new(python)
        .arg(script)
        .env("JWKS_URL", url)
        .env("TOKENS", tokens.join(" "))
        .output()
        .await
        .unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{failed}");

    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let server = Server::saying(&theirs["keys"].to_string());
    let verifier = verifier(&RemoteJwks::from_url(URL).client(server).await.unwrap());
    let signed = theirs["tokens"].as_array().unwrap();
    assert_eq!(signed.len(), 4);
    for token in signed {
        let token = token.as_str().unwrap();
        assert_eq!(
            outcome_of(&verifier, token).await,
            Outcome::Accepted,
            "{token}"
        );
    }
}
