//! The server as a router, without a port.

mod channel;
mod email_links;
mod health;
mod keys;
mod many_accounts;
mod origin;
mod pages;
mod page_forms;
mod postgres;
mod reset_links;
mod shared;
mod streams;

use std::sync::Mutex;

use serde_json::{Value, json};
use tower::ServiceExt;
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::testing::account_store_contract;
use tower_warder_accounts::{
    Accounts, AuditRetention, AuditWriter, InMemoryAccountStore, InMemoryAuditStore,
    InMemoryOneTimeTokenStore, InMemorySessionStore, OneTimeTokens, Sessions,
};

use tower_warder_server::site::Site;
use tower_warder_server::store::Store;

use crate::support::{Place, get, open, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_store_meets_the_contract() {
    assert_contract(async || Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_store_meets_the_contract() {
    if Place::postgres().await.is_some() {
        assert_contract(async || Place::postgres().await.unwrap()).await;
    }
}

async fn assert_contract(empty: impl AsyncFn() -> Place) {
    let places = Mutex::new(Vec::new());
    account_store_contract(async || {
        let place = empty().await;
        let store = place.open().await;
        places.lock().unwrap().push(place);
        store
    })
    .await;
}

#[tokio::test]
async fn api_page_loads_only_from_the_server() {
    let secret = HmacSecret::generate();
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret));
    let cookie = tower_warder_server::origin::cookie(None).unwrap();
    let app = tower_warder_server::app(
        accounts,
        JwtIssuer::hs256(&secret),
        JwtVerifier::hs256(&secret),
        cookie,
        None,
        &Site::default(),
    );

    let document = send(&app, get("/api/openapi.json")).await.json();
    assert!(document["paths"]["/api/auth/me"]["get"].is_object());

    assert_eq!(
        send(&app, get("/api/docs")).await.header("location"),
        Some("/api/docs/")
    );
    let page = send(&app, get("/api/docs/")).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));

    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for link in page.body.split(attribute).skip(1) {
            let file = link.split('"').next().unwrap();
            let file = file.trim_start_matches("./");
            let answer = app.clone().oneshot(get(&format!("/api/docs/{file}"))).await;
            assert_eq!(answer.unwrap().status(), 200, "{file}");
            loaded += 1;
        }
    }
    assert_eq!(loaded, 7);
    let initializer = send(&app, get("/api/docs/swagger-initializer.js"))
        .await
        .body;
    assert!(!initializer.contains("http"), "{initializer}");
    assert_eq!(send(&app, get("/api/docs/nothing.js")).await.status, 404);
}

#[tokio::test]
async fn session_routes_exist_and_are_documented_if_enabled() {
    let secret = HmacSecret::generate();
    let cookie = || tower_warder_server::origin::cookie(None).unwrap();
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret));
    let sessions = || Sessions::new(InMemorySessionStore::new());
    let cookies_only = accounts.clone().sessions(sessions().refresh_tokens(false));
    let with = accounts.clone().sessions(sessions());
    for (accounts, expected) in [
        (accounts, [404, 404]),
        (cookies_only, [401, 404]),
        (with, [401, 405]),
    ] {
        let issuer = JwtIssuer::hs256(&secret);
        let verifier = JwtVerifier::hs256(&secret);
        let app =
            tower_warder_server::app(accounts, issuer, verifier, cookie(), None, &Site::default());
        let document = send(&app, get("/api/openapi.json")).await.json();
        let is_described = |path: &str| document["paths"][path].is_object();
        assert!(is_described("/api/auth/me"));
        for (path, status) in ["/api/auth/sessions", "/api/auth/refresh"]
            .iter()
            .zip(expected)
        {
            assert_eq!(send(&app, get(path)).await.status, status, "{path}");
            assert_eq!(is_described(path), status != 404, "{path}");
        }
        let described = expected[0] != 404;
        for path in ["/api/auth/sessions/{id}", "/api/auth/sessions/end-others"] {
            assert_eq!(is_described(path), described, "{path}");
        }
    }
}

#[tokio::test]
async fn event_routes_exist_and_are_documented_with_a_store() {
    let secret = HmacSecret::generate();
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret));
    let writer = AuditWriter::spawn(InMemoryAuditStore::new(), AuditRetention::default());
    let with = accounts.clone().audit_store(writer);
    for (accounts, status) in [(accounts, 404), (with, 401)] {
        let cookie = tower_warder_server::origin::cookie(None).unwrap();
        let (issuer, verifier) = (JwtIssuer::hs256(&secret), JwtVerifier::hs256(&secret));
        let site = Site::default();
        let app = tower_warder_server::app(accounts, issuer, verifier, cookie, None, &site);
        let document = send(&app, get("/api/openapi.json")).await.json();
        for (path, template) in [
            ("/api/auth/users/1/events", "/api/auth/users/{id}/events"),
            ("/api/auth/users/logins/last", "/api/auth/users/logins/last"),
        ] {
            assert_eq!(send(&app, get(path)).await.status, status, "{path}");
            let is_described = document["paths"][template].is_object();
            assert_eq!(is_described, status != 404, "{path}");
        }
    }
}

/// The document of a server with sessions and one-time tokens.
async fn api_document(site: &Site) -> Value {
    let secret = HmacSecret::generate();
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret))
        .sessions(Sessions::new(InMemorySessionStore::new()))
        .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()));
    let cookie = tower_warder_server::origin::cookie(site.public_origin.as_ref()).unwrap();
    let (issuer, verifier) = (JwtIssuer::hs256(&secret), JwtVerifier::hs256(&secret));
    let app = tower_warder_server::app(accounts, issuer, verifier, cookie, None, site);
    send(&app, get("/api/openapi.json")).await.json()
}

#[tokio::test]
async fn api_document_names_product_and_origin() {
    let document = api_document(&Site::default()).await;
    assert_eq!(document["info"]["title"], "tower-warder");
    assert!(document.get("servers").is_none());

    let site = Site {
        product_name: "Ada & Co".parse().unwrap(),
        public_origin: Some("https://login.example".parse().unwrap()),
        ..Site::default()
    };
    let document = api_document(&site).await;
    assert_eq!(document["info"]["title"], "Ada & Co");
    let servers = json!([{"url": "https://login.example"}]);
    assert_eq!(document["servers"], servers);
}

#[tokio::test]
async fn api_document_describes_the_streams() {
    let document = api_document(&Site::default()).await;
    for (path, status, parameters) in [
        ("/api/events", "200", vec!["token"]),
        ("/api/ws", "101", vec!["token", "Sec-WebSocket-Protocol"]),
    ] {
        let stream = &document["paths"][path]["get"];
        let responses = stream["responses"].as_object().unwrap();
        for status in [status, "400", "401", "403", "429", "503"] {
            assert!(responses.contains_key(status), "{path} {status}");
        }
        assert!(responses["429"]["headers"]["retry-after"].is_object());
        let security = stream["security"].as_array().unwrap();
        for scheme in ["bearer", "password", "cookie"] {
            assert!(security.iter().any(|it| it.get(scheme).is_some()));
        }
        let described = stream["parameters"].as_array().unwrap();
        let names: Vec<_> = described.iter().map(|it| &it["name"]).collect();
        assert_eq!(names, parameters, "{path}");
    }
}

#[tokio::test]
async fn api_document_lists_every_code_it_shows() {
    let document = api_document(&Site::default()).await;
    let problem = &document["components"]["schemas"]["ProblemDetails"];
    let codes = problem["properties"]["code"]["enum"].as_array().unwrap();
    let mut distinct = codes.clone();
    distinct.dedup();
    assert_eq!(&distinct, codes);

    let mut shown = Vec::new();
    for response in responses(&document) {
        let content = &response["content"]["application/problem+json"];
        let examples = content["examples"].as_object();
        shown.extend(
            examples
                .into_iter()
                .flatten()
                .map(|(_, it)| &it["value"]["code"]),
        );
    }
    assert!(shown.len() > 100, "{}", shown.len());
    for code in &shown {
        assert!(codes.contains(code), "{code}");
    }
    // Responses that belong to no operation.
    let everywhere = [
        "invalid_host",
        "method_not_allowed",
        "misdirected_request",
        "not_found",
    ];
    for code in codes {
        assert!(
            shown.contains(&code) || everywhere.iter().any(|it| code == it),
            "{code} occurs nowhere"
        );
    }
}

#[tokio::test]
async fn api_document_has_an_example_for_every_value() {
    let document = api_document(&Site::default()).await;
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let has_own = schema.get("examples").is_some();
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (property, value) in properties {
            let is_chosen = ["examples", "enum", "$ref", "items"]
                .iter()
                .any(|it| value.get(it).is_some());
            assert!(has_own || is_chosen, "{name}.{property}");
        }
    }
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|it| it["in"] == "path") {
                assert!(parameter.get("example").is_some(), "{parameter}");
            }
        }
    }
}

fn responses(document: &Value) -> impl Iterator<Item = &Value> {
    let items = document["paths"].as_object().unwrap().values();
    items
        .flat_map(|item| item.as_object().unwrap().values())
        .flat_map(|operation| operation["responses"].as_object().unwrap().values())
}
