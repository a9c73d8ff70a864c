//! Who registers: anyone by mail, or the first admin alone; limit and expiry of pending accounts.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tower_warder::HmacSecret;
use tower_warder_accounts::throttle::Throttle;
use tower_warder_accounts::{
    AccountStore, BootstrapPolicy, Email, InMemoryAccountStore, InMemoryOneTimeTokenStore,
    InMemorySessionStore, Mail, MailPurpose, MailQueue, OneTimeTokens, Registration, Sessions,
    UserAction, UserUpdate,
};

use super::forgot_password::{next, none_left, outbox};
use super::password_reset::{assert_invalid, reset_by_token};
use super::server::{
    AnyAccounts, Approved, Disabled, PASSWORD, Pending, Server, bare, by, json_to,
};
use super::sessions::client::{DAY, MINUTE, SECOND, accounts_of, background_tasks, mounted};
use super::staged::{Pause, Staged};
use super::throttle::from;
use crate::support::{Answer, Trace};

const JANE: &str = "jane@example.org";
const EVE: &str = "eve@example.org";
const OWN: &str = "battery staple";
const SECRET: &str = "vKx0dXJ7cQh2mY5nT8wZ3pL6sB9fG1jR";

fn configured(
    store: impl AccountStore,
    configure: impl FnOnce(AnyAccounts) -> AnyAccounts,
) -> (Server, AnyAccounts, UnboundedReceiver<Mail>) {
    let (outbox, mails) = outbox(0);
    let server = Server::over(store);
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()))
        .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()))
        .mail(MailQueue::new(outbox, "https://login.example.org"));
    let accounts = configure(accounts);
    (mounted(server, accounts.clone(), None), accounts, mails)
}

/// A server whose users register by mail, with an admin.
async fn by_mail() -> (Server, String, UnboundedReceiver<Mail>) {
    let (server, _, mails) = configured(InMemoryAccountStore::new(), |accounts| {
        accounts.registration(Registration::ByMail)
    });
    let (_, admin) = server.admin().await;
    (server, admin, mails)
}

async fn register(server: &Server, body: Value) -> Answer {
    let mut request = json_to("POST", "/register", &body);
    let headers = request.headers_mut();
    headers.insert("accept-language", "de-AT".parse().unwrap());
    server.send(request).await
}

async fn ask(server: &Server, email: &str) -> Answer {
    register(server, json!({"email": email})).await
}

async fn complete(server: &Server, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    let request = json_to("POST", "/complete-registration", &body);
    server.send(request).await
}

/// Token of the next mail.
async fn token(mails: &mut UnboundedReceiver<Mail>, purpose: MailPurpose) -> String {
    let mail = next(mails).await;
    assert_eq!(mail.purpose, purpose);
    let link = mail.link.unwrap();
    let (_, token) = link.url.split_once('#').unwrap();
    token.to_owned()
}

const REGISTER: MailPurpose = MailPurpose::CompleteRegistration;

#[tokio::test]
async fn owner_of_the_mailbox_registers_by_a_link() {
    let log = Trace::record();
    let (server, admin, mut mails) = by_mail().await;
    // An attacker knows the address, and chooses a password.
    let body = json!({"email": "Jane@Example.org", "password": PASSWORD, "is_admin": true});
    let answer = register(&server, body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let mail = next(&mut mails).await;
    assert_eq!((&*mail.to, mail.purpose), (JANE, REGISTER));
    assert_eq!(mail.locale.as_deref(), Some("de-AT"));
    let link = mail.link.unwrap();
    assert_eq!(link.expires_in, DAY);
    let (page, token) = link.url.split_once('#').unwrap();
    assert_eq!(page, "https://login.example.org/complete-registration");
    assert_eq!(server.login(JANE, PASSWORD).await.status, 401);
    let count = server.send(by(&admin, bare("GET", "/users/pending/count")));
    assert_eq!(count.await.json()["count"], 0);

    let completed = complete(&server, token, OWN).await;
    assert_eq!(completed.status, 200, "{}", completed.body);
    let completed = completed.json();
    assert_eq!(
        (&completed["status"], &completed["is_admin"]),
        (&json!("pending"), &json!(false))
    );
    assert!(completed["email_verified_at"].is_string());
    assert_eq!(server.login(JANE, PASSWORD).await.status, 401);
    assert_eq!(server.login(JANE, OWN).await.status, 403);
    assert_invalid(&complete(&server, token, "another staple").await);
    let count = server.send(by(&admin, bare("GET", "/users/pending/count")));
    assert_eq!(count.await.json()["count"], 1);
    let id = completed["id"].as_i64().unwrap();
    assert_eq!(
        server
            .put(&admin, id, json!({"status": "approved"}))
            .await
            .status,
        200
    );
    assert_eq!(server.login(JANE, OWN).await.status, 200);
    assert!(!log.text().contains(token));
}

#[tokio::test]
async fn every_address_gets_the_same_answer() {
    let (server, admin, mut mails) = by_mail().await;
    server.jane().await;
    for status in [Pending, Disabled] {
        server
            .add(&format!("{}@example.org", status.as_str()), false, status)
            .await;
    }
    let invited = json_to("POST", "/invitations", &json!({"email": "bob@example.org"}));
    server.send(by(&admin, invited)).await;
    assert_eq!(
        next(&mut mails).await.purpose,
        MailPurpose::AcceptInvitation
    );
    let unknown = ask(&server, EVE).await;
    assert_eq!(unknown.status, 202);
    assert_eq!(next(&mut mails).await.purpose, REGISTER);
    for (email, purpose, has_link) in [
        (JANE, MailPurpose::AccountExists, true),
        (
            "pending@example.org",
            MailPurpose::AccountNotApproved,
            false,
        ),
        (
            "disabled@example.org",
            MailPurpose::AccountNotApproved,
            false,
        ),
        ("bob@example.org", REGISTER, true),
        (EVE, REGISTER, true),
    ] {
        let answer = ask(&server, email).await;
        assert_eq!(answer.status, unknown.status);
        assert_eq!(
            (answer.headers, answer.body),
            (unknown.headers.clone(), unknown.body.clone())
        );
        let mail = next(&mut mails).await;
        assert_eq!((&*mail.to, mail.purpose), (email, purpose));
        assert_eq!(mail.link.is_some(), has_link, "{email}");
    }
    for body in [
        json!({}),
        json!({"email": "eve"}),
        json!({"email": 1, "password": "x"}),
    ] {
        let answer = register(&server, body).await.json();
        assert_eq!(answer["detail"].as_array().unwrap().len(), 1);
        assert_eq!(answer["detail"][0]["loc"][1], "email");
    }
}

#[tokio::test]
async fn address_with_an_account_gets_a_link_for_a_new_password() {
    let (server, _, mut mails) = by_mail().await;
    server.jane().await;
    ask(&server, JANE).await;
    let token = token(&mut mails, MailPurpose::AccountExists).await;
    assert_invalid(&complete(&server, &token, OWN).await);
    assert_eq!(server.login(JANE, PASSWORD).await.status, 200);
    assert_eq!(reset_by_token(&server, &token, OWN).await.status, 200);
    assert_eq!(server.login(JANE, OWN).await.status, 200);
}

/// Nothing on the way of the answer depends on the account: the store is asked later.
#[tokio::test]
async fn answer_does_not_wait_for_the_store() {
    let store = Arc::new(Staged::new().await);
    let (server, _, mut mails) = configured(Arc::clone(&store), |accounts| {
        accounts.registration(Registration::ByMail)
    });
    server.admin().await;
    store.pause(Pause::AfterFindByEmail);
    assert_eq!(ask(&server, JANE).await.status, 202);
    store.arrival().await;
    assert!(none_left(&mut mails).await);
    store.go_on();
    assert_eq!(next(&mut mails).await.to, JANE);
    store.fails(&["find_by_email", "list", "count", "insert"]);
    assert_eq!(ask(&server, EVE).await.status, 202);
    assert!(none_left(&mut mails).await);
}

#[tokio::test]
async fn unfinished_registration_gets_its_link_again() {
    let (server, _, mut mails) = by_mail().await;
    ask(&server, JANE).await;
    let first = token(&mut mails, REGISTER).await;
    server.clock.advance(DAY - SECOND);
    ask(&server, JANE).await;
    let second = token(&mut mails, REGISTER).await;
    server.clock.advance(SECOND);
    assert_invalid(&complete(&server, &first, OWN).await);
    assert_eq!(complete(&server, &second, OWN).await.status, 200);
    assert_eq!(server.store.count(&Default::default()).await.unwrap(), 2);
}

#[tokio::test]
async fn registration_does_not_take_the_role_of_an_invitation() {
    let (server, admin, mut mails) = by_mail().await;
    let invitation = json!({"email": JANE, "is_admin": true});
    let invitation = json_to("POST", "/invitations", &invitation);
    server.send(by(&admin, invitation)).await;
    let invitation = token(&mut mails, MailPurpose::AcceptInvitation).await;
    ask(&server, JANE).await;
    let registration = token(&mut mails, REGISTER).await;
    assert_invalid(&complete(&server, &invitation, OWN).await);
    let jane = complete(&server, &registration, OWN).await.json();
    assert_eq!(
        (&jane["is_admin"], &jane["status"]),
        (&json!(false), &json!("pending"))
    );
    let body = json!({"token": invitation, "password": "another staple"});
    let accepted = json_to("POST", "/accept-invitation", &body);
    assert_invalid(&server.send(accepted).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_make_one_account() {
    let (server, _, mut mails) = by_mail().await;
    let asked = (0..8).map(|_| {
        let server = server.clone();
        tokio::spawn(async move { ask(&server, JANE).await.status.as_u16() })
    });
    for status in join_all(asked).await {
        assert_eq!(status.unwrap(), 202);
    }
    let token = token(&mut mails, REGISTER).await;
    assert_eq!(complete(&server, &token, OWN).await.status, 200);
    assert_eq!(server.store.count(&Default::default()).await.unwrap(), 2);
}

#[tokio::test]
async fn mailbox_gets_one_mail_in_five_minutes() {
    let (server, _, mut mails) = configured(InMemoryAccountStore::new(), |accounts| {
        let accounts = accounts.registration(Registration::ByMail);
        accounts.throttle(Throttle::new())
    });
    server.admin().await;
    // A request for a new password does not use up the mail for the registration.
    let reset = json_to("POST", "/forgot-password", &json!({"email": JANE}));
    server.send(reset).await;
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(ask(&server, JANE).await.status, 202);
        }
        assert_eq!(next(&mut mails).await.to, JANE);
        assert!(none_left(&mut mails).await);
        server.clock.advance(5 * MINUTE);
    }
    let request = |number| {
        let body = json!({"email": format!("user{number}@example.org")});
        from("192.0.2.1", json_to("POST", "/register", &body))
    };
    for number in 0..10 {
        assert_eq!(server.send(request(number)).await.status, 202);
    }
    assert_eq!(server.send(request(10)).await.status, 429);
}

#[tokio::test]
async fn first_account_by_mail_becomes_the_admin() {
    let (server, _, mut mails) = configured(InMemoryAccountStore::new(), |accounts| {
        accounts.registration(Registration::ByMail)
    });
    ask(&server, JANE).await;
    let first = token(&mut mails, REGISTER).await;
    ask(&server, EVE).await;
    let second = token(&mut mails, REGISTER).await;
    let eve = complete(&server, &second, OWN).await.json();
    assert_eq!(
        (&eve["is_admin"], &eve["status"]),
        (&json!(false), &json!("pending"))
    );
    let jane = complete(&server, &first, OWN).await.json();
    assert_eq!(
        (&jane["is_admin"], &jane["status"]),
        (&json!(true), &json!("approved"))
    );
}

#[tokio::test]
async fn secret_by_mail_makes_the_first_admin() {
    let (server, _, mut mails) = configured(InMemoryAccountStore::new(), |accounts| {
        let secret = HmacSecret::new(SECRET).unwrap();
        accounts
            .registration(Registration::ByMail)
            .bootstrap(BootstrapPolicy::Secret(secret))
            .max_pending(1)
    });
    // Somebody else enters the address of the operator before, and others fill the server.
    ask(&server, JANE).await;
    let without = token(&mut mails, REGISTER).await;
    let wrong = register(&server, json!({"email": JANE, "bootstrap_secret": "wrong"})).await;
    assert_eq!(wrong.status, 403);
    let secret = |email| json!({"email": email, "bootstrap_secret": SECRET});
    assert_eq!(register(&server, secret(JANE)).await.status, 202);
    let token_of_jane = token(&mut mails, REGISTER).await;
    assert_eq!(register(&server, secret(EVE)).await.status, 202);
    let token_of_eve = token(&mut mails, REGISTER).await;
    let eve = complete(&server, &token_of_eve, OWN).await.json();
    assert_eq!(
        (&eve["is_admin"], &eve["status"]),
        (&json!(true), &json!("approved"))
    );
    // There is an admin now.
    let jane = complete(&server, &token_of_jane, OWN).await.json();
    assert_eq!(
        (&jane["is_admin"], &jane["status"]),
        (&json!(false), &json!("pending"))
    );
    assert_invalid(&complete(&server, &without, OWN).await);
}

/// The secret stays the same after the first admin.
#[tokio::test]
async fn secret_makes_no_admin_of_an_invited_account() {
    let (server, _, mut mails) = configured(InMemoryAccountStore::new(), |accounts| {
        let secret = HmacSecret::new(SECRET).unwrap();
        accounts
            .registration(Registration::ByMail)
            .bootstrap(BootstrapPolicy::Secret(secret))
    });
    let root = json!({"email": "root@example.org", "bootstrap_secret": SECRET});
    register(&server, root).await;
    let root = token(&mut mails, REGISTER).await;
    let root = complete(&server, &root, OWN).await.json();
    assert_eq!(root["is_admin"], true);
    let root = server.stored(root["id"].as_i64().unwrap()).await;
    let invitation = json_to("POST", "/invitations", &json!({"email": JANE}));
    let invited = server.send(by(&server.token(&root), invitation)).await;
    let id = invited.json()["user"]["id"].as_i64().unwrap();
    let invitation = token(&mut mails, MailPurpose::AcceptInvitation).await;
    let answer = register(&server, json!({"email": JANE, "bootstrap_secret": SECRET})).await;
    assert_eq!(answer.status, 202);
    token(&mut mails, REGISTER).await;
    assert!(!server.stored(id).await.is_admin);
    let body = json!({"token": invitation, "password": OWN});
    let accepted = server
        .send(json_to("POST", "/accept-invitation", &body))
        .await;
    assert_eq!(accepted.status, 200);
    assert!(!server.stored(id).await.is_admin);
}

#[tokio::test]
async fn closed_registration_admits_the_first_admin_only() {
    let (server, _, mut mails) = configured(InMemoryAccountStore::new(), |accounts| {
        accounts.registration(Registration::Closed)
    });
    let root = server.register("root@example.org").await.json();
    assert_eq!(
        (&root["is_admin"], &root["status"]),
        (&json!(true), &json!("approved"))
    );
    for email in [JANE, "root@example.org"] {
        let answer = server.register(email).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.json()["code"], "registration_closed");
    }
    assert_eq!(server.store.count(&Default::default()).await.unwrap(), 1);
    // By invitation.
    let admin = server.token_of("root@example.org", PASSWORD).await;
    let invitation = json_to("POST", "/invitations", &json!({"email": JANE}));
    assert_eq!(server.send(by(&admin, invitation)).await.status, 201);
    assert_eq!(next(&mut mails).await.to, JANE);
}

#[tokio::test]
async fn closed_registration_admits_the_bootstrap_secret() {
    let (server, _, _mails) = configured(InMemoryAccountStore::new(), |accounts| {
        let secret = HmacSecret::new(SECRET).unwrap();
        accounts
            .registration(Registration::Closed)
            .bootstrap(BootstrapPolicy::Secret(secret))
    });
    assert_eq!(server.register(JANE).await.status, 403);
    let with = |email, secret| json!({"email": email, "password": OWN, "bootstrap_secret": secret});
    let wrong = register(&server, with(JANE, "wrong")).await;
    assert_eq!(wrong.json()["code"], "wrong_bootstrap_secret");
    assert_eq!(register(&server, with(JANE, SECRET)).await.status, 201);
    let late = register(&server, with(EVE, SECRET)).await;
    assert_eq!(
        (late.status.as_u16(), &late.json()["code"]),
        (403, &json!("registration_closed"))
    );
    assert_eq!(server.store.count(&Default::default()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_first_registrations_leave_one_account() {
    let (server, _, _mails) = configured(InMemoryAccountStore::new(), |accounts| {
        accounts.registration(Registration::Closed)
    });
    let registered = (0..8).map(|number| {
        let server = server.clone();
        let email = format!("user{number}@example.org");
        tokio::spawn(async move { server.register(&email).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for status in join_all(registered).await {
        statuses.push(status.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403, 403, 403, 403, 403, 403, 403]);
    assert_eq!(server.store.count(&Default::default()).await.unwrap(), 1);
}

#[tokio::test]
async fn registrations_above_the_limit_are_rejected() {
    let log = Trace::record();
    let (server, _, _mails) = configured(InMemoryAccountStore::new(), |accounts| {
        accounts.max_pending(2)
    });
    let (_, admin) = server.admin().await;
    for (email, status) in [
        (JANE, 201),
        (EVE, 201),
        ("paul@example.org", 403),
        (JANE, 403),
    ] {
        assert_eq!(server.register(email).await.status, status, "{email}");
    }
    let answer = server.register("paul@example.org").await;
    assert_eq!(answer.json()["code"], "too_many_pending");
    assert_eq!(log.lines("too many accounts are pending").len(), 3);
    assert!(log.lines("WARN").len() <= 1);
    let email = Email::new(EVE).unwrap();
    let eve = server.store.find_by_email(&email);
    let eve = eve.await.unwrap().unwrap();
    assert_eq!(
        server
            .put(&admin, eve.id, json!({"status": "approved"}))
            .await
            .status,
        200
    );
    assert_eq!(server.register("paul@example.org").await.status, 201);
}

#[tokio::test]
async fn limit_by_mail_is_silent() {
    let (server, _, mut mails) = configured(InMemoryAccountStore::new(), |accounts| {
        let accounts = accounts.registration(Registration::ByMail);
        accounts.max_pending(1)
    });
    server.admin().await;
    ask(&server, JANE).await;
    let first = token(&mut mails, REGISTER).await;
    let answer = ask(&server, EVE).await;
    assert_eq!(answer.status, 202);
    assert!(none_left(&mut mails).await);
    // What exists goes on.
    ask(&server, JANE).await;
    token(&mut mails, REGISTER).await;
    assert_eq!(complete(&server, &first, OWN).await.status, 200);
}

#[tokio::test]
async fn accounts_never_approved_are_deleted_when_they_are_old() {
    let (server, accounts, mut mails) = configured(InMemoryAccountStore::new(), |accounts| {
        accounts.registration(Registration::ByMail)
    });
    let (_, admin) = server.admin().await;
    let old = server.add("old@example.org", false, Pending).await;
    let disabled = server.add("disabled@example.org", false, Disabled).await;
    let back = server.add("back@example.org", false, Approved).await;
    server
        .put(&admin, back.id, json!({"status": "pending"}))
        .await;
    let invitation = json_to("POST", "/invitations", &json!({"email": JANE}));
    server.send(by(&admin, invitation)).await;
    let invitation = token(&mut mails, MailPurpose::AcceptInvitation).await;
    server.clock.advance(DAY);
    ask(&server, EVE).await;
    let registration = token(&mut mails, REGISTER).await;

    assert_eq!(accounts.delete_pending(2 * DAY).await.unwrap(), 0);
    server.clock.advance(Duration::from_micros(1));
    // That of the invitation, too.
    assert_eq!(accounts.delete_pending(DAY).await.unwrap(), 2);
    assert_eq!(server.store.find(old.id).await.unwrap(), None);
    assert_invalid(&complete(&server, &invitation, OWN).await);
    for kept in [disabled.id, back.id] {
        assert!(server.store.find(kept).await.unwrap().is_some());
    }
    server.clock.advance(DAY);
    assert_eq!(accounts.delete_pending(DAY).await.unwrap(), 1);
    assert_invalid(&complete(&server, &registration, OWN).await);
    assert_eq!(accounts.delete_pending(Duration::MAX).await.unwrap(), 0);
}

#[tokio::test]
async fn more_accounts_than_a_page_expire() {
    let (server, accounts, _mails) = configured(InMemoryAccountStore::new(), |accounts| accounts);
    for number in 0..250 {
        let user = server
            .add(&format!("user{number}@example.org"), false, Pending)
            .await;
        if number % 50 == 0 {
            for status in [Approved, Pending] {
                let update = UserUpdate {
                    status: Some(status),
                    ..UserUpdate::default()
                };
                server.change(user.id, update).await;
            }
        }
    }
    server.clock.advance(SECOND);
    assert_eq!(accounts.delete_pending(SECOND / 2).await.unwrap(), 245);
}

/// An admin approves the account after it was listed, and before it is deleted.
#[tokio::test]
async fn approval_that_is_faster_than_the_expiry_wins() {
    let store = Arc::new(Staged::new().await);
    let (server, accounts, _mails) = configured(Arc::clone(&store), |accounts| accounts);
    let jane = server.add(JANE, false, Pending).await;
    server.clock.advance(DAY);
    store.pause(Pause::BeforeDelete);
    let expiring = tokio::spawn(async move { accounts.delete_pending(SECOND).await });
    store.arrival().await;
    let approved = UserUpdate {
        status: Some(Approved),
        ..UserUpdate::default()
    };
    let approved = server.act(jane.id, UserAction::Update(approved)).await;
    assert!(approved.is_ok());
    store.go_on();
    assert_eq!(expiring.await.unwrap().unwrap(), 0);
    background_tasks().await;
    assert_eq!(server.stored(jane.id).await.status, Approved);
}

#[tokio::test]
async fn links_are_for_the_address_they_were_sent_to() {
    let (server, admin, mut mails) = by_mail().await;
    let (jane, _) = server.jane().await;
    ask(&server, JANE).await;
    let reset = token(&mut mails, MailPurpose::AccountExists).await;
    ask(&server, EVE).await;
    let registration = token(&mut mails, REGISTER).await;
    let eve = server
        .store
        .find_by_email(&Email::new(EVE).unwrap())
        .await
        .unwrap()
        .unwrap();
    for id in [jane.id, eve.id] {
        let update = json!({"email": format!("other{id}@example.org")});
        assert_eq!(server.put(&admin, id, update).await.status, 200);
    }
    assert_invalid(&reset_by_token(&server, &reset, OWN).await);
    assert_invalid(&complete(&server, &registration, OWN).await);
}
