//! Log lines and `Debug` output of sessions.

use std::fmt::Debug;

use tower_warder_accounts::{
    InMemoryAccountStore, InMemorySessionStore, Password, PasswordChange, Rotation, SessionStore,
    Sessions, Token,
};

use super::super::server::{PASSWORD, bare, by};
use super::client::{
    GRACE, Tokens, assert_invalid_grant, changing, jane, logging_out, login_from, refresh,
    refreshing, renewed, server, sessions, with,
};
use crate::support::Trace;

#[tokio::test]
async fn session_events_are_logged_without_tokens() {
    let log = Trace::record();
    let server = server();
    server.jane().await;
    let first = Tokens::of(
        &server
            .send(login_from("Phone 1.0", "jane@example.org"))
            .await,
    );
    let session = sessions(&server, &first.access).await[0]["id"].clone();
    let second = renewed(&server, &first.refresh).await;
    renewed(&server, &first.refresh).await;
    server.clock.advance(GRACE);
    assert_invalid_grant(&refresh(&server, &first.refresh).await);
    let third = super::client::log_in(&server, "jane@example.org").await;
    server.send(logging_out(&third.refresh)).await;
    let fourth = super::client::log_in(&server, "jane@example.org").await;
    let changed = changing(&fourth.access, PASSWORD, "another password");
    assert_eq!(server.send(changed).await.status, 200);
    refresh(&server, &format!("{}=", fourth.refresh)).await;
    server.send(by(&fourth.refresh, bare("GET", "/me"))).await;

    let id = session.as_str().unwrap();
    for (level, event, reason) in [
        ("INFO", "event=\"session_opened\"", "actor=\"1\""),
        ("DEBUG", "session renewed", ""),
        ("INFO", "spent refresh token came back within the grace", ""),
        ("WARN", "count=1 event=\"refresh_token_reused\"", ""),
        ("INFO", "event=\"session_ended\"", "reason=\"reused_token\""),
    ] {
        let lines = log.lines(event);
        let line = lines.iter().find(|line| line.contains(id));
        let line = line.unwrap_or_else(|| panic!("{event}: {}", log.text()));
        assert!(line.contains(level) && line.contains(reason), "{line}");
        let target = match event.contains("event=") {
            true => ["tower_warder::audit", "account=1"],
            false => ["tower_warder::sessions", "id=1"],
        };
        assert!(target.iter().all(|it| line.contains(it)), "{line}");
        assert!(!line.contains("jane") && !line.contains("Phone"), "{line}");
    }
    assert_eq!(log.lines("reason=\"logout\"").len(), 1);
    assert_eq!(log.lines("event=\"password_changed\"").len(), 1);

    let text = log.text();
    for tokens in [first, second, third, fourth] {
        let refresh = tokens.refresh.strip_prefix("refresh_").unwrap().to_owned();
        let halves = refresh.split_at(22);
        for secret in [
            halves.0,
            halves.1,
            tokens.access.rsplit('.').next().unwrap(),
        ] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[tokio::test]
async fn debug_output_contains_no_token_or_digest() {
    let store = InMemorySessionStore::new();
    let server = with(InMemoryAccountStore::new(), Sessions::new(store.clone()));
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    let accounts = super::client::accounts_of(&server, Sessions::new(store.clone()));
    let rows = store.list(1).await.unwrap();
    let token: Token =
        serde_json::from_value(serde_json::to_value(issued(&second)).unwrap()).unwrap();
    let rotation = Rotation {
        token: rows[0].token,
        successor: rows[0].token,
        at: rows[0].created_at,
        expires_at: rows[0].expires_at,
    };
    let shown: [(&dyn Debug, &str); 8] = [
        (&rows, "PreviousToken([redacted])"),
        (&rotation, "expires_at"),
        (&store, "InMemorySessionStore"),
        (&accounts, "Accounts"),
        (&Sessions::new(store.clone()), "idle_lifetime"),
        (
            &PasswordChange::new(PASSWORD, Password::new(PASSWORD).unwrap()),
            "PasswordChange",
        ),
        (&token, "refresh_expires_in"),
        (&refreshing(&second.refresh).into_parts().0, "/refresh"),
    ];
    let encoded = second.refresh.strip_prefix("refresh_").unwrap();
    let digest = format!("{:?}", &rows[0].token[..4]);
    let digest = digest.trim_matches(['[', ']']);
    for (value, part) in shown {
        for text in [format!("{value:?}"), format!("{value:#?}")] {
            assert!(text.contains(part), "{part} in {text}");
            for secret in [encoded, &encoded[30..], PASSWORD, digest, &second.access] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }
}

fn issued(tokens: &Tokens) -> Token {
    let minute = super::client::MINUTE;
    Token::bearer(&*tokens.access, minute).refresh(&*tokens.refresh, minute)
}
