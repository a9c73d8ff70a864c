//! Concurrent requests, to one process and to two.

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::{PASSWORD, Start};
use crate::support::Place;

#[tokio::test]
async fn fifty_first_registrations_create_one_admin() {
    let place = Place::shared().await;
    // On a loaded machine the last of them wait for more than 5 seconds.
    let start = || Start::at(&place).unthrottled().server();
    let (one, other) = join(start(), start()).await;
    let users: Vec<Value> = join_all((0..50).map(async |number| {
        let server = if number % 2 == 0 { &one } else { &other };
        let answer = server.register(&format!("user{number}@example.com")).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }))
    .await;

    let admins: Vec<_> = users
        .iter()
        .filter(|user| user["is_admin"] == json!(true))
        .collect();
    assert_eq!(admins.len(), 1, "{admins:?}");
    assert_eq!(admins[0]["status"], "approved");
    assert_eq!(
        users
            .iter()
            .filter(|user| user["status"] == "pending")
            .count(),
        49
    );

    let token = other.token(admins[0]["email"].as_str().unwrap()).await;
    let count = one.get("/api/auth/users/pending/count", &token).await;
    assert_eq!(count.json(), json!({"count": 49}));
}

#[tokio::test]
async fn parallel_registrations_of_an_email_create_one_account() {
    let place = Place::shared().await;
    let start = || Start::at(&place).unthrottled().server();
    let (one, other) = join(start(), start()).await;
    let mut statuses: Vec<u16> = join_all((0..16).map(async |number| {
        let server = if number % 2 == 0 { &one } else { &other };
        server.register("ada@example.com").await.status.as_u16()
    }))
    .await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (201, [409; 15].as_slice()));
}

#[tokio::test]
async fn requests_do_not_wait_for_64_concurrent_logins() {
    let place = Place::shared().await;
    let server = Start::at(&place).unthrottled().server().await;
    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;

    let logins = (0..64).map(|_| server.login("ada@example.com", PASSWORD));
    let mut logins: FuturesUnordered<_> = logins.collect();
    // Now the others are queued.
    let mut answers = vec![logins.next().await.unwrap()];
    let polls = async {
        for _ in 0..20 {
            assert_eq!(server.me(&token).await.status, 200);
        }
    };
    // If these had to wait for the hashes, the log-ins would end first.
    let mut logins = logins.collect::<Vec<_>>();
    tokio::select! {
        biased;
        () = polls => {}
        _ = &mut logins => panic!("20 small requests took longer than 63 log-ins"),
    }
    answers.extend(logins.await);
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
