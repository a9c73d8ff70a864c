//! Log-in: accepted credentials, and what rejections reveal.

use std::sync::Arc;

use http::HeaderMap;
use serde_json::json;
use tower_warder::password::{LegacyFormats, PasswordHasher, PasswordParams};

use super::server::{Approved, Disabled, PASSWORD, Pending, Server, form, hash, hasher, json_to};
use super::staged::{Pause, Staged};
use crate::support::{Answer, OUTAGE, Trace};

const RUN: &str = "password hashed";

/// Everything by which a client can distinguish two responses.
pub fn visible(answer: Answer) -> (u16, HeaderMap, String) {
    (answer.status.as_u16(), answer.headers, answer.body)
}

#[tokio::test]
async fn email_is_case_insensitive_at_login() {
    let server = Server::new().await;
    server.jane().await;
    for username in ["jane@example.org", "JANE@EXAMPLE.ORG", "Jane@Example.Org"] {
        assert_eq!(
            server.login(username, PASSWORD).await.status,
            200,
            "{username}"
        );
    }
    for username in [
        "ja ne@example.org",
        "jane",
        "jane@example.org\0",
        "jane@example.org.",
    ] {
        assert_eq!(
            server.login(username, PASSWORD).await.status,
            401,
            "{username:?}"
        );
    }
}

#[tokio::test]
async fn email_is_trimmed_at_login() {
    let server = Server::new().await;
    server.jane().await;
    for space in [" ", "  ", "\t", "\r\n", "\u{a0}", "\u{2003}"] {
        for username in [
            format!("jane@example.org{space}"),
            format!("{space}JANE@example.org"),
            format!("{space}jane@example.org{space}"),
        ] {
            let answer = server.login(&username, PASSWORD).await;
            assert_eq!(answer.status, 200, "{username:?}");
            // Passwords are not trimmed.
            let answer = server.login(&username, &format!("{PASSWORD}{space}")).await;
            assert_eq!(answer.status, 401, "{username:?}");
            let again = json!({"email": username, "password": PASSWORD});
            let answer = server.send(json_to("POST", "/register", &again)).await;
            assert_eq!(answer.status, 422, "{username:?}");
        }
    }
}

#[tokio::test]
async fn login_form_follows_the_password_grant() {
    let server = Server::new().await;
    server.jane().await;
    let name = "username=jane%40example.org";
    for (fields, status) in [
        (format!("{name}&password=correct+horse"), 200),
        (
            format!(
                "grant_type=password&{name}&password=correct%20horse&scope=&client_id=x&client_secret=y"
            ),
            200,
        ),
        (format!("grant_type=&{name}&password=correct+horse"), 200),
        (
            format!("grant_type=Password&{name}&password=correct+horse"),
            422,
        ),
        (
            format!("grant_type=client_credentials&{name}&password=correct+horse"),
            422,
        ),
        (format!("{name}&password="), 422),
        (format!("{name}&password"), 422),
        (name.to_owned(), 422),
        ("password=correct+horse".to_owned(), 422),
        (String::new(), 422),
        (format!("{name}&password=%ff%zz"), 422),
        (format!("{name}&password=%EF%BF%BD"), 401),
        (format!("{name}&password=correct%2Bhorse"), 401),
    ] {
        let answer = server.send(form(&fields)).await;
        assert_eq!(answer.status, status, "{fields}: {}", answer.body);
    }
    let unknown = visible(server.login("nobody@example.org", "").await);
    assert_eq!(visible(server.login("jane@example.org", "").await), unknown);
}

#[tokio::test]
async fn account_status_is_disclosed_only_with_the_password() {
    let server = Server::new().await;
    server.jane().await;
    server.add("paul@example.org", false, Pending).await;
    server.add("dora@example.org", true, Disabled).await;
    let unknown = visible(server.login("nobody@example.org", "wrong password").await);
    assert_eq!(unknown.0, 401);
    for name in ["jane", "paul", "dora"] {
        let email = format!("{name}@example.org");
        assert_eq!(
            visible(server.login(&email, "wrong password").await),
            unknown,
            "{name}"
        );
    }
    assert_eq!(
        server.login("paul@example.org", PASSWORD).await.detail(),
        "Account pending approval"
    );
    assert_eq!(
        server.login("dora@example.org", PASSWORD).await.detail(),
        "Account disabled"
    );
}

#[tokio::test]
async fn unknown_email_costs_as_much_as_a_wrong_password() {
    let server = Server::new().await;
    server.jane().await;
    server.add("paul@example.org", false, Pending).await;
    server
        .add_with_hash("broken@example.org", false, Approved, "not a hash")
        .await;
    for username in [
        "jane@example.org",
        "paul@example.org",
        "nobody@example.org",
        "broken@example.org",
        "no address",
        "\0",
    ] {
        let log = Trace::record();
        assert_eq!(
            server.login(username, "wrong password").await.status,
            401,
            "{username:?}"
        );
        let runs = log.lines(RUN);
        assert_eq!(runs.len(), 1, "{username:?}: {runs:?}");
        assert!(runs[0].contains("m=7168 t=5 p=1"), "{username:?}: {runs:?}");
    }
}

#[tokio::test]
async fn password_over_4096_bytes_is_rejected_without_hashing() {
    let server = Server::new().await;
    server.jane().await;
    let unknown = visible(server.login("nobody@example.org", "wrong password").await);
    let log = Trace::record();
    for username in ["jane@example.org", "nobody@example.org"] {
        let answer = server.login(username, &"x".repeat(4097)).await;
        assert_eq!(visible(answer), unknown);
    }
    assert_eq!(log.lines(RUN), [""; 0]);
    assert_eq!(
        visible(server.login("jane@example.org", &"x".repeat(4096)).await),
        unknown
    );
    assert_eq!(log.lines(RUN).len(), 1);
}

#[tokio::test]
async fn unreadable_hash_is_a_wrong_password_and_logged() {
    let server = Server::new().await;
    for (index, stored) in [
        "",
        "not a hash",
        "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        "$argon2id$v=19$m=4294967295,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$AYZS4FaZ0ueMtR+C6CqwtsVysuQRxQtIuGstOQvB5oo",
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("jane{index}@example.org");
        let jane = server.add_with_hash(&email, false, Approved, stored).await;
        let unknown = visible(server.login("nobody@example.org", PASSWORD).await);
        let log = Trace::record();
        assert_eq!(visible(server.login(&email, PASSWORD).await), unknown, "{stored}");
        // At ERROR at most once a minute for each account, otherwise at DEBUG.
        let lines = log.lines("cannot be read");
        assert_eq!(lines.len(), 1, "{}", log.text());
        assert!(lines[0].contains(&format!("id={}", jane.id)), "{lines:?}");
        assert!(stored.is_empty() || !log.text().contains(stored), "{}", log.text());
    }
}

#[tokio::test]
async fn excessive_cost_of_a_stored_hash_starts_no_work() {
    let server =
        Server::configured(|accounts| accounts.hasher(hasher().legacy_format(LegacyFormats))).await;
    let key = "mupMsTmjxqnSjRKfLQsqrG0htEXL6HZ4xhZBStl9ysA=";
    for (index, stored) in [
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        &format!("scrypt$1073741824$salt$8$1${key}"),
        &format!("pbkdf2_sha256$1000000000$salt${key}"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("jane{index}@example.org");
        let jane = server.add_with_hash(&email, false, Approved, stored).await;
        let unknown = visible(server.login("nobody@example.org", PASSWORD).await);
        let log = Trace::record();
        assert_eq!(visible(server.login(&email, PASSWORD).await), unknown);
        // The work for an unknown account, and nothing else.
        assert_eq!(log.lines(RUN).len(), 1, "{}", log.text());
        assert_eq!(log.lines("legacy hash compared").len(), 0);
        let lines = log.lines("cannot be read");
        assert_eq!(lines.len(), 1, "{}", log.text());
        let id = format!("id={}", jane.id);
        assert!(lines[0].contains(&id) && lines[0].contains("reset its password"));
        assert!(!log.text().contains(stored), "{}", log.text());
        assert_eq!(server.stored(jane.id).await.hashed_password, stored);
    }
}

fn other_hasher() -> PasswordHasher {
    PasswordHasher::new().params(PasswordParams::new(9216, 4, 1).unwrap())
}

#[tokio::test]
async fn outdated_hash_is_renewed_at_login() {
    let server = Server::configured(|accounts| accounts.hasher(other_hasher())).await;
    let (jane, token) = server.jane().await;
    assert_eq!(
        server
            .login("jane@example.org", "wrong password")
            .await
            .status,
        401
    );
    assert_eq!(server.stored(jane.id).await, jane);

    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 200);
    let renewed = server.stored(jane.id).await;
    assert!(
        renewed
            .hashed_password
            .starts_with("$argon2id$v=19$m=9216,t=4,p=1$")
    );
    assert_eq!(renewed.token_generation, 0);
    assert_eq!(server.me(&token).await.status, 200);

    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 200);
    assert_eq!(server.stored(jane.id).await, renewed);
}

#[tokio::test]
async fn wrong_password_for_a_weaker_hash_costs_the_full_work() {
    let server = Server::configured(|accounts| accounts.hasher(other_hasher())).await;
    server.jane().await;
    let work = async |username: &str| {
        let log = Trace::record();
        assert_eq!(server.login(username, "wrong password").await.status, 401);
        let runs = log.lines(RUN);
        let of = |line: &String, name: &str| -> u32 {
            let (_, rest) = line.split_once(&format!(" {name}=")).unwrap();
            let number = rest.split_whitespace().next().unwrap();
            number.parse().unwrap()
        };
        runs.iter()
            .map(|line| of(line, "m") * of(line, "t"))
            .sum::<u32>()
    };
    assert_eq!(work("nobody@example.org").await, 9216 * 4);
    assert_eq!(work("jane@example.org").await, 9216 * 4);
}

#[tokio::test]
async fn password_reset_overrides_a_renewed_hash() {
    let store = Arc::new(Staged::new().await);
    let server = Server::with(Arc::clone(&store), |accounts| {
        accounts.hasher(other_hasher())
    });
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;

    store.pause(Pause::BeforeReplaceHash);
    let (token, ()) = tokio::join!(server.token_of("jane@example.org", PASSWORD), async {
        store.arrival().await;
        assert_eq!(
            server
                .reset(&admin, jane.id, "another password")
                .await
                .status,
            200
        );
        store.go_on();
    });
    assert_eq!(server.me(&token).await.status, 401);
    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 401);
    assert_eq!(
        server
            .login("jane@example.org", "another password")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn login_succeeds_if_the_hash_cannot_be_renewed() {
    let store = Arc::new(Staged::new().await);
    let server = Server::with(Arc::clone(&store), |accounts| {
        accounts.hasher(other_hasher())
    });
    let (jane, _) = server.jane().await;
    store.fails(&["rehash"]);
    let log = Trace::record();
    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 200);
    assert_eq!(log.lines(OUTAGE).len(), 1, "{}", log.text());
    assert_eq!(server.stored(jane.id).await.hashed_password, hash().await);
}
