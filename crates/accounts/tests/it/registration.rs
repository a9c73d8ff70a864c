//! Registration: the first admin, and validation of e-mail and password.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use tower_warder::{HmacSecret, testing};
use tower_warder_accounts::{
    AccountError, Accounts, BootstrapPolicy, Email, InMemoryAccountStore, UserImport,
};

use super::server::{Approved, Disabled, PASSWORD, Pending, Server, json_to};
use crate::support::Answer;

async fn register(server: &Server, email: &str, secret: Option<&str>) -> Answer {
    let mut new = json!({"email": email, "password": PASSWORD});
    if let Some(secret) = secret {
        new["bootstrap_secret"] = secret.into();
    }
    server.send(json_to("POST", "/register", &new)).await
}

async fn with(bootstrap: BootstrapPolicy) -> Server {
    Server::configured(|accounts| accounts.bootstrap(bootstrap)).await
}

fn is_first_admin(answer: &Answer) -> bool {
    assert_eq!(answer.status, 201, "{}", answer.body);
    let admin = answer.json()["is_admin"] == true;
    let status = if admin { "approved" } else { "pending" };
    assert_eq!(answer.json()["status"], status);
    admin
}

#[tokio::test]
async fn first_account_is_admin_and_later_ones_are_pending() {
    let server = Server::new().await;
    // A rejected registration does not use up the admin grant.
    assert_eq!(register(&server, "jane", None).await.status, 422);
    assert!(is_first_admin(
        &register(&server, "root@example.org", Some("ignored")).await
    ));
    let root = server.stored(1).await;
    assert_eq!(
        (root.approved_at, root.approved_by),
        (Some(root.created_at), None)
    );
    assert!(!is_first_admin(
        &register(&server, "jane@example.org", None).await
    ));
    assert_eq!(server.stored(2).await.approved_at, None);
}

#[tokio::test]
async fn first_admin_grant_is_for_the_first_account_only() {
    let server = Server::new().await;
    server.add("jane@example.org", false, Pending).await;
    assert!(!is_first_admin(
        &register(&server, "root@example.org", None).await
    ));
}

#[tokio::test]
async fn bootstrap_secret_is_required_for_the_first_admin() {
    let server = with(BootstrapPolicy::Secret(HmacSecret::new(SECRET).unwrap())).await;
    assert!(!is_first_admin(
        &register(&server, "a@example.org", None).await
    ));
    for wrong in ["", "wrong", &SECRET[1..], &format!("{SECRET} ")] {
        let answer = register(&server, "b@example.org", Some(wrong)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.detail().as_str()),
            (403, "Wrong bootstrap secret")
        );
    }
    assert!(is_first_admin(
        &register(&server, "b@example.org", Some(SECRET)).await
    ));
    assert!(!is_first_admin(
        &register(&server, "c@example.org", Some(SECRET)).await
    ));
}

#[tokio::test]
async fn disabled_admin_does_not_block_the_bootstrap_secret() {
    let server = with(BootstrapPolicy::Secret(HmacSecret::new(SECRET).unwrap())).await;
    server.add("old@example.org", true, Disabled).await;
    server.add("jane@example.org", false, Approved).await;
    assert!(is_first_admin(
        &register(&server, "new@example.org", Some(SECRET)).await
    ));
}

#[tokio::test]
async fn disabled_bootstrap_grants_no_admin() {
    let server = with(BootstrapPolicy::Nobody).await;
    assert!(!is_first_admin(
        &register(&server, "a@example.org", None).await
    ));
    assert!(!is_first_admin(
        &register(&server, "b@example.org", Some(SECRET)).await
    ));
}

#[tokio::test]
async fn email_syntax_is_validated() {
    let server = Server::new().await;
    let (root, admin) = server.admin().await;
    let (local, label) = ("j".repeat(64), "a".repeat(63));
    let longest = format!("{}@{label}.{label}.{}.org", local, &label[..57]);
    assert_eq!(longest.len(), 254);
    for good in [
        "a.b_c%d+e-f@g-h.i.museum",
        "1@2.ab",
        "JANE@EXAMPLE.ORG",
        "o'brien@example.ie",
        "!#$%&'*+-/=?^_`{|}~@example.org",
        "ada@xn--80afvemcl9d.xn--p1ai",
        "ada@XN--80AFVEMCL9D.XN--P1AI.org",
        &longest,
    ] {
        let answer = register(&server, good, None).await;
        assert_eq!(answer.status, 201, "{good}: {}", answer.body);
        assert_eq!(answer.json()["email"], good.to_ascii_lowercase());
    }
    let too_long = format!("{}@{label}.{label}.{}.org", local, &label[..58]);
    let long_local = format!("j{local}@example.org");
    let long_label = format!("jane@a{label}.org");
    for bad in [
        "",
        "@",
        "jane",
        "jane@example",
        "@example.org",
        "jane@.org",
        "jane@example.o",
        "jane@example.o1",
        "jane@@example.org",
        "a@b@example.org",
        "ja ne@example.org",
        " jane@example.org",
        "jane@example.org ",
        "jane@example.org\n",
        "jane@example.org\0",
        "jané@example.org",
        "jane@exämple.org",
        "\u{212a}ate@example.org",
        "<jane@example.org>",
        "\"jane\"@example.org",
        "jane@[127.0.0.1]",
        "jane@exam_ple.org",
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        "jane@-example.org",
        "jane@example-.org",
        "jane@example..org",
        "jane@example.org.",
        "jane@example.xn--",
        "jane@127.0.0.1",
        "jane(work)@example.org",
        "\"ja ne\"@example.org",
        &long_local,
        &long_label,
        &too_long,
    ] {
        // The same validation at registration and update.
        let answer = register(&server, bad, None).await;
        assert_eq!(answer.status, 422, "{bad:?}");
        assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", "email"]));
        assert!(bad.len() < 5 || !answer.body.contains(bad), "{bad:?}");
        let answer = server.put(&admin, root.id, json!({"email": bad})).await;
        assert_eq!(answer.status, 422, "{bad:?}");
    }
}

#[tokio::test]
async fn email_is_unique_regardless_of_case() {
    let server = Server::new().await;
    let (root, admin) = server.admin().await;
    assert_eq!(server.register("Jane@Example.org").await.status, 201);
    for again in ["jane@example.org", "JANE@EXAMPLE.ORG"] {
        assert_eq!(server.register(again).await.status, 409);
        assert_eq!(
            server
                .put(&admin, root.id, json!({"email": again}))
                .await
                .status,
            409
        );
    }
    // An account can change the case of its own address.
    let own = server
        .put(&admin, root.id, json!({"email": "ROOT@example.org"}))
        .await;
    assert_eq!(own.json()["email"], "root@example.org");
}

#[tokio::test]
async fn password_has_8_to_128_code_points() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    for (index, (password, valid)) in [
        ("a".repeat(7), false),
        ("a".repeat(8), true),
        ("a".repeat(128), true),
        ("a".repeat(129), false),
        ("🗼".repeat(7), false),
        ("🗼".repeat(8), true),
        ("🗼".repeat(128), true),
        ("🗼".repeat(129), false),
        ("e\u{301}".repeat(4), true),
        ("\0".repeat(8), true),
        (" ".repeat(8), true),
        ("  spaces  ".to_owned(), true),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("jane{index}@example.org");
        let new = json!({"email": email, "password": password});
        let answer = server.send(json_to("POST", "/register", &new)).await;
        assert_eq!(answer.status, if valid { 201 } else { 422 }, "{password:?}");
        let reset = server.reset(&admin, jane.id, &password).await;
        assert_eq!(reset.status, if valid { 200 } else { 422 }, "{password:?}");
        if valid {
            // The password is right, the account pending.
            assert_eq!(
                server.login(&email, &password).await.status,
                403,
                "{password:?}"
            );
            let token = server.login("jane@example.org", &password).await;
            assert_eq!(token.status, 200, "{password:?}");
        }
    }
}

#[tokio::test]
async fn password_is_neither_trimmed_nor_simplified() {
    let server = Server::new().await;
    for (index, (password, others)) in [
        ("  spaces  ", ["spaces", "  spaces", "spaces  "]),
        ("nul\0inside", ["nul", "nulinside", "nul\0"]),
        (
            "caf\u{e9} caf\u{e9}",
            [
                "cafe\u{300} cafe\u{300}",
                "cafe cafe",
                "CAF\u{c9} CAF\u{c9}",
            ],
        ),
        // NFKC would replace these.
        (
            "\u{fb01}ve ends",
            ["five ends", "fi\u{301}ve ends", "\u{fb01}ve\u{a0}ends"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("jane{index}@example.org");
        let new = json!({"email": email, "password": password});
        server.send(json_to("POST", "/register", &new)).await;
        let right = server.login(&email, password).await.status;
        assert!(right == 200 || right == 403);
        for other in others {
            assert_eq!(server.login(&email, other).await.status, 401, "{other:?}");
        }
    }
}

#[tokio::test]
async fn rejected_registration_stores_nothing() {
    let server = with(BootstrapPolicy::Secret(HmacSecret::new(SECRET).unwrap())).await;
    register(&server, "jane@example.org", Some("wrong")).await;
    let short: Value = json!({"email": "jane@example.org", "password": "short"});
    server.send(json_to("POST", "/register", &short)).await;
    assert_eq!(server.store.list(&Default::default()).await.unwrap(), []);
}

const SECRET: &str = "the first admin knows this secret";

#[tokio::test]
async fn imported_account_has_its_role_status_and_time() {
    let accounts = Accounts::new(InMemoryAccountStore::new(), testing::issuer());
    let email = |name: &str| Email::new(&format!("{name}@example.org")).unwrap();
    let created_at = UNIX_EPOCH + Duration::from_nanos(1_767_225_600_123_456_789);
    for (name, is_admin, status, approved) in [
        ("ada", true, Approved, true),
        ("bob", false, Approved, true),
        ("cid", true, Disabled, false),
        ("dan", false, Pending, false),
    ] {
        let import = UserImport {
            status,
            is_admin,
            created_at: Some(created_at),
            ..UserImport::new(email(name), "unreadable")
        };
        let user = accounts.import(import).await.unwrap();
        assert_eq!((user.is_admin, user.status), (is_admin, status));
        assert_eq!(&*user.hashed_password, "unreadable");
        // In whole microseconds.
        assert_eq!(user.created_at, created_at - Duration::from_nanos(789));
        assert_eq!(user.approved_at, approved.then_some(user.created_at));
        assert_eq!((user.approved_by, user.token_generation), (None, 0));
    }
    // The first one is no admin by its position, and an address is imported once.
    let accounts = Accounts::new(InMemoryAccountStore::new(), testing::issuer());
    let import = || UserImport::new(email("eve"), "hash");
    let user = accounts.import(import()).await.unwrap();
    assert_eq!((user.is_admin, user.status), (false, Pending));
    let again = accounts.import(import()).await;
    assert!(matches!(again, Err(AccountError::EmailTaken)), "{again:?}");
}
