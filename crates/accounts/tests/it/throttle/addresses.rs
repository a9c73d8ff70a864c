//! Addresses of clients.

use tower_warder_accounts::throttle::{Limit, Throttle};

use super::super::server::{PASSWORD, Server, hasher, login};
use super::{BURST, JANE, from, guess, guess_until_throttled, mounted, server};

const PROXY: &str = "10.0.0.1";

async fn behind_proxy() -> Server {
    mounted(Server::new().await, hasher(), |accounts| {
        accounts
            .throttle(Throttle::new())
            .trusted_proxies("10.0.0.0/8, 127.0.0.1".parse().unwrap())
    })
    .await
}

#[tokio::test]
async fn ipv6_addresses_are_counted_by_their_64() {
    let server = server(Throttle::new()).await;
    assert_eq!(
        guess_until_throttled(&server, "2001:db8::1", JANE).await,
        BURST
    );
    assert_eq!(guess(&server, "2001:db8::ffff:1", JANE).await, 429);
    assert_eq!(guess(&server, "2001:db8:0:1::1", JANE).await, 401);
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_counted_apart() {
    let server = behind_proxy().await;
    for proxy in [PROXY, "127.0.0.1"] {
        for client in ["192.0.2.1", "192.0.2.2"] {
            let account = format!("{}{client}@example.org", proxy.len());
            for number in 0..=BURST {
                let mut request = from(proxy, login(&account, "wrong password"));
                // What the client has sent comes first.
                let line = format!("203.0.113.{number}, {client}");
                let headers = request.headers_mut();
                headers.insert("x-forwarded-for", line.parse().unwrap());
                let expected = if number < BURST { 401 } else { 429 };
                assert_eq!(server.send(request).await.status, expected);
            }
        }
    }
}

#[tokio::test]
async fn forged_headers_do_not_evade_the_limit() {
    let server = behind_proxy().await;
    for number in 0..=BURST {
        let mut request = from("192.0.2.1", login(JANE, "wrong password"));
        let headers = request.headers_mut();
        let line = format!("203.0.113.{number}");
        headers.insert("x-forwarded-for", line.parse().unwrap());
        headers.insert("forwarded", format!("for={line}").parse().unwrap());
        let expected = if number < BURST { 401 } else { 429 };
        assert_eq!(server.send(request).await.status, expected);
    }
    // `Forwarded` passes through a proxy that writes only the other header.
    for number in 0..=BURST {
        let mut request = from(PROXY, login("paul@example.org", "wrong password"));
        let headers = request.headers_mut();
        headers.insert("x-forwarded-for", "192.0.2.7".parse().unwrap());
        let line = format!("for=203.0.113.{number}");
        headers.insert("forwarded", line.parse().unwrap());
        let expected = if number < BURST { 401 } else { 429 };
        assert_eq!(server.send(request).await.status, expected);
    }
}

#[tokio::test]
async fn requests_without_an_address_are_limited_by_account() {
    let throttle = || {
        Throttle::new()
            .per_pair(Limit::per_hour(1))
            .per_address(Limit::per_hour(1))
    };
    // A proxy on this machine that is not trusted is not one client.
    for address in [None, Some("127.0.0.1"), Some("::1")] {
        let server = server(throttle()).await;
        let request = |password| match address {
            Some(address) => from(address, login(JANE, password)),
            None => login(JANE, password),
        };
        for _ in 0..3 {
            assert_eq!(server.send(request(PASSWORD)).await.status, 200);
        }
        for _ in 0..20 {
            assert_eq!(server.send(request("wrong password")).await.status, 401);
        }
        assert_eq!(server.send(request(PASSWORD)).await.status, 429);
    }
}
