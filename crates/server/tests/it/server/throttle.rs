//! Limits of attempts, and the addresses that proxies tell.

use super::{PASSWORD, Server, Start};
use crate::support::Place;

const ADA: &str = "ada@example.com";

/// Guesses, each from the address that `forwarded_for` makes of its number, until one is throttled.
/// Returns how many were admitted: on a slow machine more than the burst, but never less.
async fn guess(server: &Server, forwarded_for: impl Fn(usize) -> String) -> usize {
    for admitted in 0..200 {
        let answer = server
            .login_via(&forwarded_for(admitted), ADA, "wrong")
            .await;
        if answer.status == 429 {
            let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=360).contains(&seconds), "{seconds}");
            return admitted;
        }
        assert_eq!(answer.status, 401);
    }
    panic!("not throttled")
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_limited_apart() {
    let place = Place::shared().await;
    let start = Start::at(&place).with("TRUSTED_PROXIES", "127.0.0.0/8 ::1");
    let server = start.server().await;
    server.register(ADA).await;
    // What the client has sent comes first.
    let admitted = guess(&server, |number| format!("203.0.113.{number}, 192.0.2.1")).await;
    assert!((10..20).contains(&admitted), "{admitted}");
    let other = server.login_via("192.0.2.2", ADA, PASSWORD).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn untrusted_header_is_ignored_and_named_in_the_log() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register(ADA).await;
    // By account only: the proxy on this machine is not one client.
    for _ in 0..12 {
        let answer = server.login_via("192.0.2.1", ADA, "wrong").await;
        assert_eq!(answer.status, 401);
    }
    server.wait_for_log("trusted_proxies", 1).await;
}

#[tokio::test]
async fn throttle_is_switched_off() {
    let place = Place::shared().await;
    let start = Start::at(&place).unthrottled();
    let server = start.with("TRUSTED_PROXIES", "127.0.0.1").server().await;
    server.register(ADA).await;
    for _ in 0..25 {
        let answer = server.login_via("192.0.2.1", ADA, "wrong").await;
        assert_eq!(answer.status, 401);
    }
    // Audit events have it all the same.
    server.wait_for_log("address=192.0.2.1", 1).await;
    assert_eq!(server.login(ADA, PASSWORD).await.header("set-cookie"), None);
}

#[tokio::test]
async fn known_device_stays_known_after_a_restart() {
    let place = Place::shared().await;
    let start = || Start::at(&place).with("TRUSTED_PROXIES", "127.0.0.1");
    let server = start().server().await;
    server.register(ADA).await;
    let answer = server.login(ADA, PASSWORD).await;
    let line = answer.header("set-cookie").unwrap();
    assert!(line.starts_with("tower_warder_device="), "{line}");
    let device = line.split(';').next().unwrap().to_owned();
    server.stop().await;

    let server = start().server().await;
    let admitted = guess(&server, |number| format!("192.0.2.{number}")).await;
    assert!(admitted >= 20, "{admitted}");
    let known = server.login_with_cookie(&device, ADA, PASSWORD).await;
    assert_eq!(known.status, 200);
    // These log-ins came without the header.
    server.wait_for_log("sends no X-Forwarded-For", 1).await;
}
