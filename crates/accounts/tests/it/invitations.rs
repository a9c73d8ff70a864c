//! Invitations.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tower_warder_accounts::{
    AccountError, Actor, CommonPasswords, Email, InMemoryAccountStore, InMemoryOneTimeTokenStore,
    InMemorySessionStore, Invitation, Mail, MailPurpose, MailQueue, OneTimePasswordReset,
    OneTimeTokens, Password, Sessions, UserAction, UserUpdate,
};

use super::forgot_password::{ask, next, none_left, outbox};
use super::password_reset::{assert_invalid, reset_by_token};
use super::server::{
    AnyAccounts, Approved, Disabled, PASSWORD, Pending, Server, bare, by, json_to,
};
use super::sessions::client::{DAY, SECOND, accounts_of, mounted, routed};
use super::staged::{Pause, Staged};
use crate::support::{Answer, Trace};

const BOB: &str = "bob@example.org";
const OWN: &str = "battery staple";

fn server() -> Server {
    configured(|accounts| accounts)
}

/// A server without mail.
fn configured(configure: impl FnOnce(AnyAccounts) -> AnyAccounts) -> Server {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()))
        .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()));
    routed(server, configure(accounts), None)
}

async fn invite(server: &Server, admin: &str, invitation: Value) -> Answer {
    let request = json_to("POST", "/invitations", &invitation);
    server.send(by(admin, request)).await
}

/// Invites bob, and returns the token and the account.
async fn invited(server: &Server, admin: &str, invitation: Value) -> (String, Value) {
    let answer = invite(server, admin, invitation).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let answer = answer.json();
    (text(&answer["token"]), answer["user"].clone())
}

async fn accept(server: &Server, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    let request = json_to("POST", "/accept-invitation", &body);
    server.send(request).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn pending_count(server: &Server, admin: &str) -> Value {
    let count = server.send(by(admin, bare("GET", "/users/pending/count")));
    count.await.json()["count"].clone()
}

async fn listed(server: &Server, admin: &str, status: &str) -> Vec<Value> {
    let path = format!("/users?status={status}");
    let listed = server.send(by(admin, bare("GET", &path))).await.json();
    let users = listed.as_array().unwrap().iter();
    users.map(|user| user["email"].clone()).collect()
}

#[tokio::test]
async fn owner_of_the_link_sets_the_first_password() {
    let log = Trace::record();
    let server = server();
    let (root, admin) = server.admin().await;
    let answer = invite(&server, &admin, json!({"email": "Bob@Example.org"})).await;
    assert_eq!(answer.status, 201);
    let answer = answer.json();
    assert_eq!(answer["expires_in"], 7 * 24 * 3600);
    let user = &answer["user"];
    assert_eq!(
        (&user["email"], &user["status"]),
        (&json!(BOB), &json!("pending"))
    );
    assert_eq!(
        (&user["is_admin"], &user["has_password"]),
        (&json!(false), &json!(false))
    );

    // Nothing can be done with the account before.
    for password in ["!", "", PASSWORD] {
        let answer = server.login(BOB, password).await;
        assert!(matches!(answer.status.as_u16(), 401 | 422), "{password:?}");
    }
    assert!(log.lines("cannot be read").is_empty());

    let token = text(&answer["token"]);
    let accepted = accept(&server, &token, OWN).await;
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    assert_eq!(accepted.header("set-cookie"), None);
    let accepted = accepted.json();
    assert_eq!(accepted["status"], "approved");
    assert_eq!(accepted.get("has_password"), None);
    // The link was handed over, and not sent to the address.
    assert_eq!(accepted.get("email_verified_at"), None);
    let bob = server.stored(user["id"].as_i64().unwrap()).await;
    assert_eq!(
        (bob.approved_by, bob.approved_at),
        (Some(root.id), Some(server.clock.now()))
    );
    assert_eq!(server.login(BOB, OWN).await.status, 200);
    for password in [OWN, "another staple"] {
        assert_invalid(&accept(&server, &token, password).await);
    }
    assert!(!log.text().contains(&token));
}

#[tokio::test]
async fn role_of_the_invitation_is_granted_on_acceptance() {
    let server = server();
    let (root, admin) = server.admin().await;
    let (token, user) = invited(&server, &admin, json!({"email": BOB, "is_admin": true})).await;
    assert_eq!(user["is_admin"], true);
    // Not before: the last admin stays.
    let demoted = json!({"is_admin": false});
    let answer = server.put(&admin, root.id, demoted).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (400, &json!("last_admin"))
    );
    assert_eq!(accept(&server, &token, OWN).await.json()["is_admin"], true);
    let bob = server.token_of(BOB, OWN).await;
    let listed = server.send(by(&bob, bare("GET", "/users"))).await;
    assert_eq!(listed.status, 200);
}

#[tokio::test]
async fn invited_accounts_do_not_wait_for_approval() {
    let server = server();
    let (_, admin) = server.admin().await;
    let (_, user) = invited(&server, &admin, json!({"email": BOB})).await;
    server.add("paul@example.org", false, Pending).await;
    assert_eq!(pending_count(&server, &admin).await, 1);
    assert_eq!(
        listed(&server, &admin, "pending").await,
        ["paul@example.org"]
    );
    assert_eq!(listed(&server, &admin, "not_activated").await, [BOB]);
    let id = user["id"].as_i64().unwrap();
    for update in [
        json!({"status": "approved"}),
        json!({"status": "approved", "is_admin": true}),
    ] {
        let answer = server.put(&admin, id, update).await;
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert_eq!(answer.json()["code"], "account_has_no_password");
    }
    assert!(!server.stored(id).await.is_admin);
    // An admin can set the password instead, which makes the link invalid.
    assert_eq!(server.reset(&admin, id, PASSWORD).await.status, 200);
    let answer = server.put(&admin, id, json!({"status": "approved"})).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn another_invitation_replaces_the_first() {
    let server = server();
    let (_, admin) = server.admin().await;
    let (first, user) = invited(&server, &admin, json!({"email": BOB, "is_admin": true})).await;
    server.clock.advance(3 * DAY);
    let (second, again) = invited(&server, &admin, json!({"email": BOB})).await;
    assert_eq!(
        (&again["id"], &again["is_admin"]),
        (&user["id"], &json!(false))
    );
    assert_ne!(again["created_at"], user["created_at"]);
    assert_invalid(&accept(&server, &first, OWN).await);
    assert_eq!(
        accept(&server, &second, OWN).await.json()["is_admin"],
        false
    );
    let answer = invite(&server, &admin, json!({"email": BOB})).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (409, &json!("email_taken"))
    );
}

#[tokio::test]
async fn address_with_an_account_is_not_invited() {
    let server = server();
    let (_, admin) = server.admin().await;
    for status in [Approved, Disabled] {
        let email = format!("{}@example.org", status.as_str());
        let user = server.add(&email, false, status).await;
        let answer = invite(&server, &admin, json!({"email": email, "is_admin": true})).await;
        assert_eq!(answer.status, 409);
        assert_eq!(server.stored(user.id).await, user);
    }
    let (_, user) = invited(&server, &admin, json!({"email": BOB})).await;
    let id = user["id"].as_i64().unwrap();
    server.put(&admin, id, json!({"status": "disabled"})).await;
    assert_eq!(
        invite(&server, &admin, json!({"email": BOB})).await.status,
        409
    );
}

/// Somebody else may have registered it.
#[tokio::test]
async fn registration_that_waits_is_replaced_by_an_invitation() {
    let server = server();
    let (_, admin) = server.admin().await;
    assert_eq!(server.register(BOB).await.status, 201);
    let (token, user) = invited(&server, &admin, json!({"email": BOB})).await;
    assert_eq!(user["has_password"], false);
    assert_eq!(server.login(BOB, PASSWORD).await.status, 401);
    assert_eq!(accept(&server, &token, OWN).await.status, 200);
    assert_eq!(server.login(BOB, PASSWORD).await.status, 401);
    assert_eq!(server.login(BOB, OWN).await.status, 200);
    let again = invite(&server, &admin, json!({"email": BOB})).await;
    assert_eq!(again.status, 409);
}

#[tokio::test]
async fn invited_address_cannot_be_registered_by_others() {
    let server = server();
    let (_, admin) = server.admin().await;
    let (token, _) = invited(&server, &admin, json!({"email": BOB})).await;
    assert_eq!(server.register(BOB).await.status, 409);
    assert_eq!(accept(&server, &token, OWN).await.status, 200);
    assert_eq!(server.login(BOB, PASSWORD).await.status, 401);
}

#[tokio::test]
async fn what_revokes_an_invitation_makes_its_link_invalid() {
    let server = server();
    let (_, root) = server.admin().await;
    for case in [
        "deleted",
        "deleted and registered",
        "disabled",
        "disabled and pending",
        "another address",
        "admin's reset",
        "demoted",
        "admin disabled",
        "admin deleted",
        "expired",
    ] {
        let name = case.replace([' ', '\''], "-");
        let admin = server
            .add(&format!("author-{name}@example.org"), true, Approved)
            .await;
        let own = server.token(&admin);
        let email = format!("{name}@example.org");
        let (token, user) = invited(&server, &own, json!({"email": email, "is_admin": true})).await;
        let id = user["id"].as_i64().unwrap();
        let put = async |id, update| {
            let answer = server.put(&root, id, update).await;
            assert_eq!(answer.status, 200, "{case}: {}", answer.body);
        };
        match case {
            "disabled" => put(id, json!({"status": "disabled"})).await,
            "disabled and pending" => {
                put(id, json!({"status": "disabled"})).await;
                put(id, json!({"status": "pending"})).await;
                // Back to what it was: the link is valid again, as if nothing had happened.
                assert_eq!(accept(&server, &token, OWN).await.status, 200);
                continue;
            }
            "another address" => put(id, json!({"email": "eve@example.org"})).await,
            "admin's reset" => assert_eq!(server.reset(&root, id, PASSWORD).await.status, 200),
            "demoted" => put(admin.id, json!({"is_admin": false})).await,
            "admin disabled" => put(admin.id, json!({"status": "disabled"})).await,
            "admin deleted" => assert_eq!(server.delete(&root, admin.id).await.status, 204),
            "expired" => server.clock.advance(7 * DAY),
            _ => assert_eq!(server.delete(&root, id).await.status, 204),
        }
        if case == "deleted and registered" {
            assert_eq!(server.register(&email).await.status, 201);
        }
        assert_invalid(&accept(&server, &token, OWN).await);
        assert_eq!(server.login(&email, OWN).await.status, 401, "{case}");
    }
}

#[tokio::test]
async fn link_is_valid_for_seven_days() {
    let server = server();
    let (_, admin) = server.admin().await;
    let (token, _) = invited(&server, &admin, json!({"email": BOB})).await;
    server.clock.advance(7 * DAY - SECOND);
    assert_eq!(accept(&server, &token, OWN).await.status, 200);
}

#[tokio::test]
async fn tokens_are_for_one_purpose() {
    let server = server();
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let (token, user) = invited(&server, &admin, json!({"email": BOB})).await;
    assert_invalid(&reset_by_token(&server, &token, OWN).await);
    let path = |id| format!("/users/{id}/password-reset-token");
    let reset = server.send(by(&admin, bare("POST", &path(jane.id)))).await;
    let reset = text(&reset.json()["token"]);
    assert_invalid(&accept(&server, &reset, OWN).await);
    // No reset skips the invitation.
    let id = user["id"].as_i64().unwrap();
    assert_eq!(
        server
            .send(by(&admin, bare("POST", &path(id))))
            .await
            .status,
        409
    );
    assert_eq!(accept(&server, &token, OWN).await.status, 200);
}

#[tokio::test]
async fn only_admins_invite() {
    let server = server();
    let (_, own) = server.jane().await;
    let body = json!({"email": BOB});
    let request = json_to("POST", "/invitations", &body);
    assert_eq!(server.send(request).await.status, 401);
    assert_eq!(invite(&server, &own, body).await.status, 403);
    let (_, admin) = server.admin().await;
    for (body, fields) in [
        (json!({}), &["email"][..]),
        (
            json!({"email": "bob", "is_admin": "yes"}),
            &["email", "is_admin"],
        ),
    ] {
        let answer = invite(&server, &admin, body).await;
        assert_eq!(answer.status, 422);
        let answer = answer.json();
        let errors = answer["detail"].as_array().unwrap();
        let named: Vec<&Value> = errors.iter().map(|error| &error["loc"][1]).collect();
        assert_eq!(named, fields);
    }
}

#[tokio::test]
async fn inviting_can_require_a_recent_login() {
    let server = configured(|accounts| accounts.admin_login_age(60 * SECOND));
    let (_, admin) = server.admin().await;
    server.clock.advance(61 * SECOND);
    let answer = invite(&server, &admin, json!({"email": BOB})).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["code"], "insufficient_user_authentication");
}

#[tokio::test]
async fn rejected_password_does_not_use_up_the_invitation() {
    let server = configured(|accounts| accounts.password_policy(CommonPasswords));
    let (_, admin) = server.admin().await;
    let (token, _) = invited(&server, &admin, json!({"email": BOB})).await;
    for rejected in ["password123", BOB, "short"] {
        assert_eq!(accept(&server, &token, rejected).await.status, 422);
    }
    assert_eq!(accept(&server, &token, OWN).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_acceptances_set_one_password() {
    let server = server();
    let (_, admin) = server.admin().await;
    let (token, _) = invited(&server, &admin, json!({"email": BOB})).await;
    let uses = (0..8).map(|number| {
        let (server, token) = (server.clone(), token.clone());
        tokio::spawn(async move {
            let password = format!("{OWN} {number}");
            (accept(&server, &token, &password).await, password)
        })
    });
    let mut set = Vec::new();
    for used in join_all(uses).await {
        let (answer, password) = used.unwrap();
        match answer.status.as_u16() {
            200 => set.push(password),
            _ => assert_invalid(&answer),
        }
    }
    assert_eq!(set.len(), 1, "{set:?}");
    assert_eq!(server.login(BOB, &set[0]).await.status, 200);
}

/// The admin is demoted after the link was read, and before the password is written.
#[tokio::test]
async fn demotion_that_is_faster_than_an_acceptance_wins() {
    let store = Arc::new(Staged::new().await);
    let server = Server::over(Arc::clone(&store));
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()))
        .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()));
    let server = routed(server, accounts, None);
    server.admin().await;
    let admin = server.add("admin@example.org", true, Approved).await;
    let own = server.token(&admin);
    let (token, user) = invited(&server, &own, json!({"email": BOB, "is_admin": true})).await;
    store.pause(Pause::BeforeFirstPassword);
    let accepting = tokio::spawn({
        let server = server.clone();
        async move { accept(&server, &token, OWN).await }
    });
    store.arrival().await;
    let demoted = UserUpdate {
        is_admin: Some(false),
        ..UserUpdate::default()
    };
    let demoted = server.act(admin.id, UserAction::Update(demoted)).await;
    assert!(demoted.is_ok());
    store.go_on();
    assert_invalid(&accepting.await.unwrap());
    let bob = server.stored(user["id"].as_i64().unwrap()).await;
    assert!(!bob.has_password());
}

#[tokio::test]
async fn invitation_by_mail_verifies_the_address() {
    let (outbox, mut mails) = outbox(0);
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()))
        .mail(MailQueue::new(outbox, "https://login.example.org/"));
    let server = mounted(server, accounts, None);
    let (_, admin) = server.admin().await;
    let answer = invite(&server, &admin, json!({"email": BOB})).await;
    assert_eq!(answer.status, 201);
    let created = answer.json();
    let members: Vec<_> = created.as_object().unwrap().keys().collect();
    assert_eq!(members, ["user"]);
    let Mail {
        to, purpose, link, ..
    } = next(&mut mails).await;
    assert_eq!((&*to, purpose), (BOB, MailPurpose::AcceptInvitation));
    let link = link.unwrap();
    assert_eq!(link.expires_in, 7 * DAY);
    let (page, token) = link.url.split_once('#').unwrap();
    assert_eq!(page, "https://login.example.org/accept-invitation");
    assert!(!answer.body.contains(token));
    // Neither skips the invitation, nor sends it to those who ask.
    assert_eq!(ask(&server, BOB).await.status, 202);
    assert!(none_left(&mut mails).await);
    let accepted = accept(&server, token, OWN).await.json();
    assert!(accepted["email_verified_at"].is_string(), "{accepted}");
}

#[tokio::test]
async fn operator_invites_without_an_admin() {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let bob = || Invitation::new(Email::new(BOB).unwrap()).admin(true);
    let denied = accounts.invite(bob(), Actor::System).await;
    assert!(matches!(denied, Err(AccountError::NoOneTimeTokens)));
    let accounts = accounts.one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()));
    let denied = accounts.invite_by_mail(bob(), Actor::System).await;
    assert!(matches!(denied, Err(AccountError::NoMail)));
    let (_, created) = accounts.invite(bob(), Actor::System).await.unwrap();
    let password = Password::new(OWN).unwrap();
    let accepted = OneTimePasswordReset::new(created.token.as_str(), password);
    let bob = accounts.accept_invitation(accepted).await.unwrap();
    assert!(bob.is_active_admin());
    assert_eq!(bob.approved_by, None);
}
