//! Tokens that were spent.

use std::time::Duration;

use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore, Sessions};

use super::client::{
    GRACE, MINUTE, SECOND, assert_refused, jane, node, over, refresh, renewed, server, with,
};

#[tokio::test]
async fn spent_token_ends_the_session_and_the_one_that_is_alive_too() {
    let server = server();
    let first = jane(&server).await;
    server.clock.advance(MINUTE);
    let second = renewed(&server, &first.refresh).await;
    server.clock.advance(MINUTE);
    assert_refused(&refresh(&server, &first.refresh).await);
    assert_refused(&refresh(&server, &second.refresh).await);
    assert_refused(&refresh(&server, &first.refresh).await);
}

#[tokio::test]
async fn thief_and_owner_cannot_both_go_on() {
    // Whoever comes first.
    for thief_first in [true, false] {
        let server = server();
        let stolen = jane(&server).await.refresh;
        let ahead = renewed(&server, &stolen).await;
        server.clock.advance(10 * MINUTE);
        let ahead = match thief_first {
            true => ahead,
            false => renewed(&server, &ahead.refresh).await,
        };
        assert_refused(&refresh(&server, &stolen).await);
        assert_refused(&refresh(&server, &ahead.refresh).await);
    }
}

#[tokio::test]
async fn thief_who_keeps_in_step_is_found_out_the_first_time_that_one_is_late() {
    let server = server();
    let stolen = jane(&server).await.refresh;
    let owner = renewed(&server, &stolen).await;
    server.clock.advance(GRACE - SECOND);
    let thief = renewed(&server, &stolen).await;
    assert_eq!(thief.refresh, owner.refresh);

    server.clock.advance(10 * MINUTE);
    let owner = renewed(&server, &owner.refresh).await;
    server.clock.advance(GRACE);
    assert_refused(&refresh(&server, &thief.refresh).await);
    assert_refused(&refresh(&server, &owner.refresh).await);
}

#[tokio::test]
async fn lost_answer_is_given_again_within_the_grace() {
    let server = server();
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    for _ in 0..3 {
        let again = renewed(&server, &first.refresh).await;
        assert_eq!(again.refresh, second.refresh);
        assert_eq!(server.me(&again.access).await.status, 200);
    }
    server.clock.advance(GRACE - Duration::from_micros(1));
    // It counts from the first time.
    let again = renewed(&server, &first.refresh).await;
    assert_eq!(again.refresh, second.refresh);
    server.clock.advance(Duration::from_micros(1));
    assert_refused(&refresh(&server, &first.refresh).await);
    assert_refused(&refresh(&server, &second.refresh).await);
}

#[tokio::test]
async fn only_the_token_before_the_present_one_has_a_grace() {
    let server = server();
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    let third = renewed(&server, &second.refresh).await;
    assert_eq!(
        renewed(&server, &second.refresh).await.refresh,
        third.refresh
    );
    assert_refused(&refresh(&server, &first.refresh).await);
    for token in [&second, &third] {
        assert_refused(&refresh(&server, &token.refresh).await);
    }
}

#[tokio::test]
async fn without_a_grace_a_token_is_good_once() {
    let sessions = Sessions::new(InMemorySessionStore::new()).reuse_grace(Duration::ZERO);
    let server = with(InMemoryAccountStore::new(), sessions);
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    assert_refused(&refresh(&server, &first.refresh).await);
    assert_refused(&refresh(&server, &second.refresh).await);
}

#[tokio::test]
async fn grace_has_five_minutes_at_most() {
    let sessions = Sessions::new(InMemorySessionStore::new()).reuse_grace(Duration::MAX);
    let server = with(InMemoryAccountStore::new(), sessions);
    let first = jane(&server).await;
    renewed(&server, &first.refresh).await;
    server.clock.advance(5 * MINUTE - SECOND);
    renewed(&server, &first.refresh).await;
    server.clock.advance(SECOND);
    assert_refused(&refresh(&server, &first.refresh).await);
}

#[tokio::test]
async fn node_whose_clock_is_behind_gives_the_same_successor() {
    let sessions = InMemorySessionStore::new();
    let server = over(InMemoryAccountStore::new(), sessions.clone());
    let first = jane(&server).await;
    let behind = tower_warder::testing::FixedClock::at(server.clock.now() - SECOND);
    let behind = super::super::server::Server {
        clock: behind,
        ..server.clone()
    };
    let behind = node(&behind, sessions);
    let second = renewed(&server, &first.refresh).await;
    let again = refresh(&behind, &first.refresh).await.json();
    assert_eq!(again["refresh_token"], second.refresh);
}
