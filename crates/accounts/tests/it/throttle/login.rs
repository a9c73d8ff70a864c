//! Limits of log-ins.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use tower_warder_accounts::throttle::{Limit, Throttle};

use super::super::cookie::browser::form_to;
use super::super::login::visible;
use super::super::server::{Approved, Disabled, PASSWORD, Pending, Server, hasher, login};
use super::{BURST, JANE, from, guess, guess_until_throttled, retry_after, server, server_with};

const ADDRESS: &str = "192.0.2.1";

#[tokio::test]
async fn ten_typing_errors_do_not_prevent_the_log_in() {
    let server = server(Throttle::new()).await;
    for _ in 0..10 {
        assert_eq!(guess(&server, ADDRESS, JANE).await, 401);
        server.clock.advance(Duration::from_secs(2));
    }
    let right = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    assert_eq!(right.status, 200);
}

#[tokio::test]
async fn password_that_is_compared_twice_is_one_attempt() {
    let server = server(Throttle::new()).await;
    for attempt in 0..=BURST {
        let request = from(ADDRESS, login(JANE, "cafe\u{301} cre\u{300}me"));
        let expected = if attempt < BURST { 401 } else { 429 };
        assert_eq!(server.send(request).await.status, expected, "{attempt}");
    }
}

#[tokio::test]
async fn two_tabs_log_in_at_the_same_time() {
    let server = server(Throttle::new()).await;
    let tabs = (0..2).map(|_| server.send(from(ADDRESS, login(JANE, PASSWORD))));
    for answer in join_all(tabs).await {
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn known_and_unknown_accounts_are_throttled_equally() {
    let mut seen = Vec::new();
    for account in [JANE, "nobody@example.org", "no address"] {
        let server = server(Throttle::new()).await;
        let mut answers = Vec::new();
        for step in 0..BURST + 5 {
            let request = from(ADDRESS, login(account, "wrong password"));
            answers.push(visible(server.send(request).await));
            if step == BURST + 1 {
                server.clock.advance(Duration::from_secs(360));
            }
        }
        let statuses: Vec<_> = answers.iter().map(|(status, ..)| *status).collect();
        let expected = [[401; BURST].as_slice(), &[429, 429, 401, 429, 429]].concat();
        assert_eq!(statuses, expected);
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[tokio::test]
async fn address_is_canonical() {
    let server = server(Throttle::new()).await;
    assert_eq!(guess_until_throttled(&server, ADDRESS, JANE).await, BURST);
    for account in ["JANE@Example.org", " jane@example.org "] {
        assert_eq!(guess(&server, ADDRESS, account).await, 429, "{account:?}");
    }
    assert_eq!(guess(&server, ADDRESS, "paul@example.org").await, 401);
    assert_eq!(guess(&server, "::ffff:192.0.2.1", JANE).await, 429);
}

#[tokio::test]
async fn retry_after_is_when_the_next_attempt_is_admitted() {
    let server = server(Throttle::new()).await;
    guess_until_throttled(&server, ADDRESS, JANE).await;
    server.clock.advance(Duration::from_millis(500));
    let request = || from(ADDRESS, login(JANE, PASSWORD));
    assert_eq!(retry_after(&server.send(request()).await), 360);
    server.clock.advance(Duration::from_secs(359));
    assert_eq!(retry_after(&server.send(request()).await), 1);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(server.send(request()).await.status, 200);
}

#[tokio::test]
async fn right_passwords_are_limited_by_address_only() {
    let throttle = Throttle::new().per_address(Limit::per_minute(25));
    let server = server(throttle).await;
    server.add("paul@example.org", false, Pending).await;
    server.add("dora@example.org", false, Disabled).await;
    let accounts = [
        (JANE, 200),
        ("paul@example.org", 403),
        ("dora@example.org", 403),
    ];
    for (account, status) in accounts.into_iter().cycle().take(25) {
        let answer = server.send(from(ADDRESS, login(account, PASSWORD))).await;
        assert_eq!(answer.status, status, "{account}");
    }
    let answer = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    assert_eq!(retry_after(&answer), 3);
    let answer = server.send(from("192.0.2.2", login(JANE, PASSWORD))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn own_log_in_gives_no_guess_at_others_back() {
    let throttle = Throttle::new().per_address(Limit::per_minute(20));
    let server = server(throttle).await;
    server.add("paul@example.org", false, Approved).await;
    let mut guesses = 0;
    // One guess at each account, between log-ins of the attacker's own.
    while guess(&server, ADDRESS, &format!("user{guesses}@example.org")).await == 401 {
        guesses += 1;
        let own = from(ADDRESS, login("paul@example.org", PASSWORD));
        server.send(own).await;
    }
    assert_eq!(guesses, 10);
}

#[tokio::test]
async fn right_password_looks_wrong_while_throttled() {
    let server = server(Throttle::new()).await;
    guess_until_throttled(&server, ADDRESS, JANE).await;
    let mut answers = Vec::new();
    for password in [PASSWORD, "wrong password"] {
        let request = from(ADDRESS, login(JANE, password));
        answers.push(visible(server.send(request).await));
    }
    assert_eq!(answers[0].0, 429);
    assert_eq!(answers[0], answers[1]);
    // Nor does it give an attempt back.
    server.clock.advance(Duration::from_secs(360));
    assert_eq!(guess(&server, ADDRESS, JANE).await, 401);
    assert_eq!(guess(&server, ADDRESS, JANE).await, 429);
}

#[tokio::test]
async fn account_is_limited_over_all_addresses() {
    let server = server(Throttle::new()).await;
    for host in 0..20 {
        let address = format!("192.0.2.{host}");
        assert_eq!(guess(&server, &address, JANE).await, 401);
    }
    let request = from("198.51.100.1", login(JANE, PASSWORD));
    assert_eq!(retry_after(&server.send(request).await), 180);
    server.clock.advance(Duration::from_secs(180));
    assert_eq!(guess(&server, "198.51.100.1", JANE).await, 401);
}

#[tokio::test]
async fn one_address_leaves_attempts_to_others() {
    let server = server(Throttle::new()).await;
    for minute in 0..300 {
        guess_until_throttled(&server, ADDRESS, JANE).await;
        if minute % 30 == 0 {
            let request = from("198.51.100.1", login(JANE, PASSWORD));
            assert_eq!(server.send(request).await.status, 200, "minute {minute}");
        }
        server.clock.advance(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn failures_of_all_clients_are_limited() {
    let server = server(Throttle::new().overall(Limit::per_second(3))).await;
    for number in 0..3 {
        let (address, account) = (format!("192.0.2.{number}"), format!("{number}@example.org"));
        assert_eq!(guess(&server, &address, &account).await, 401);
    }
    assert_eq!(guess(&server, "192.0.2.9", "nobody@example.org").await, 429);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(guess(&server, "192.0.2.9", "nobody@example.org").await, 401);
}

#[tokio::test]
async fn wrong_passwords_of_an_address_are_limited() {
    let server = server(Throttle::new()).await;
    for number in 0..50 {
        let account = format!("user{number}@example.org");
        assert_eq!(guess(&server, ADDRESS, &account).await, 401, "{number}");
        // It does not count.
        if number % 10 == 0 {
            let right = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
            assert_eq!(right.status, 200);
        }
    }
    let request = || from(ADDRESS, login(JANE, PASSWORD));
    assert_eq!(retry_after(&server.send(request()).await), 12);
    let other = server.send(from("192.0.2.2", login(JANE, PASSWORD))).await;
    assert_eq!(other.status, 200);
    server.clock.advance(Duration::from_secs(12));
    assert_eq!(server.send(request()).await.status, 200);
}

#[tokio::test]
async fn both_kinds_of_log_in_share_the_limits() {
    let server = server(Throttle::new()).await;
    for _ in 0..7 {
        let request = from(ADDRESS, form_to("/cookie/login", JANE, "wrong password"));
        assert_eq!(server.send(request).await.status, 401);
        assert_eq!(guess(&server, ADDRESS, JANE).await, 401);
    }
    assert_eq!(guess(&server, ADDRESS, JANE).await, 401);
    let request = from(ADDRESS, form_to("/cookie/login", JANE, PASSWORD));
    assert_eq!(retry_after(&server.send(request).await), 360);
}

#[tokio::test]
async fn concurrent_guesses_are_all_counted() {
    // An account has one place in the queue, so that more would be 503, which is not counted.
    let wide = hasher().max_concurrency(BURST);
    let server = server_with(Throttle::new(), wide).await;
    let guesses = (0..40).map(|_| guess(&server, ADDRESS, JANE));
    let statuses = join_all(guesses).await;
    let admitted = statuses.iter().filter(|status| **status == 401).count();
    let throttled = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!((admitted, throttled), (BURST, 40 - BURST));
}

#[tokio::test]
async fn cancelled_guess_stays_counted() {
    let throttle = Throttle::new().per_pair(Limit::per_minute(1));
    let slow = hasher().max_concurrency(1);
    let server = server_with(throttle, slow.clone()).await;
    let mut running = Box::pin(slow.hash(PASSWORD));
    assert!(poll!(&mut running).is_pending());
    let mut cancelled = Box::pin(guess(&server, ADDRESS, JANE));
    for _ in 0..100 {
        assert!(poll!(&mut cancelled).is_pending());
        tokio::task::yield_now().await;
        if guess_is_counted(&server).await {
            break;
        }
    }
    drop(cancelled);
    assert_eq!(guess(&server, ADDRESS, JANE).await, 429);
}

/// Asks with another password, which would wait for the hasher if it were admitted.
async fn guess_is_counted(server: &Server) -> bool {
    let mut asked = Box::pin(guess(server, ADDRESS, JANE));
    matches!(poll!(&mut asked), std::task::Poll::Ready(429))
}
