//! Verification of addresses by mail.

use axum::Router;
use axum::routing::post;
use http::StatusCode;
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tower::ServiceExt;
use tower_warder::cache::UserCache;
use tower_warder::policy::Verified;
use tower_warder::{AuthLayer, RequireLayer, testing};
use tower_warder_accounts::throttle::{Limit, Throttle};
use tower_warder_accounts::{
    Actor, Email, EmailVerification, InMemoryAccountStore, InMemoryOneTimeTokenStore,
    InMemorySessionStore, Mail, MailPurpose, MailQueue, OneTimeTokens, Sessions, User, UserAction,
    UserUpdate,
};

use super::cookie::browser::with_cookie;
use super::forgot_password::{PAGES, next, none_left, outbox, server_with, token_of};
use super::password_reset::{assert_invalid, reset_by_token};
use super::server::{AnyAccounts, Approved, Disabled, Pending, Server, bare, by, json_to};
use super::sessions::client::{HOUR, MINUTE, SECOND, accounts_of, log_in_by_cookie, mounted};
use super::throttle::from;
use crate::support::{Answer, Trace};

const JANE: &str = "jane@example.org";

fn verifying(accounts: AnyAccounts) -> AnyAccounts {
    accounts.email_verification(EmailVerification::Optional)
}

fn server() -> (Server, UnboundedReceiver<Mail>) {
    let (outbox, mails) = outbox(0);
    (
        server_with(InMemoryAccountStore::new(), outbox, verifying),
        mails,
    )
}

async fn ask(server: &Server, email: &str) -> Answer {
    let body = json!({"email": email});
    server
        .send(json_to("POST", "/verify-email/request", &body))
        .await
}

async fn verify(server: &Server, token: &str) -> Answer {
    server
        .send(json_to("POST", "/verify-email", &json!({"token": token})))
        .await
}

/// Returns the token of the next mail.
async fn token_in(mails: &mut UnboundedReceiver<Mail>) -> String {
    let mail = next(mails).await;
    assert_eq!(mail.purpose, MailPurpose::VerifyEmail);
    token_of(mail)
}

/// Registers an account, and returns its id and the token of its mail.
async fn registered(
    server: &Server,
    mails: &mut UnboundedReceiver<Mail>,
    email: &str,
) -> (i64, String) {
    let answer = server.register(email).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let id = answer.json()["id"].as_i64().unwrap();
    (id, token_in(mails).await)
}

#[tokio::test]
async fn new_account_gets_a_link_that_verifies_it_once() {
    let log = Trace::record();
    let (server, mut mails) = server();
    let (_, admin) = server.admin().await;
    let answer = server.register("Jane@Example.org").await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json().as_object().unwrap().len(), 5);
    let id = answer.json()["id"].as_i64().unwrap();
    let mail = next(&mut mails).await;
    assert_eq!(mail.to, JANE);
    let link = mail.link.as_ref().unwrap();
    assert_eq!(link.expires_in, 24 * HOUR);
    let (page, token) = link.url.split_once('#').unwrap();
    assert_eq!(page, format!("{PAGES}/verify-email"));
    // Nothing is verified because of the mail.
    assert_eq!(server.stored(id).await.email_verified_at, None);

    let answer = verify(&server, token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["status"], "pending");
    assert_eq!(answer.header("set-cookie"), None);
    let stored = server.stored(id).await;
    assert_eq!(stored.email_verified_at, Some(server.clock.now()));
    assert_eq!((stored.status, stored.token_generation), (Pending, 0));
    assert_invalid(&verify(&server, token).await);

    let listed = server.send(by(&admin, bare("GET", "/users"))).await.json();
    let of = |id: i64| {
        let mut users = listed.as_array().unwrap().iter();
        users.find(|user| user["id"] == id).unwrap()
    };
    assert!(of(id)["email_verified_at"].is_string());
    let shown = format!("{mail:?} {mail:#?} {}", log.text());
    assert!(!shown.contains(token));
    assert_eq!(log.lines("email_verified").len(), 1);
}

#[tokio::test]
async fn registration_sends_no_mail_unless_enabled() {
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| accounts);
    assert_eq!(server.register(JANE).await.status, 201);
    assert!(none_left(&mut mails).await);
    // A rejected registration sends none either: the owner of the address did not ask.
    let (server, mut mails) = self::server();
    registered(&server, &mut mails, JANE).await;
    assert_eq!(server.register(JANE).await.status, 409);
    assert!(none_left(&mut mails).await);
}

#[tokio::test]
async fn registration_succeeds_without_mail() {
    let log = Trace::record();
    let server = Server::configured(verifying).await;
    assert_eq!(server.register(JANE).await.status, 201);
    assert_eq!(log.lines("mail is not configured").len(), 1);
}

#[tokio::test]
async fn every_address_gets_the_same_answer() {
    let (server, mut mails) = server();
    for status in [Pending, Approved, Disabled] {
        let email = format!("{}@example.org", status.as_str());
        server.add(&email, false, status).await;
    }
    let (_, token) = registered(&server, &mut mails, JANE).await;
    assert_eq!(verify(&server, &token).await.status, 200);
    let known = ask(&server, "pending@example.org").await;
    assert_eq!(known.status, StatusCode::ACCEPTED);
    assert_eq!(next(&mut mails).await.to, "pending@example.org");
    for email in ["eve@example.org", "disabled@example.org", JANE] {
        let answer = ask(&server, email).await;
        assert_eq!(answer.status, known.status);
        assert_eq!(
            (answer.headers, answer.body),
            (known.headers.clone(), known.body.clone())
        );
    }
    assert!(none_left(&mut mails).await);
    assert_eq!(ask(&server, "Approved@Example.org").await.status, 202);
    assert_eq!(next(&mut mails).await.to, "approved@example.org");
    for email in ["no address", "jane@example.org\r\nBcc: eve@example.org"] {
        assert_eq!(ask(&server, email).await.status, 422, "{email}");
    }
}

#[tokio::test]
async fn invalid_tokens_get_the_same_answer() {
    let (server, mut mails) = server();
    let (jane, _) = server.jane().await;
    let request = json_to("POST", "/forgot-password", &json!({"email": JANE}));
    assert_eq!(server.send(request).await.status, 202);
    let reset = token_of(next(&mut mails).await);
    let (_, token) = registered(&server, &mut mails, "paul@example.org").await;
    let other = if token.starts_with('A') { "B" } else { "A" };
    for invalid in [
        reset,
        format!("{other}{}", &token[1..]),
        format!("{token}="),
        "'; DROP TABLE one_time_tokens; --\0".to_owned(),
        String::new(),
        server.token(&jane),
    ] {
        assert_invalid(&verify(&server, &invalid).await);
    }
    // A token is good for its purpose only.
    assert_invalid(&reset_by_token(&server, &token, "battery staple").await);
    assert_eq!(verify(&server, &token).await.status, 200);
    for sent in [json!({}), json!({"token": 1}), json!({"token": null})] {
        let answer = server.send(json_to("POST", "/verify-email", &sent)).await;
        assert_eq!(answer.status, 422, "{sent}");
    }
}

#[tokio::test]
async fn link_is_valid_for_a_day() {
    let (server, mut mails) = server();
    let (_, early) = registered(&server, &mut mails, JANE).await;
    server.clock.advance(SECOND);
    let (_, late) = registered(&server, &mut mails, "paul@example.org").await;
    server.clock.advance(24 * HOUR - SECOND);
    assert_invalid(&verify(&server, &early).await);
    assert_eq!(verify(&server, &late).await.status, 200);
}

#[tokio::test]
async fn link_is_for_one_state_of_the_account() {
    let (server, mut mails) = server();
    let to = |email: Option<&str>, status| {
        UserAction::Update(UserUpdate {
            email: email.map(|text| Email::new(text).unwrap()),
            is_admin: None,
            status,
        })
    };
    for (name, action) in [
        ("moved", to(Some("elsewhere@example.org"), None)),
        ("disabled", to(None, Some(Disabled))),
        (
            "reset",
            UserAction::ResetPassword {
                hash: "hash".to_owned(),
                must_change: false,
            },
        ),
        ("deleted", UserAction::Delete),
    ] {
        let email = format!("{name}@example.org");
        let (id, token) = registered(&server, &mut mails, &email).await;
        let changed = server.act(id, action).await.unwrap();
        assert_invalid(&verify(&server, &token).await);
        assert_eq!(server.store.find(id).await.unwrap(), changed, "{name}");
    }
    // Another account has the address by now.
    let (id, token) = registered(&server, &mut mails, JANE).await;
    server
        .act(id, to(Some("old@example.org"), None))
        .await
        .unwrap();
    let (other, _) = registered(&server, &mut mails, JANE).await;
    assert_invalid(&verify(&server, &token).await);
    for id in [id, other] {
        assert_eq!(server.stored(id).await.email_verified_at, None);
    }
    // Approval is no reason to ask again.
    let (id, token) = registered(&server, &mut mails, "paul@example.org").await;
    server.act(id, to(None, Some(Approved))).await.unwrap();
    assert_eq!(verify(&server, &token).await.json()["status"], "approved");
}

#[tokio::test]
async fn address_that_an_admin_sets_gets_a_link() {
    let (server, mut mails) = server();
    let (_, admin) = server.admin().await;
    let (id, token) = registered(&server, &mut mails, JANE).await;
    assert_eq!(verify(&server, &token).await.status, 200);
    for (update, is_mailed) in [
        (json!({"status": "approved"}), false),
        (json!({"email": JANE}), false),
        (json!({"email": "new@example.org"}), true),
    ] {
        let answer = server.put(&admin, id, update.clone()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(none_left(&mut mails).await, !is_mailed, "{update}");
    }
    assert_eq!(server.stored(id).await.email_verified_at, None);
}

#[tokio::test]
async fn link_does_not_mix_up_accounts_of_one_browser() {
    let (server, mut mails) = server();
    let (jane, _) = server.jane().await;
    let cookie = log_in_by_cookie(&server, JANE).await;
    let (paul, token) = registered(&server, &mut mails, "paul@example.org").await;
    let request = json_to("POST", "/verify-email", &json!({"token": token}));
    let answer = server.send(with_cookie(&cookie, request)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), None);
    assert!(server.stored(paul).await.email_verified_at.is_some());
    assert_eq!(server.stored(jane.id).await, jane);
}

#[tokio::test]
async fn address_gets_one_mail_in_five_minutes() {
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| {
        verifying(accounts).throttle(Throttle::new())
    });
    server.jane().await;
    for _ in 0..2 {
        for _ in 0..5 {
            assert_eq!(ask(&server, JANE).await.status, 202);
        }
        assert_eq!(next(&mut mails).await.purpose, MailPurpose::VerifyEmail);
        assert!(none_left(&mut mails).await);
        // Nor does it use up the mail for a new password.
        let request = json_to("POST", "/forgot-password", &json!({"email": JANE}));
        assert_eq!(server.send(request).await.status, 202);
        assert_eq!(next(&mut mails).await.purpose, MailPurpose::ResetPassword);
        server.clock.advance(5 * MINUTE);
    }
}

#[tokio::test]
async fn requests_and_guesses_of_a_client_address_are_limited() {
    let (outbox, _mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| {
        accounts.throttle(Throttle::new().per_address(Limit::per_minute(3)))
    });
    let ask = async |address: &str, number: u32| {
        let body = json!({"email": format!("user{number}@example.org")});
        let request = json_to("POST", "/verify-email/request", &body);
        server.send(from(address, request)).await.status.as_u16()
    };
    for number in 0..10 {
        assert_eq!(ask("192.0.2.1", number).await, 202);
    }
    assert_eq!(ask("192.0.2.1", 10).await, 429);
    assert_eq!(ask("192.0.2.2", 10).await, 202);
    let guess = async |address: &str| {
        let request = json_to("POST", "/verify-email", &json!({"token": "guess"}));
        server.send(from(address, request)).await.status.as_u16()
    };
    for _ in 0..3 {
        assert_eq!(guess("192.0.2.3").await, 400);
    }
    assert_eq!(guess("192.0.2.3").await, 429);
    assert_eq!(guess("192.0.2.4").await, 400);
}

#[tokio::test]
async fn new_account_is_hidden_from_admins_until_verified() {
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| {
        accounts.email_verification(EmailVerification::BeforeApproval)
    });
    let (root, admin) = server.admin().await;
    // Was approved before.
    let (jane, token_of_jane) = server.jane().await;
    let seen = async || {
        let listed = server.send(by(&admin, bare("GET", "/users?limit=1"))).await;
        let counted = server
            .send(by(&admin, bare("GET", "/users/pending/count")))
            .await;
        let total = listed.header("x-total-count").unwrap().to_owned();
        (total, counted.json()["count"].as_i64().unwrap())
    };
    assert_eq!(seen().await, ("2".to_owned(), 0));
    let (id, token) = registered(&server, &mut mails, "paul@example.org").await;
    assert_eq!(seen().await, ("2".to_owned(), 0));
    for update in [
        json!({"status": "approved"}),
        json!({"status": "approved", "email": "other@example.org"}),
    ] {
        let answer = server.put(&admin, id, update).await;
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert_eq!(answer.json()["code"], "email_not_verified");
    }
    // Nor after a detour.
    let answer = server.put(&admin, id, json!({"status": "disabled"})).await;
    assert_eq!(answer.status, 200);
    let answer = server.put(&admin, id, json!({"status": "approved"})).await;
    assert_eq!(answer.status, 409);
    let answer = server.put(&admin, id, json!({"status": "pending"})).await;
    assert_eq!(answer.status, 200);
    // The author and the account are checked first.
    let approved = || json!({"status": "approved"});
    assert_eq!(server.put(&token_of_jane, id, approved()).await.status, 403);
    assert_eq!(server.put(&admin, id + 1, approved()).await.status, 404);

    assert_eq!(verify(&server, &token).await.status, 200);
    assert_eq!(seen().await, ("3".to_owned(), 1));
    let moved = json!({"status": "approved", "email": "other@example.org"});
    assert_eq!(server.put(&admin, id, moved).await.status, 409);
    let same = json!({"status": "approved", "email": "Paul@Example.org"});
    assert_eq!(server.put(&admin, id, same).await.status, 200);
    for status in ["pending", "approved"] {
        for id in [id, jane.id, root.id] {
            if id != root.id {
                let answer = server.put(&admin, id, json!({"status": status})).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        }
        assert_eq!(seen().await.0, "3");
    }
}

#[tokio::test]
async fn system_approves_unverified_accounts() {
    let (outbox, mut mails) = outbox(0);
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()))
        .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()))
        .mail(MailQueue::new(outbox, PAGES))
        .email_verification(EmailVerification::BeforeApproval);
    let server = mounted(server, accounts.clone(), None);
    let (id, _) = registered(&server, &mut mails, JANE).await;
    let update = UserUpdate {
        status: Some(Approved),
        ..UserUpdate::default()
    };
    let user = accounts.update(id, update, Actor::System).await.unwrap();
    assert_eq!((user.status, user.email_verified_at), (Approved, None));
}

#[tokio::test]
async fn verified_policy_follows_the_account() {
    let (outbox, mut mails) = outbox(0);
    let server = Server::over(InMemoryAccountStore::new());
    let cache = UserCache::new(64).clock(server.clock.clock());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()))
        .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()))
        .mail(MailQueue::new(outbox, PAGES))
        .user_cache(cache.clone());
    let app = Router::new()
        .route("/api/auth/mail", post("sent"))
        .route_layer(RequireLayer::<User>::new(Verified))
        .layer(
            AuthLayer::new(
                testing::verifier().clock(server.clock.clock()),
                accounts.clone(),
            )
            .user_cache(cache.clone()),
        );
    let server = mounted(server, accounts, Some(cache));
    let (_, token) = server.jane().await;
    let use_route = async || {
        let answer = app.clone().oneshot(by(&token, bare("POST", "/mail"))).await;
        answer.unwrap().status()
    };
    assert_eq!(use_route().await, 403);
    assert_eq!(ask(&server, JANE).await.status, 202);
    let link = token_in(&mut mails).await;
    assert_eq!(verify(&server, &link).await.status, 200);
    // Also if it is cached.
    assert_eq!(use_route().await, 200);
}

#[tokio::test]
async fn account_without_a_password_gets_no_verification() {
    let (server, mut mails) = server();
    let (_, admin) = server.admin().await;
    let invitation = json_to("POST", "/invitations", &json!({"email": JANE}));
    let answer = server.send(by(&admin, invitation)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(
        next(&mut mails).await.purpose,
        MailPurpose::AcceptInvitation
    );
    assert_eq!(ask(&server, JANE).await.status, 202);
    assert!(none_left(&mut mails).await);
}
