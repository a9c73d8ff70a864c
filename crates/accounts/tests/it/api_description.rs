//! The OpenAPI document, compared with the routes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tower_warder::UserStatus::Approved;
use tower_warder::credentials::AuthCookie;
use tower_warder::testing;
use tower_warder_accounts::openapi::{
    AccountsApi, AuditApi, CookieApi, EmailChangeApi, EmailVerificationApi, ForgotPasswordApi,
    InvitationApi, OwnAccountApi, PasswordResetApi, RefreshApi, RegistrationApi, SessionsApi,
    TicketApi,
};
use tower_warder_accounts::{self as accounts, Accounts, InMemoryAccountStore, InMemoryAuditStore};
use utoipa::OpenApi;

use super::audit_store::stored_in;
use super::server::{PASSWORD, Server, bare, by};
use super::sessions;
use crate::support::accounts::described::{DOCUMENT, paths};

/// All routes.
const ROUTES: [(&str, &str); 33] = [
    ("POST", "/accept-invitation"),
    ("POST", "/change-email"),
    ("POST", "/complete-registration"),
    ("POST", "/cookie/login"),
    ("POST", "/cookie/logout"),
    ("POST", "/forgot-password"),
    ("POST", "/invitations"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("POST", "/logout-all"),
    ("GET", "/me"),
    ("POST", "/me/delete"),
    ("PUT", "/me/display-name"),
    ("POST", "/me/email"),
    ("POST", "/me/export"),
    ("POST", "/password"),
    ("POST", "/refresh"),
    ("POST", "/register"),
    ("POST", "/reset-password"),
    ("GET", "/sessions"),
    ("POST", "/sessions/end-others"),
    ("DELETE", "/sessions/{id}"),
    ("POST", "/stream-ticket"),
    ("GET", "/users"),
    ("GET", "/users/logins/last"),
    ("GET", "/users/pending/count"),
    ("DELETE", "/users/{id}"),
    ("PUT", "/users/{id}"),
    ("GET", "/users/{id}/events"),
    ("POST", "/users/{id}/password-reset-token"),
    ("POST", "/users/{id}/reset-password"),
    ("POST", "/verify-email"),
    ("POST", "/verify-email/request"),
];

#[test]
fn description_lists_exactly_the_routes() {
    let mut described = Vec::new();
    for (path, item) in paths() {
        for method in item.as_object().unwrap().keys() {
            described.push((method.to_uppercase(), path.as_str()));
        }
    }
    let routes = ROUTES.map(|(method, path)| (method.to_owned(), path));
    assert_eq!(described, routes);

    // A router reveals its paths only in its `Debug` output, with those of its own fallback.
    let accounts = Accounts::new(InMemoryAccountStore::new(), testing::issuer());
    let cookie = AuthCookie::new("id").unwrap();
    let sessions = accounts::session_routes(accounts.clone());
    let refresh = accounts::refresh_routes(accounts.clone());
    let resets = accounts::password_reset_routes(accounts.clone());
    let mails = accounts::forgot_password_routes(accounts.clone());
    let own = accounts::own_account_routes(accounts.clone());
    let verification = accounts::email_verification_routes(accounts.clone());
    let changes = accounts::email_change_routes(accounts.clone());
    let invitations = accounts::invitation_routes(accounts.clone());
    let registrations = accounts::registration_routes(accounts.clone());
    let audit = accounts::audit_routes(accounts.clone());
    for (router, api) in [
        (accounts::routes(accounts.clone()), AccountsApi::openapi()),
        (
            accounts::cookie_routes(accounts, cookie),
            CookieApi::openapi(),
        ),
        (accounts::ticket_routes(), TicketApi::openapi()),
        (sessions, SessionsApi::openapi()),
        (refresh, RefreshApi::openapi()),
        (resets, PasswordResetApi::openapi()),
        (mails, ForgotPasswordApi::openapi()),
        (own, OwnAccountApi::openapi()),
        (verification, EmailVerificationApi::openapi()),
        (changes, EmailChangeApi::openapi()),
        (invitations, InvitationApi::openapi()),
        (registrations, RegistrationApi::openapi()),
        (audit, AuditApi::openapi()),
    ] {
        let router = format!("{router:?}");
        let mut mounted: Vec<&str> = router.split('"').filter(|it| it.starts_with('/')).collect();
        mounted.retain(|path| !matches!(*path, "/" | "/{*__private__axum_fallback}"));
        mounted.sort_unstable();
        mounted.dedup();
        assert_eq!(mounted, api.paths.paths.keys().collect::<Vec<_>>());
    }
}

#[test]
fn each_description_is_self_contained() {
    for api in [
        CookieApi::openapi(),
        TicketApi::openapi(),
        SessionsApi::openapi(),
        RefreshApi::openapi(),
        PasswordResetApi::openapi(),
        ForgotPasswordApi::openapi(),
        OwnAccountApi::openapi(),
        EmailVerificationApi::openapi(),
        EmailChangeApi::openapi(),
        InvitationApi::openapi(),
        RegistrationApi::openapi(),
        AuditApi::openapi(),
    ] {
        let api = serde_json::to_value(api).unwrap();
        assert!(count_references(&api) > 0);
    }
}

#[tokio::test]
async fn routes_accept_exactly_the_described_methods() {
    let (server, _) = stored_in(InMemoryAuditStore::new());
    let (_, admin) = server.admin().await;
    for path in paths().keys() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let url = path.replace("{id}", "99");
            let answer = server.send(by(&admin, bare(method, &url))).await;
            let described = ROUTES.contains(&(method, path));
            assert_eq!(answer.status != 405, described, "{method} {path}");
            assert!(!answer.body.contains(r#""not_found""#), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn described_security_matches_the_guards() {
    let (server, _) = stored_in(InMemoryAuditStore::new());
    for (method, path) in ROUTES {
        let url = path.replace("{id}", "99");
        let answer = server.send(bare(method, &url)).await;
        let expected = match answer.status.as_u16() {
            401 => json!([{"bearer": []}]),
            _ => json!([]),
        };
        let operation = &paths()[path][method.to_lowercase()];
        assert_eq!(operation["security"], expected, "{method} {path}");
    }
}

#[test]
fn references_resolve() {
    assert!(count_references(&DOCUMENT) > 40);
}

#[tokio::test]
async fn account_schema_lists_the_returned_members() {
    let server = Server::new().await;
    server.add("jane@example.org", false, Approved).await;
    let (_, admin) = server.admin().await;
    let me = server.me(&admin).await.json();
    let schema = &DOCUMENT["components"]["schemas"]["UserPublic"];
    let members = |value: &Value| BTreeSet::from_iter(value.as_object().unwrap().keys().cloned());
    let optional = ["email_verified_at", "display_name", "has_password"].map(str::to_owned);
    let described = members(&schema["properties"]);
    assert_eq!(&members(&me) | &BTreeSet::from(optional), described);
    let required = schema["required"].as_array().unwrap().iter();
    let required = required.map(|name| name.as_str().unwrap().to_owned());
    assert_eq!(members(&me), required.collect());
}

#[tokio::test]
async fn session_schemas_list_the_returned_members() {
    let server = sessions::client::server();
    server.add("jane@example.org", false, Approved).await;
    let token = server.login("jane@example.org", PASSWORD).await.json();
    let access = token["access_token"].as_str().unwrap();
    let listed = sessions::client::sessions(&server, access).await;
    for (name, shown) in [("Token", &token), ("SessionPublic", &listed[0])] {
        let schema = &DOCUMENT["components"]["schemas"][name]["properties"];
        let members = |value: &Value| Vec::from_iter(value.as_object().unwrap().keys().cloned());
        assert_eq!(members(shown), members(schema));
    }
}

/// Number of references; checks that each of them resolves.
fn count_references(document: &Value) -> usize {
    let text = document.to_string();
    let pointers = text.split(r##""$ref":"#"##).skip(1);
    let pointers = pointers.map(|text| text.split('"').next().unwrap());
    pointers
        .inspect(|pointer| assert!(document.pointer(pointer).is_some(), "{pointer}"))
        .count()
}
