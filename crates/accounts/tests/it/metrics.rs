//! Metrics of password hashing and log-ins.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, poll};
use tower_warder::password::PasswordError;
use tower_warder::testing;
use tower_warder_accounts::{Accounts, InMemoryAccountStore, UserLogin};

use crate::server::{Approved, Disabled, PASSWORD, Pending, Server, hasher};
use crate::staged::Staged;
use crate::support::{Counts, counted};

/// Waits until no hash runs: its thread replies before it frees the permit.
fn wait_until_none_runs(counts: &Counts) {
    let begin = Instant::now();
    while !counts.of("password_hashes_running").is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "a hash runs");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn hash_gauges_return_to_zero() {
    let counts = counted(async |counts| {
        let hasher = hasher().max_concurrency(1).max_queue(1);
        let mut running = Box::pin(hasher.hash(PASSWORD));
        assert!(poll!(&mut running).is_pending());
        let mut waiting = Box::pin(hasher.hash(PASSWORD));
        assert!(poll!(&mut waiting).is_pending());
        assert_eq!(counts.of("password_hashes_running"), "1");
        assert_eq!(counts.of("password_hashes_waiting"), "1");
        assert_eq!(hasher.hash(PASSWORD).await, Err(PasswordError::Busy));
        assert_eq!(counts.of("password_hashes_waiting"), "1");

        drop(waiting);
        assert_eq!(counts.of("password_hashes_waiting"), "");
        drop(running);
        // Waits for the permit of the dropped hash.
        hasher.hash(PASSWORD).await.unwrap();
    });
    wait_until_none_runs(&counts);
    assert_eq!(counts.of("password_hashes_waiting"), "");
    assert_eq!(counts.of("password_queue_full_total"), "1");
}

#[test]
fn hash_duration_is_recorded() {
    let counts = counted(async |_| {
        let stored = hasher().hash(PASSWORD).await.unwrap();
        assert!(hasher().verify(PASSWORD, &stored).await.unwrap().matches);
        assert!(!hasher().verify("another", &stored).await.unwrap().matches);
        // Computes no hash.
        assert!(hasher().verify(PASSWORD, "unreadable").await.is_err());
    });
    assert_eq!(counts.of("password_hash_duration_seconds"), "3");
    wait_until_none_runs(&counts);
}

#[test]
fn hash_outside_a_runtime_is_counted() {
    let counts = counted(async |_| {});
    let hasher = hasher();
    counts.add(|| {
        let mut hash = Box::pin(hasher.hash(PASSWORD));
        while hash.as_mut().now_or_never().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    assert_eq!(counts.of("password_hash_duration_seconds"), "1");
    wait_until_none_runs(&counts);
}

#[test]
fn logins_are_counted_by_outcome() {
    let counts = counted(async |_| {
        let server = Server::new().await;
        for (name, status) in [("jane", Approved), ("paul", Pending), ("dora", Disabled)] {
            server
                .add(&format!("{name}@example.org"), false, status)
                .await;
        }
        for (name, password) in [
            ("jane", PASSWORD),
            ("jane", "another one"),
            ("nobody", PASSWORD),
            ("no address", PASSWORD),
            ("paul", PASSWORD),
            ("dora", PASSWORD),
            ("dora", "another one"),
            ("jane", &*"long".repeat(2000)),
        ] {
            server.login(&format!("{name}@example.org"), password).await;
        }
    });
    let expected = "disabled 1\nok 1\npending 1\nwrong_credentials 5";
    assert_eq!(counts.of("logins_total"), expected);
}

#[test]
fn failing_login_is_counted_as_unavailable() {
    let counts = counted(async |_| {
        let store = Arc::new(Staged::new().await);
        let server = Server::over(Arc::clone(&store));
        store.fails(&["find_by_email"]);
        server.login("jane@example.org", PASSWORD).await;

        let full = hasher().max_concurrency(1).max_queue(0);
        let busy =
            Accounts::new(InMemoryAccountStore::new(), testing::issuer()).hasher(full.clone());
        let mut running = Box::pin(full.hash(PASSWORD));
        assert!(poll!(&mut running).is_pending());
        assert!(
            busy.login(UserLogin::new("jane@example.org", PASSWORD))
                .await
                .is_err()
        );
    });
    assert_eq!(counts.of("logins_total"), "unavailable 2");
    assert_eq!(counts.of("password_queue_full_total"), "1");
}
