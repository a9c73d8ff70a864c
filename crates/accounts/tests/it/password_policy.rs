//! Password policies: which passwords are rejected, and when the policy runs.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tower_warder::{AuthLayer, async_trait, testing};
use tower_warder_accounts::{
    CommonPasswords, InMemoryAccountStore, InMemorySessionStore, Password, PasswordPolicy,
    PasswordPolicyError, Sessions,
};

use super::server::{AnyAccounts, PASSWORD, Server, by, json_to};
use crate::support::{Answer, OUTAGE, Trace};

const RUN: &str = "password hashed";

fn server_with(policy: impl PasswordPolicy) -> Server {
    with(move |accounts| accounts.password_policy(policy))
}

/// With sessions, whose routes include the change of one's own password.
fn with(configure: impl FnOnce(AnyAccounts) -> AnyAccounts) -> Server {
    let mut built = None;
    let server = Server::with(InMemoryAccountStore::new(), |accounts| {
        let accounts = configure(accounts.sessions(Sessions::new(InMemorySessionStore::new())));
        built = Some(accounts.clone());
        accounts
    });
    let accounts = built.unwrap();
    let verifier = testing::verifier().clock(server.clock.clock());
    let sessions = tower_warder_accounts::session_routes(accounts.clone());
    let sessions = axum::Router::new().nest("/api/auth", sessions);
    let app = server
        .app
        .clone()
        .merge(sessions.layer(AuthLayer::new(verifier, accounts)));
    Server { app, ..server }
}

async fn register(server: &Server, email: &str, password: &str) -> Answer {
    let new = json!({"email": email, "password": password});
    server.send(json_to("POST", "/register", &new)).await
}

async fn change(server: &Server, token: &str, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    server
        .send(by(token, json_to("POST", "/password", &body)))
        .await
}

#[track_caller]
fn assert_rejected(answer: &Answer, field: &str) {
    assert_eq!(answer.status, 422, "{}", answer.body);
    let detail = answer.json()["detail"].take();
    assert_eq!(detail.as_array().unwrap().len(), 1, "{detail}");
    let error = &detail[0];
    assert_eq!(
        (&error["type"], &error["loc"]),
        (&json!("value_error"), &json!(["body", field]))
    );
}

const COMMON: [&str; 12] = [
    "password",
    "PassWord",
    "12345678",
    "87654321",
    "qwertyuiop",
    "1qaz2wsx",
    "iloveyou",
    "        ",
    " \t \u{a0}\u{2003}   ",
    "aaaaaaaaaaaa",
    "ääääääää",
    "\0\0\0\0\0\0\0\0",
];

#[tokio::test]
async fn common_password_is_rejected_wherever_it_is_set() {
    let server = server_with(CommonPasswords);
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    let own = ["jane@example.org", "JANE@Example.Org"];
    for password in COMMON.into_iter().chain(own) {
        let log = Trace::record();
        if !own.contains(&password) {
            assert_rejected(
                &register(&server, "new@example.org", password).await,
                "password",
            );
        }
        assert_rejected(&server.reset(&admin, jane.id, password).await, "password");
        assert_eq!(log.lines(RUN), [""; 0], "{password:?}");
        assert_rejected(
            &change(&server, &token, PASSWORD, password).await,
            "new_password",
        );
        assert_eq!(
            log.lines(RUN).len(),
            1,
            "of the current password: {password:?}"
        );
        assert_eq!(server.stored(jane.id).await, jane);
    }
    assert_rejected(
        &register(&server, "gertrude@example.org", "Gertrude").await,
        "password",
    );
    assert_rejected(
        &register(&server, "Bob@example.org", "bob@example.org").await,
        "password",
    );
    for (index, password) in [
        PASSWORD,
        "jane@example.com",
        "passwords in a row",
        "aaaaaaab",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = register(&server, &format!("a{index}@example.org"), password).await;
        assert_eq!(answer.status, 201, "{password}: {}", answer.body);
    }
    assert_eq!(
        change(&server, &token, PASSWORD, "battery staple")
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn default_policy_checks_only_the_length() {
    let server = with(|accounts| accounts);
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    for (index, password) in COMMON.into_iter().enumerate() {
        let answer = register(&server, &format!("a{index}@example.org"), password).await;
        assert_eq!(answer.status, 201, "{password:?}");
    }
    assert_eq!(
        change(&server, &token, PASSWORD, "password").await.status,
        204
    );
    assert_eq!(
        server
            .reset(&admin, jane.id, "jane@example.org")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn login_with_a_common_password_succeeds() {
    let server = server_with(CommonPasswords);
    let hash = super::server::hasher().hash("password").await.unwrap();
    let approved = super::server::Approved;
    server
        .add_with_hash("old@example.org", false, approved, &hash)
        .await;
    assert_eq!(
        server.login("old@example.org", "password").await.status,
        200
    );
}

/// Records its calls.
#[derive(Clone, Default)]
struct RecordingPolicy(Arc<Mutex<Vec<(String, String)>>>);

impl RecordingPolicy {
    fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[async_trait]
impl PasswordPolicy for RecordingPolicy {
    async fn check(&self, password: &Password, email: &str) -> Result<(), PasswordPolicyError> {
        tokio::task::yield_now().await;
        let call = (password.as_str().to_owned(), email.to_owned());
        self.0.lock().unwrap().push(call);
        match password.as_str() {
            "refused by it" => Err(PasswordPolicyError::Rejected("Not this one.".into())),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn policy_receives_password_and_email() {
    let policy = RecordingPolicy::default();
    let server = server_with(policy.clone());
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    let pair = |password: &str, email: &str| vec![(password.to_owned(), email.to_owned())];

    assert_eq!(
        register(&server, "Bob@Example.org", " as typed ")
            .await
            .status,
        201
    );
    assert_eq!(policy.take(), pair(" as typed ", "bob@example.org"));
    assert_eq!(
        change(&server, &token, PASSWORD, "changed to").await.status,
        204
    );
    assert_eq!(policy.take(), pair("changed to", "jane@example.org"));
    assert_eq!(
        server.reset(&admin, jane.id, "reset to it").await.status,
        200
    );
    assert_eq!(policy.take(), pair("reset to it", "jane@example.org"));

    let answer = register(&server, "eve@example.org", "refused by it").await;
    assert_rejected(&answer, "password");
    assert_eq!(answer.json()["detail"][0]["msg"], "Not this one.");
}

#[tokio::test]
async fn policy_runs_after_authorization_and_before_conflicts() {
    let policy = RecordingPolicy::default();
    let server = server_with(policy.clone());
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    let refused = "refused by it";
    let status = |answer: Answer| answer.status.as_u16();

    // Not called for 401, 403 and passwords of invalid length.
    assert_eq!(status(server.reset("x.y.z", jane.id, refused).await), 401);
    assert_eq!(status(server.reset(&token, jane.id, refused).await), 403);
    assert_eq!(
        status(change(&server, "x.y.z", PASSWORD, refused).await),
        401
    );
    assert_eq!(status(change(&server, &token, "wrong", refused).await), 403);
    assert_eq!(
        status(register(&server, "bob@example.org", "short").await),
        422
    );
    // Without an account there is no address to pass.
    assert_eq!(status(server.reset(&admin, 99, refused).await), 404);
    assert_eq!(policy.take(), []);

    // Called before 409.
    assert_rejected(
        &register(&server, "jane@example.org", refused).await,
        "password",
    );
    assert_eq!(
        status(register(&server, "jane@example.org", PASSWORD).await),
        409
    );
}

struct UnavailablePolicy;

#[async_trait]
impl PasswordPolicy for UnavailablePolicy {
    async fn check(&self, _: &Password, _: &str) -> Result<(), PasswordPolicyError> {
        Err(PasswordPolicyError::unavailable(OUTAGE))
    }
}

#[tokio::test]
async fn unavailable_policy_is_503_and_sets_no_password() {
    let server = server_with(UnavailablePolicy);
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    let log = Trace::record();
    let answers = [
        register(&server, "bob@example.org", PASSWORD).await,
        server.reset(&admin, jane.id, "another password").await,
        change(&server, &token, PASSWORD, "another password").await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.body.contains(OUTAGE));
    }
    assert_eq!(log.lines(OUTAGE).len(), 3);
    assert_eq!(server.stored(jane.id).await, jane);
    assert_eq!(server.login("bob@example.org", PASSWORD).await.status, 401);
    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn rejection_does_not_repeat_the_password() {
    let server = server_with(CommonPasswords);
    let log = Trace::record();
    let answer = register(&server, "bob@example.org", "trustno1").await;
    assert_rejected(&answer, "password");
    let detail: Value = answer.json()["detail"].take();
    assert!(!detail.to_string().contains("trustno1"), "{detail}");
    assert!(!log.text().contains("trustno1"), "{}", log.text());
}
