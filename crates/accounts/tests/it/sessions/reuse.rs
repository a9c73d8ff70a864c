//! Reuse of rotated refresh tokens, and the grace period.

use std::time::Duration;

use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore, Sessions};

use super::client::{
    GRACE, MINUTE, SECOND, assert_invalid_grant, jane, node, over, refresh, renewed, server, with,
};

#[tokio::test]
async fn reused_token_ends_the_session() {
    let server = server();
    let first = jane(&server).await;
    server.clock.advance(MINUTE);
    let second = renewed(&server, &first.refresh).await;
    server.clock.advance(MINUTE);
    assert_invalid_grant(&refresh(&server, &first.refresh).await);
    assert_invalid_grant(&refresh(&server, &second.refresh).await);
    assert_invalid_grant(&refresh(&server, &first.refresh).await);
}

#[tokio::test]
async fn reuse_by_thief_or_owner_ends_the_session() {
    // In either order.
    for thief_first in [true, false] {
        let server = server();
        let stolen = jane(&server).await.refresh;
        let newest = renewed(&server, &stolen).await;
        server.clock.advance(10 * MINUTE);
        let newest = match thief_first {
            true => newest,
            false => renewed(&server, &newest.refresh).await,
        };
        assert_invalid_grant(&refresh(&server, &stolen).await);
        assert_invalid_grant(&refresh(&server, &newest.refresh).await);
    }
}

#[tokio::test]
async fn thief_within_the_grace_is_detected_at_the_first_delay() {
    let server = server();
    let stolen = jane(&server).await.refresh;
    let owner = renewed(&server, &stolen).await;
    server.clock.advance(GRACE - SECOND);
    let thief = renewed(&server, &stolen).await;
    assert_eq!(thief.refresh, owner.refresh);

    server.clock.advance(10 * MINUTE);
    let owner = renewed(&server, &owner.refresh).await;
    server.clock.advance(GRACE);
    assert_invalid_grant(&refresh(&server, &thief.refresh).await);
    assert_invalid_grant(&refresh(&server, &owner.refresh).await);
}

#[tokio::test]
async fn lost_response_is_repeated_within_the_grace() {
    let server = server();
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    for _ in 0..3 {
        let again = renewed(&server, &first.refresh).await;
        assert_eq!(again.refresh, second.refresh);
        assert_eq!(server.me(&again.access).await.status, 200);
    }
    server.clock.advance(GRACE - Duration::from_micros(1));
    // The grace starts at the first use.
    let again = renewed(&server, &first.refresh).await;
    assert_eq!(again.refresh, second.refresh);
    server.clock.advance(Duration::from_micros(1));
    assert_invalid_grant(&refresh(&server, &first.refresh).await);
    assert_invalid_grant(&refresh(&server, &second.refresh).await);
}

#[tokio::test]
async fn grace_covers_only_the_previous_token() {
    let server = server();
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    let third = renewed(&server, &second.refresh).await;
    assert_eq!(
        renewed(&server, &second.refresh).await.refresh,
        third.refresh
    );
    assert_invalid_grant(&refresh(&server, &first.refresh).await);
    for token in [&second, &third] {
        assert_invalid_grant(&refresh(&server, &token.refresh).await);
    }
}

#[tokio::test]
async fn token_without_grace_is_single_use() {
    let sessions = Sessions::new(InMemorySessionStore::new()).reuse_grace(Duration::ZERO);
    let server = with(InMemoryAccountStore::new(), sessions);
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    assert_invalid_grant(&refresh(&server, &first.refresh).await);
    assert_invalid_grant(&refresh(&server, &second.refresh).await);
}

#[tokio::test]
async fn grace_is_limited_to_five_minutes() {
    let sessions = Sessions::new(InMemorySessionStore::new()).reuse_grace(Duration::MAX);
    let server = with(InMemoryAccountStore::new(), sessions);
    let first = jane(&server).await;
    renewed(&server, &first.refresh).await;
    server.clock.advance(5 * MINUTE - SECOND);
    renewed(&server, &first.refresh).await;
    server.clock.advance(SECOND);
    assert_invalid_grant(&refresh(&server, &first.refresh).await);
}

#[tokio::test]
async fn node_with_a_slow_clock_returns_the_same_successor() {
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
