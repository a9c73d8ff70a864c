//! Limits of registrations, password changes and renewals of tokens.

use std::time::Duration;

use serde_json::json;
use tower_warder_accounts::throttle::{Limit, Throttle};

use super::super::password_reset::reset_token;
use super::super::server::{PASSWORD, Server, by, json_to, login};
use super::{JANE, from, retry_after, server};
use crate::support::Answer;

const ADDRESS: &str = "192.0.2.1";

async fn register(server: &Server, address: &str, email: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD});
    server
        .send(from(address, json_to("POST", "/register", &body)))
        .await
}

#[tokio::test]
async fn registrations_of_an_address_are_limited() {
    let server = server(Throttle::new()).await;
    for number in 0..5 {
        let email = format!("user{number}@example.org");
        assert_eq!(register(&server, ADDRESS, &email).await.status, 201);
        // An address that is taken is a guess.
        assert_eq!(register(&server, ADDRESS, JANE).await.status, 409);
    }
    for email in [JANE, "new@example.org"] {
        let answer = register(&server, ADDRESS, email).await;
        assert_eq!(retry_after(&answer), 360, "{email}");
    }
    let other = register(&server, "192.0.2.2", "new@example.org").await;
    assert_eq!(other.status, 201);
    server.clock.advance(Duration::from_secs(360));
    assert_eq!(register(&server, ADDRESS, JANE).await.status, 409);
}

#[tokio::test]
async fn invalid_registration_costs_nothing() {
    let server = server(Throttle::new()).await;
    for _ in 0..20 {
        let answer = register(&server, ADDRESS, "no address").await;
        assert_eq!(answer.status, 422);
    }
    let answer = register(&server, ADDRESS, "new@example.org").await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn registrations_of_all_clients_are_limited() {
    let server = server(Throttle::new().overall(Limit::per_hour(2))).await;
    for number in 0..3 {
        let (address, email) = (format!("192.0.2.{number}"), format!("{number}@example.org"));
        let answer = register(&server, &address, &email).await;
        assert_eq!(answer.status, if number < 2 { 201 } else { 429 });
    }
    // Each route has its own count.
    let answer = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn wrong_current_passwords_are_limited() {
    let server = server(Throttle::new()).await;
    let answer = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let change = |current: &str| {
        let body = json!({"current_password": current, "new_password": "battery staple"});
        by(&token, json_to("POST", "/password", &body))
    };
    for number in 0..15 {
        // The number of addresses does not matter.
        let request = from(&format!("192.0.2.{number}"), change("wrong password"));
        assert_eq!(server.send(request).await.status, 403);
    }
    assert_eq!(retry_after(&server.send(change(PASSWORD)).await), 12);
    // The owner can still log in.
    let answer = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    assert_eq!(answer.status, 200);
    server.clock.advance(Duration::from_secs(12));
    assert_eq!(server.send(change(PASSWORD)).await.status, 200);
}

#[tokio::test]
async fn invalid_refresh_tokens_are_limited_and_valid_ones_are_not() {
    let server = server(Throttle::new().per_address(Limit::per_minute(3))).await;
    let answer = server.send(from("192.0.2.9", login(JANE, PASSWORD))).await;
    let mut token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let refresh = |token: &str| {
        let body = json!({"refresh_token": token});
        from(ADDRESS, json_to("POST", "/refresh", &body))
    };
    for _ in 0..10 {
        let answer = server.send(refresh(&token)).await;
        assert_eq!(answer.status, 200);
        token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    }
    for _ in 0..3 {
        assert_eq!(server.send(refresh("nonsense")).await.status, 401);
    }
    assert_eq!(retry_after(&server.send(refresh(&token)).await), 20);
    server.clock.advance(Duration::from_secs(20));
    assert_eq!(server.send(refresh(&token)).await.status, 200);
}

#[tokio::test]
async fn invalid_refresh_tokens_do_not_affect_other_clients() {
    let throttle = Throttle::new().overall(Limit::per_hour(1));
    let server = server(throttle).await;
    let answer = server.send(from("192.0.2.9", login(JANE, PASSWORD))).await;
    let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let refresh = |address: &str, token: &str| {
        let body = json!({"refresh_token": token});
        from(address, json_to("POST", "/refresh", &body))
    };
    for host in 0..20 {
        let request = refresh(&format!("203.0.113.{host}"), "nonsense");
        assert_eq!(server.send(request).await.status, 401);
    }
    assert_eq!(server.send(refresh(ADDRESS, &token)).await.status, 200);
}

#[tokio::test]
async fn invalid_one_time_tokens_of_an_address_are_limited() {
    let server = server(Throttle::new()).await;
    let (_, admin) = server.admin().await;
    let token = reset_token(&server, &admin, 1).await;
    let guess = |token: &str| {
        let body = json!({"token": token, "password": "battery staple"});
        json_to("POST", "/reset-password", &body)
    };
    let wrong = "A".repeat(43);
    for _ in 0..100 {
        let answer = server.send(from(ADDRESS, guess(&wrong))).await;
        assert_eq!(answer.status, 400);
    }
    // Before the token is looked up.
    for token in [&wrong, &token] {
        let answer = server.send(from(ADDRESS, guess(token))).await;
        assert_eq!(retry_after(&answer), 1);
    }
    // Log-ins have a count of their own, and so have other addresses.
    let answer = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    assert_eq!(answer.status, 200);
    let answer = server.send(from("192.0.2.2", guess(&token))).await;
    assert_eq!(answer.status, 200);
}
