//! Tokens of accounts: claims, expiry and revocation.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::{AuthError, UserLoader, testing};
use tower_warder_accounts::{
    Accounts, Actor, Email, InMemoryAccountStore, InMemorySessionStore, Password, Sessions,
    SubjectClaim, UserCreate, UserUpdate,
};

use super::server::{Approved, PASSWORD, Pending, Server, bare, by};
use super::staged::{Pause, Staged};

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token of another library, with the secret of `testing` and only these claims.
fn foreign(claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(b"everybody who reads this knows it");
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

const NOW: u64 = 1_767_225_600;

#[tokio::test]
async fn token_has_subject_issue_and_expiry_times() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = server.token_of("jane@example.org", PASSWORD).await;
    assert_eq!(part(&token, 0), json!({"alg": "HS256", "typ": "JWT"}));
    let mut claims = part(&token, 1);
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert!(jti.as_str().unwrap().len() >= 22, "{jti}");
    let expected = json!({
        "sub": jane.id.to_string(),
        "iat": NOW,
        "exp": NOW + 604_800,
        "auth_time": NOW,
    });
    assert_eq!(claims, expected);

    server.reset(&admin, jane.id, PASSWORD).await;
    let token = server.token_of("jane@example.org", PASSWORD).await;
    let mut claims = part(&token, 1);
    assert_ne!(claims.as_object_mut().unwrap().remove("jti").unwrap(), jti);
    assert_eq!(claims["gen"], 1);
    assert_eq!(claims.as_object().unwrap().len(), 5);
}

#[tokio::test]
async fn token_expires_at_exp() {
    let server = Server::new().await;
    server.jane().await;
    let token = server.token_of("jane@example.org", PASSWORD).await;
    server.clock.advance(Duration::from_secs(604_799));
    assert_eq!(server.me(&token).await.status, 200);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(server.me(&token).await.status, 401);
}

#[tokio::test]
async fn token_needs_only_subject_and_expiry() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let exp = NOW + 60;
    let id = jane.id.to_string();
    for (claims, status) in [
        (json!({"sub": id, "exp": exp}), 200),
        (json!({"sub": id, "exp": 1_767_225_660.5, "more": [1]}), 200),
        (json!({"sub": id, "exp": exp, "gen": 0}), 200),
        (json!({"sub": id, "exp": exp, "gen": 1}), 401),
        (json!({"sub": id, "exp": exp, "gen": -1}), 401),
        (json!({"sub": id, "exp": exp, "gen": "0"}), 401),
        (json!({"sub": id}), 401),
        (json!({"exp": exp}), 401),
        (json!({"sub": jane.id, "exp": exp}), 401),
        (json!({"sub": "99", "exp": exp}), 401),
        (json!({"sub": "jane@example.org", "exp": exp}), 401),
        (json!({"sub": format!("+{id}"), "exp": exp}), 401),
        (json!({"sub": format!("0{id}"), "exp": exp}), 401),
        (json!({"sub": format!("{id} "), "exp": exp}), 401),
        (json!({"sub": format!("{id}.0"), "exp": exp}), 401),
        (json!({"sub": "99999999999999999999", "exp": exp}), 401),
    ] {
        let answer = server.me(&foreign(&claims)).await;
        assert_eq!(answer.status, status, "{claims}: {}", answer.body);
    }
    server.reset(&admin, jane.id, PASSWORD).await;
    let answer = server.me(&foreign(&json!({"sub": id, "exp": exp}))).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn account_change_affects_tokens_at_once() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let (jane, mut token) = server.jane().await;
    for (update, me, users) in [
        (json!({"is_admin": true}), 200, 200),
        (json!({"is_admin": false}), 200, 403),
        (json!({"is_admin": true, "status": "disabled"}), 401, 401),
        (json!({"status": "approved"}), 200, 200),
        (json!({"status": "pending"}), 401, 401),
        (json!({"status": "approved", "is_admin": false}), 200, 403),
        (json!({"email": "janet@example.org"}), 200, 403),
    ] {
        assert_eq!(
            server.put(&admin, jane.id, update.clone()).await.status,
            200
        );
        if update["status"] == "approved" {
            token = server.token_of("jane@example.org", PASSWORD).await;
        }
        assert_eq!(server.me(&token).await.status, me, "{update}");
        let answer = server.send(by(&token, bare("GET", "/users"))).await;
        assert_eq!(answer.status, users, "{update}");
    }
    assert_eq!(server.me(&token).await.json()["email"], "janet@example.org");
    assert_eq!(server.delete(&admin, jane.id).await.status, 204);
    assert_eq!(server.me(&token).await.status, 401);
}

#[tokio::test]
async fn token_from_before_disabling_stays_invalid_after_approval() {
    for server in [
        Server::new().await,
        Server::cached(|accounts| accounts).await,
    ] {
        let (_, admin) = server.admin().await;
        let (jane, mut token) = server.jane().await;
        for status in ["disabled", "pending"] {
            assert_eq!(server.me(&token).await.status, 200);
            for status in [status, "approved"] {
                let update = json!({"status": status});
                assert_eq!(server.put(&admin, jane.id, update).await.status, 200);
                assert_eq!(server.me(&token).await.status, 401, "{status}");
            }
            token = server.token_of("jane@example.org", PASSWORD).await;
        }
        // Updates that leave the account approved revoke nothing.
        for update in [json!({"status": "approved"}), json!({"is_admin": true})] {
            assert_eq!(server.put(&admin, jane.id, update).await.status, 200);
        }
        assert_eq!(server.me(&token).await.status, 200);
    }
}

#[tokio::test]
async fn password_reset_revokes_only_earlier_tokens() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    for round in ["first password", "second password"] {
        let earlier = server.token(&server.stored(jane.id).await);
        assert_eq!(server.me(&earlier).await.status, 200);
        assert_eq!(server.reset(&admin, jane.id, round).await.status, 200);
        assert_eq!(server.me(&earlier).await.status, 401);
        assert_eq!(server.me(&token).await.status, 401);
        // Issued in the same second: the clock is fixed.
        let later = server.token_of("jane@example.org", round).await;
        assert_eq!(server.me(&later).await.status, 200);
    }
    // A rejected reset revokes nothing.
    let token = server.token(&server.stored(jane.id).await);
    assert_eq!(server.reset(&admin, jane.id, "short").await.status, 422);
    assert_eq!(server.me(&token).await.status, 200);
    // A reset of the admin's own password revokes the admin's token.
    assert_eq!(server.reset(&admin, 1, PASSWORD).await.status, 200);
    assert_eq!(server.me(&admin).await.status, 401);
}

#[tokio::test]
async fn login_during_a_reset_yields_an_invalid_token() {
    let store = Arc::new(Staged::new().await);
    let server = Server::over(Arc::clone(&store));
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    store.pause(Pause::AfterFindByEmail);
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
}

#[tokio::test]
async fn token_of_a_deleted_account_stays_invalid() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    assert_eq!(server.delete(&admin, jane.id).await.status, 204);
    let again = server.add("jane@example.org", false, Approved).await;
    assert!(again.id > jane.id);
    assert_eq!(server.me(&token).await.status, 401);
    assert_eq!(server.me(&server.token(&again)).await.status, 200);
}

/// After a restored backup, an ID can belong to another account than the tokens from before.
#[tokio::test]
async fn token_older_than_the_account_is_rejected() {
    for server in [
        Server::new().await,
        Server::cached(|accounts| accounts).await,
    ] {
        let before = |iat: Value| foreign(&json!({"sub": "1", "exp": NOW + 60, "iat": iat}));
        server.clock.advance(Duration::from_micros(10_250_000));
        let (_, admin) = server.admin().await;
        // Cached from here on, if there is a cache.
        assert_eq!(server.me(&admin).await.status, 200);
        for (iat, status) in [
            (json!(NOW), 401),
            (json!(NOW + 9), 401),
            (json!(NOW as f64 + 9.999), 401),
            // Issued in the second of the registration or later.
            (json!(NOW + 10), 200),
            (json!(NOW as f64 + 10.1), 200),
        ] {
            let answer = server.me(&before(iat.clone())).await;
            assert_eq!(answer.status, status, "{iat}");
            if status == 401 {
                let error = answer.extensions.get::<AuthError>().unwrap();
                assert_eq!(error.reason(), "issued_too_early", "{iat}");
            }
        }
        // Has no `iat`.
        let without_iat = foreign(&json!({"sub": "1", "exp": NOW + 60}));
        assert_eq!(server.me(&without_iat).await.status, 200);
        assert_eq!(server.me(&admin).await.status, 200);
    }
}

#[tokio::test]
async fn login_in_the_second_of_registration_succeeds() {
    let server = Server::new().await;
    server.clock.advance(Duration::from_micros(999_999));
    assert_eq!(server.register("root@example.org").await.status, 201);
    let token = server.token_of("root@example.org", PASSWORD).await;
    assert_eq!(server.me(&token).await.status, 200);
}

async fn by_address() -> Server {
    Server::configured(|accounts| accounts.subject(SubjectClaim::Email)).await
}

#[tokio::test]
async fn email_subject_is_canonical_and_ends_with_a_change() {
    let server = by_address().await;
    let (_, _) = server.admin().await;
    let (jane, by_id) = server.jane().await;
    assert_eq!(server.me(&by_id).await.status, 401);
    let token = server.token_of("JANE@example.org", PASSWORD).await;
    assert_eq!(part(&token, 1)["sub"], "jane@example.org");
    assert_eq!(server.me(&token).await.status, 200);
    for (subject, status) in [
        ("jane@example.org", 200),
        ("Jane@example.org", 401),
        (" jane@example.org", 401),
        ("nobody@example.org", 401),
    ] {
        let foreign = foreign(&json!({"sub": subject, "exp": NOW + 60}));
        assert_eq!(server.me(&foreign).await.status, status, "{subject}");
    }
    let admin = server.token_of("root@example.org", PASSWORD).await;
    let update = json!({"email": "janet@example.org"});
    assert_eq!(server.put(&admin, jane.id, update).await.status, 200);
    assert_eq!(server.me(&token).await.status, 401);
}

#[tokio::test]
async fn email_subject_is_bound_to_the_account() {
    let sessions = Sessions::new(InMemorySessionStore::new());
    for sessions in [None, Some(sessions)] {
        let server = Server::configured(|accounts| {
            let accounts = accounts.subject(SubjectClaim::Email);
            match sessions.clone() {
                Some(sessions) => accounts.sessions(sessions),
                None => accounts,
            }
        })
        .await;
        // The older account, an admin, gets the address of the younger one.
        let (root, _) = server.admin().await;
        let (jane, _) = server.jane().await;
        let token = server.token_of("jane@example.org", PASSWORD).await;
        assert_eq!(part(&token, 1)["account_id"], jane.id.to_string());
        assert_eq!(server.me(&token).await.status, 200);
        let moved = |email: &str| UserUpdate {
            email: Some(Email::new(email).unwrap()),
            ..UserUpdate::default()
        };
        server.change(jane.id, moved("janet@example.org")).await;
        server.change(root.id, moved("jane@example.org")).await;
        assert_eq!(server.me(&token).await.status, 401);

        let roots = server.token_of("jane@example.org", PASSWORD).await;
        assert_eq!(server.me(&roots).await.json()["id"], root.id);
        // Back with its account, the address is in a valid token again.
        server.change(root.id, moved("root@example.org")).await;
        server.change(jane.id, moved("jane@example.org")).await;
        assert_eq!(server.me(&token).await.json()["id"], jane.id);
        assert_eq!(server.me(&roots).await.status, 401);
    }
    // By default `sub` is the id.
    let server = Server::new().await;
    server.admin().await;
    let token = server.token_of("root@example.org", PASSWORD).await;
    assert_eq!(part(&token, 1).get("account_id"), None);
}

#[tokio::test]
async fn email_subject_rejects_the_cookie_of_another_account() {
    let store = Arc::new(InMemoryAccountStore::new());
    let accounts = Accounts::new(store, testing::issuer())
        .subject(SubjectClaim::Email)
        .sessions(Sessions::new(InMemorySessionStore::new()));
    let verifier = accounts.wrap_verifier(Arc::new(testing::verifier()));
    let add = async |email| {
        let password = Password::new(PASSWORD).unwrap();
        let new = UserCreate::new(Email::new(email).unwrap(), password);
        accounts.register(new).await.unwrap()
    };
    let (root, jane) = (add("root@example.org").await, add("jane@example.org").await);
    let cookie = accounts.open_cookie_session(&jane, "").await.unwrap();
    let Verification::Pending(claims) = verifier.verify(&cookie.access_token) else {
        panic!("the session of a cookie is looked up");
    };
    let claims = claims.await.unwrap();
    let loaded = async || accounts.load_user(&claims).await.unwrap();
    assert_eq!(loaded().await.unwrap().id, jane.id);
    for (id, email) in [
        (jane.id, "janet@example.org"),
        (root.id, "jane@example.org"),
    ] {
        let update = UserUpdate {
            email: Some(Email::new(email).unwrap()),
            ..UserUpdate::default()
        };
        accounts.update(id, update, Actor::System).await.unwrap();
    }
    assert_eq!(loaded().await, None);
}

#[tokio::test]
async fn email_subject_rejects_tokens_older_than_the_account() {
    let server = by_address().await;
    server.admin().await;
    let (jane, _) = server.jane().await;
    let token = server.token_of("jane@example.org", PASSWORD).await;
    let without_iat = foreign(&json!({"sub": "jane@example.org", "exp": NOW + 60}));
    let admin = server.token_of("root@example.org", PASSWORD).await;
    assert_eq!(server.delete(&admin, jane.id).await.status, 204);
    assert_eq!(server.me(&token).await.status, 401);

    server.clock.advance(Duration::from_secs(1));
    server.jane().await;
    assert_eq!(server.me(&token).await.status, 401);
    // A token without `iat` stays valid until it expires.
    assert_eq!(server.me(&without_iat).await.status, 200);
    // Issued in the second of the registration.
    let token = server.token_of("jane@example.org", PASSWORD).await;
    assert_eq!(server.me(&token).await.status, 200);
}

#[tokio::test]
async fn approval_is_recorded_once() {
    let server = Server::new().await;
    let (root, admin) = server.admin().await;
    let other = server.add("other@example.org", true, Approved).await;
    let paul = server.add("paul@example.org", false, Pending).await;
    assert_eq!((paul.approved_at, paul.approved_by), (None, None));

    let first = server.clock.now();
    for (token, status) in [
        (&admin, "disabled"),
        (&admin, "approved"),
        (&server.token(&other), "disabled"),
        (&server.token(&other), "approved"),
        (&server.token(&other), "pending"),
        (&server.token(&other), "approved"),
    ] {
        assert_eq!(
            server
                .put(token, paul.id, json!({"status": status}))
                .await
                .status,
            200
        );
        server.clock.advance(Duration::from_secs(1));
    }
    let paul = server.stored(paul.id).await;
    assert_eq!(paul.approved_by, Some(root.id));
    assert_eq!(paul.approved_at, Some(first + Duration::from_secs(1)));
}
