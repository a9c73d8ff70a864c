//! OpenID Connect Discovery.

use std::time::Duration;

use serde_json::json;
use tower_warder::error::ConfigError;
use tower_warder::jwks::RemoteJwks;
use tower_warder::jwt::MultiIssuerVerifier;

use super::*;
use crate::support::Log;

const DOCUMENT: &str = "https://login.example/realms/shop/.well-known/openid-configuration";
const KEYS: &str = "https://keys.example/shop";

/// Verifier without an issuer rule: discovery sets it.
fn verifier(keys: &RemoteJwks) -> JwtVerifier {
    JwtVerifier::jwks(keys)
}

#[tokio::test(start_paused = true)]
async fn discovery_finds_keys_and_requires_the_issuer() {
    let server = discoverable(ISSUER, KEYS);
    let keys = RemoteJwks::from_oidc_issuer(ISSUER)
        .client(server.clone())
        .await
        .unwrap();
    let urls: Vec<_> = server.asked().into_iter().map(|asked| asked.url).collect();
    assert_eq!(urls, [DOCUMENT, KEYS]);

    let verifier = verifier(&keys);
    for (issuer, outcome) in [
        (ISSUER, Outcome::Accepted),
        ("https://login.example", Outcome::Rejected),
        ("https://login.example/realms/shop/", Outcome::Rejected),
    ] {
        let token = JwtIssuer::new(key("a")).issuer(issuer).issue("7").unwrap();
        assert_eq!(outcome_of(&verifier, &token).await, outcome, "{issuer}");
    }
    let anonymous = JwtIssuer::new(key("a")).issue("7").unwrap();
    assert_eq!(outcome_of(&verifier, &anonymous).await, Outcome::Rejected);
}

#[tokio::test(start_paused = true)]
async fn discovered_issuer_is_registered_under_its_exact_name() {
    let server = discoverable(ISSUER, KEYS);
    let keys = RemoteJwks::from_oidc_issuer(ISSUER)
        .client(server)
        .await
        .unwrap();
    let other = MultiIssuerVerifier::new().add(format!("{ISSUER}/"), verifier(&keys));
    assert!(matches!(other, Err(ConfigError::IssuerMismatch(_))));
    let issuers = MultiIssuerVerifier::new()
        .add(ISSUER, verifier(&keys))
        .unwrap();
    let token = JwtIssuer::new(key("a")).issuer(ISSUER).issue("7");
    assert_eq!(
        outcome_of(&issuers, &token.unwrap()).await,
        Outcome::Accepted
    );
}

#[tokio::test(start_paused = true)]
async fn tenant_template_accepts_no_issuer_without_a_rule() {
    const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";
    let common = "https://login.example/common/v2.0";
    let server = Server::publishing(["a"]);
    server.say_at(
        "https://login.example/common/v2.0/.well-known/openid-configuration",
        &document(TEMPLATE, KEYS),
    );
    let keys = RemoteJwks::from_oidc_issuer(common)
        .client(server)
        .await
        .unwrap();
    let [one, two] = ["t1", "t2"].map(|tenant| {
        let issuer = format!("https://login.example/{tenant}/v2.0");
        let token = JwtIssuer::new(key("a")).issuer(issuer);
        let claims = json!({"tid": tenant});
        token.token("7").claims(&claims).issue().unwrap()
    });
    let listed = verifier(&keys).issuers(["https://login.example/t2/v2.0"]);
    let all = verifier(&keys).issuer_template(TEMPLATE).unwrap();
    for (verifier, expected) in [
        (verifier(&keys), [Outcome::Rejected, Outcome::Rejected]),
        (listed, [Outcome::Rejected, Outcome::Accepted]),
        (all, [Outcome::Accepted, Outcome::Accepted]),
    ] {
        let outcomes = [
            outcome_of(&verifier, &one).await,
            outcome_of(&verifier, &two).await,
        ];
        assert_eq!(outcomes, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn template_not_matched_by_the_issuer_is_rejected() {
    for other in [
        "https://evil.example/{tenantid}/shop",
        "https://login.example/{tenantid}",
        "https://login.example/{tenantid}/{tenantid}",
        "https://login.example/realms/shop{tenantid}",
        "{tenantid}",
    ] {
        let error = rejected(discoverable(other, KEYS)).await;
        assert!(error.contains("is of issuer"), "{other}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_document_of_another_issuer_is_rejected() {
    for other in [
        "https://evil.example",
        "https://login.example/realms/shop/",
        "https://login.example/realms/Shop",
        "HTTPS://login.example/realms/shop",
        "",
    ] {
        let error = rejected(discoverable(other, KEYS)).await;
        let both = format!("is of issuer {other:?}, expected {ISSUER:?}");
        assert!(error.contains(&both), "{other}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn mismatched_issuer_is_reported_escaped_and_truncated() {
    let log = Log::record();
    let evil = format!(
        "https://evil\r\n{}\u{202e}{}",
        "ERROR ",
        "x".repeat(100_000)
    );
    let keys = RemoteJwks::from_oidc_issuer(ISSUER).client(discoverable(&evil, KEYS));
    let _keys = keys.connect_lazy().unwrap();
    settle().await;
    let lines = log.lines("WARN");
    assert_eq!(lines.len(), 1, "{}", log.text());
    assert!(
        lines[0].contains(r"https://evil\r\nERROR \u{202e}xxx"),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains("xx…"), "{}", lines[0]);
    assert!(lines[0].len() < 600, "{}", lines[0]);
    assert!(lines[0].contains(ISSUER));
}

#[tokio::test(start_paused = true)]
async fn http_issuer_in_a_private_network_needs_opt_in() {
    const INSIDE: &str = "http://keycloak:8080/realms/shop";
    let found = |jwks_uri: &str| {
        let server = Server::publishing(["a"]);
        let at = format!("{INSIDE}/.well-known/openid-configuration");
        server.say_at(&at, &document(INSIDE, jwks_uri));
        server
    };
    for (jwks_uri, is_good) in [
        ("http://keycloak:8080/keys", true),
        ("https://keys.example/", true),
        ("http://user:password@keycloak:8080/keys", false),
        ("file:///etc/passwd", false),
    ] {
        let builder = RemoteJwks::from_oidc_issuer(INSIDE).client(found(jwks_uri));
        let keys = builder.dangerous_allow_http().await;
        assert_eq!(keys.is_ok(), is_good, "{jwks_uri}: {keys:?}");
    }
    let rejected = RemoteJwks::from_oidc_issuer(INSIDE)
        .client(found(KEYS))
        .await;
    assert!(matches!(rejected, Err(ConfigError::InvalidUrl(_))));
    // The setting does not allow an https issuer to publish an http URL.
    let server = discoverable(ISSUER, "http://keys.example/shop");
    let rejected = RemoteJwks::from_oidc_issuer(ISSUER).client(server.clone());
    assert!(rejected.dangerous_allow_http().await.is_err());
    assert_eq!(server.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn discovery_document_cannot_downgrade_to_http() {
    for elsewhere in [
        "http://keys.example/shop",
        "http://localhost/shop",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "https://user:password@keys.example/",
        "/keys",
        "",
    ] {
        let server = discoverable(ISSUER, elsewhere);
        let error = rejected(server.clone()).await;
        assert!(error.contains("jwks_uri"), "{elsewhere}: {error}");
        assert_eq!(server.fetches(), 1, "{elsewhere}");
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_discovery_document_is_rejected() {
    for document in [
        "",
        "null",
        "[]",
        r#"["https://login.example/realms/shop","https://keys.example/shop"]"#,
        r#"{"issuer":"https://login.example/realms/shop"}"#,
        r#"{"issuer":7,"jwks_uri":"https://keys.example/shop"}"#,
        r#"{"issuer":"https://login.example/realms/shop","jwks_uri":"https://a/","jwks_uri":"https://b/"}"#,
    ] {
        let server = Server::publishing(["a"]);
        server.say_at(DOCUMENT, document);
        let error = rejected(server).await;
        assert!(error.contains("discovery document"), "{document}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn moved_keys_are_rediscovered() {
    let server = discoverable(ISSUER, KEYS);
    let keys = RemoteJwks::from_oidc_issuer(ISSUER)
        .client(server.clone())
        .await
        .unwrap();
    pass(Duration::from_secs(300)).await;
    let urls: Vec<_> = server.asked().into_iter().map(|asked| asked.url).collect();
    assert_eq!(urls, [DOCUMENT, KEYS, KEYS], "looked up once");

    server.say_at(KEYS, "moved");
    server.say_at(DOCUMENT, &document(ISSUER, "https://new.example/"));
    server.publish(["a", "b"]);
    pass(Duration::from_secs(300)).await;
    pass(Duration::from_secs(60)).await;
    assert_eq!(server.asked().last().unwrap().url, "https://new.example/");
    let token = JwtIssuer::new(key("b")).issuer(ISSUER).issue("7").unwrap();
    assert_eq!(
        outcome_now(&verifier(&keys), &token),
        Some(Outcome::Accepted)
    );
}

fn discoverable(issuer: &str, jwks_uri: &str) -> Server {
    let server = Server::publishing(["a"]);
    server.say_at(DOCUMENT, &document(issuer, jwks_uri));
    server
}

fn document(issuer: &str, jwks_uri: &str) -> String {
    json!({"issuer": issuer, "jwks_uri": jwks_uri, "scopes_supported": ["openid"]}).to_string()
}

async fn rejected(server: Server) -> String {
    match RemoteJwks::from_oidc_issuer(ISSUER).client(server).await {
        Err(error @ ConfigError::KeySet { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}
