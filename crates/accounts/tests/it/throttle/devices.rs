//! Devices that have logged in before.

use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http::header::{COOKIE, SET_COOKIE};
use serde_json::json;
use tower_warder::HmacSecret;
use tower_warder::credentials::AuthCookie;
use tower_warder_accounts::Email;
use tower_warder_accounts::throttle::{Limit, Throttle};

use super::super::cookie::browser::form_to;
use super::super::server::{Approved, PASSWORD, Server, bare, by, json_to, login};
use super::{BURST, JANE, from, guess, guess_until_throttled, retry_after, server};
use crate::support::Answer;

const HOME: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.1";
const NAME: &str = "__Host-tower_warder_device";

/// Returns the pair of the cookie of the device.
pub(super) fn device_in(answer: &Answer) -> String {
    let lines = answer.headers.get_all(SET_COOKIE).iter();
    let mut lines = lines.map(|line| line.to_str().unwrap());
    let line = lines.find(|line| line.starts_with(NAME)).unwrap();
    line.split(';').next().unwrap().to_owned()
}

pub(super) fn with(pair: &str, mut request: Request<Body>) -> Request<Body> {
    let pair = pair.parse().unwrap();
    request.headers_mut().append(COOKIE, pair);
    request
}

/// Guesses from many addresses, until the account admits no client that it does not know.
async fn attack(server: &Server) {
    for host in 0..100 {
        if guess(server, &format!("203.0.113.{host}"), JANE).await == 429 {
            return;
        }
    }
    panic!("not throttled");
}

async fn log_in(server: &Server, path: &str) -> Answer {
    let answer = server.send(from(HOME, form_to(path, JANE, PASSWORD))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

#[tokio::test]
async fn attack_cannot_keep_the_known_device_out() {
    for path in ["/login", "/cookie/login"] {
        let server = server(Throttle::new()).await;
        let device = device_in(&log_in(&server, path).await);
        attack(&server).await;
        let request = || from(ELSEWHERE, form_to(path, JANE, PASSWORD));
        assert_eq!(server.send(request()).await.status, 429, "{path}");
        let answer = server.send(with(&device, request())).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn flood_of_all_clients_cannot_keep_the_known_device_out() {
    let throttle = Throttle::new().overall(Limit::per_hour(1));
    let server = server(throttle).await;
    let device = device_in(&log_in(&server, "/login").await);
    assert_eq!(guess(&server, ELSEWHERE, "nobody@example.org").await, 401);
    assert_eq!(guess(&server, ELSEWHERE, "nobody@example.org").await, 429);
    let answer = server.send(with(&device, login(JANE, PASSWORD))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn valid_token_of_the_account_makes_the_client_known() {
    let server = server(Throttle::new()).await;
    let paul = server.add("paul@example.org", false, Approved).await;
    let jane = log_in(&server, "/login").await.json();
    let jane = jane["access_token"].as_str().unwrap();
    attack(&server).await;
    let request = || from(ELSEWHERE, login(JANE, PASSWORD));
    let answer = server.send(by(&server.token(&paul), request())).await;
    assert_eq!(answer.status, 429);
    assert_eq!(server.send(by("nonsense", request())).await.status, 429);
    assert_eq!(server.send(by(jane, request())).await.status, 200);
}

#[tokio::test]
async fn cookie_of_the_device_is_safe_and_gives_no_access() {
    let server = server(Throttle::new()).await;
    let answer = log_in(&server, "/login").await;
    let line = answer.header("set-cookie").unwrap().to_owned();
    assert!(answer.headers[SET_COOKIE].is_sensitive());
    let attributes = "; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax; Secure";
    assert!(line.ends_with(attributes), "{line}");
    assert!(!line.contains("jane"));
    let device = device_in(&answer);
    let value = device.split_once('=').unwrap().1;
    assert_eq!(server.me(value).await.status, 401);
    let as_session = format!("__Host-id={value}");
    let answer = server.send(with(&as_session, bare("GET", "/me"))).await;
    assert_eq!(answer.status, 401);
    // Wrong credentials set none.
    let answer = server.send(from(HOME, login(JANE, "wrong password"))).await;
    assert!(!answer.headers.contains_key(SET_COOKIE));
}

#[tokio::test]
async fn device_is_renewed_and_expires() {
    let server = server(Throttle::new()).await;
    let first = device_in(&log_in(&server, "/login").await);
    server.clock.advance(Duration::from_secs(24 * 3600));
    let answer = server.send(with(&first, login(JANE, PASSWORD))).await;
    let second = device_in(&answer);
    let id = |pair: &str| pair.split('.').next().unwrap().to_owned();
    assert_eq!(id(&first), id(&second));
    assert_ne!(first, second);
    // In place of the first one.
    assert_eq!(first.len(), second.len());
    server
        .clock
        .advance(Duration::from_secs(179 * 24 * 3600 + 1));
    attack(&server).await;
    let request = || from(ELSEWHERE, login(JANE, PASSWORD));
    assert_eq!(server.send(with(&first, request())).await.status, 429);
    assert_eq!(server.send(with(&second, request())).await.status, 200);
}

#[tokio::test]
async fn device_of_another_account_or_secret_is_unknown() {
    let throttled = server(Throttle::new()).await;
    throttled.add("paul@example.org", false, Approved).await;
    let paul = throttled.send(login("paul@example.org", PASSWORD)).await;
    let other = server(Throttle::new()).await;
    let other = log_in(&other, "/login").await;
    attack(&throttled).await;
    for pair in [device_in(&paul), device_in(&other), format!("{NAME}=x.y.z")] {
        let request = from(ELSEWHERE, login(JANE, PASSWORD));
        let answer = throttled.send(with(&pair, request)).await;
        assert_eq!(answer.status, 429, "{pair}");
    }
}

#[tokio::test]
async fn guesses_from_a_known_device_are_limited() {
    let server = server(Throttle::new()).await;
    let stolen = device_in(&log_in(&server, "/login").await);
    let owner = device_in(&log_in(&server, "/login").await);
    let guess = |number: u8| {
        // A new address for each guess.
        let address = format!("203.0.113.{number}");
        with(&stolen, from(&address, login(JANE, "wrong password")))
    };
    for number in 0..15 {
        assert_eq!(server.send(guess(number)).await.status, 401);
    }
    assert_eq!(retry_after(&server.send(guess(15)).await), 12);
    // Neither the owner's other device nor unknown clients are affected.
    let answer = server.send(with(&owner, login(JANE, PASSWORD))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(guess_until_throttled(&server, ELSEWHERE, JANE).await, BURST);
}

#[tokio::test]
async fn known_devices_of_an_account_are_limited_together() {
    let server = server(Throttle::new().per_address(Limit::per_minute(6))).await;
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(device_in(&log_in(&server, "/login").await));
    }
    for device in devices.iter().cycle().take(6) {
        let answer = server.send(with(device, login(JANE, PASSWORD))).await;
        assert_eq!(answer.status, 200);
    }
    let answer = server.send(with(&devices[0], login(JANE, PASSWORD))).await;
    assert_eq!(retry_after(&answer), 10);
}

#[tokio::test]
async fn planted_cookies_do_not_hide_the_device() {
    let throttle = Throttle::new()
        .device_cookie(AuthCookie::dangerous_without_tls("device").unwrap())
        .secret(HmacSecret::generate());
    let server = server(throttle).await;
    let answer = log_in(&server, "/login").await;
    let line = answer.header("set-cookie").unwrap();
    let device = line.split(';').next().unwrap().to_owned();
    assert!(device.starts_with("device="));
    attack(&server).await;
    let planted = ["device=", "device=a b", "device=x.1.y", "device=\"q\""];
    let request = from(ELSEWHERE, login(JANE, PASSWORD));
    let request = planted
        .iter()
        .fold(request, |request, pair| with(pair, request));
    assert_eq!(server.send(with(&device, request)).await.status, 200);
}

#[tokio::test]
async fn password_change_makes_other_devices_unknown() {
    let server = server(Throttle::new()).await;
    let other = log_in(&server, "/login").await;
    let (other, token) = (device_in(&other), other.json()["access_token"].clone());
    let own = log_in(&server, "/login").await;
    let body = json!({"current_password": PASSWORD, "new_password": "battery staple"});
    let change = json_to("POST", "/password", &body);
    let own_token = own.json()["access_token"].as_str().unwrap().to_owned();
    let answer = server
        .send(with(&device_in(&own), by(&own_token, change)))
        .await;
    assert_eq!(answer.status, 200);
    let renewed = device_in(&answer);
    attack(&server).await;
    let request = || from(ELSEWHERE, login(JANE, "battery staple"));
    for old in [other, device_in(&own)] {
        assert_eq!(server.send(with(&old, request())).await.status, 429);
    }
    let answer = server.send(by(token.as_str().unwrap(), request())).await;
    assert_eq!(answer.status, 429);
    assert_eq!(server.send(with(&renewed, request())).await.status, 200);
}

#[tokio::test]
async fn log_out_everywhere_makes_other_devices_unknown() {
    let server = server(Throttle::new()).await;
    let other = device_in(&log_in(&server, "/login").await);
    let own = log_in(&server, "/login").await;
    let own_token = own.json()["access_token"].as_str().unwrap().to_owned();
    let log_out = by(&own_token, bare("POST", "/logout-all"));
    let answer = server.send(with(&device_in(&own), log_out)).await;
    assert_eq!(answer.status, 204);
    let renewed = device_in(&answer);
    attack(&server).await;
    let request = || from(ELSEWHERE, login(JANE, PASSWORD));
    for old in [other, device_in(&own)] {
        assert_eq!(server.send(with(&old, request())).await.status, 429);
    }
    assert_eq!(server.send(with(&renewed, request())).await.status, 200);
}

#[tokio::test]
async fn log_out_everywhere_makes_no_device_known() {
    let server = server(Throttle::new()).await;
    let token = log_in(&server, "/login").await.json()["access_token"].clone();
    let log_out = by(token.as_str().unwrap(), bare("POST", "/logout-all"));
    let answer = server.send(log_out).await;
    assert_eq!(answer.status, 204);
    assert!(!answer.headers.contains_key(SET_COOKIE));
}

#[tokio::test]
async fn device_of_a_deleted_account_is_unknown_to_the_next() {
    let server = server(Throttle::new()).await;
    let device = device_in(&log_in(&server, "/login").await);
    let (_, admin) = server.admin().await;
    let email = Email::new(JANE).unwrap();
    let jane = server.store.find_by_email(&email).await.unwrap().unwrap();
    assert_eq!(server.delete(&admin, jane.id).await.status, 204);
    server.add(JANE, false, Approved).await;
    attack(&server).await;
    let request = with(&device, from(ELSEWHERE, login(JANE, PASSWORD)));
    assert_eq!(server.send(request).await.status, 429);
}

#[tokio::test]
async fn device_is_known_to_several_accounts() {
    let server = server(Throttle::new()).await;
    let mut device = device_in(&log_in(&server, "/login").await);
    let log_in_others = async |device: &mut String, numbers: Range<u8>| {
        for number in numbers {
            let email = format!("user{number}@example.org");
            server.add(&email, false, Approved).await;
            let request = with(device, login(&email, PASSWORD));
            *device = device_in(&server.send(request).await);
        }
    };
    let request = |device: &str| with(device, from(ELSEWHERE, login(JANE, PASSWORD)));
    log_in_others(&mut device, 0..3).await;
    attack(&server).await;
    assert_eq!(server.send(request(&device)).await.status, 200);
    // A cookie of bounded size.
    log_in_others(&mut device, 3..7).await;
    assert_eq!(server.send(request(&device)).await.status, 429);
    assert!(device.len() < 450, "{device}");
}

#[tokio::test]
async fn page_of_another_origin_does_not_replace_the_device() {
    let server = server(Throttle::new()).await;
    for (name, value, is_set) in [
        ("sec-fetch-site", "cross-site", false),
        ("sec-fetch-site", "same-site", false),
        ("sec-fetch-site", "same-origin", true),
        ("origin", "https://evil.example", false),
        ("origin", "null", false),
    ] {
        let mut request = from(HOME, login(JANE, PASSWORD));
        request.headers_mut().insert(name, value.parse().unwrap());
        let answer = server.send(request).await;
        assert_eq!(answer.status, 200);
        let has_cookie = answer.headers.contains_key(SET_COOKIE);
        assert_eq!(has_cookie, is_set, "{name}: {value}");
    }
}

#[tokio::test]
async fn altered_cookie_is_unknown() {
    let server = server(Throttle::new()).await;
    let device = device_in(&log_in(&server, "/login").await);
    let value = device.split_once('=').unwrap().1.to_owned();
    let parts: Vec<&str> = value.split('.').collect();
    attack(&server).await;
    let [id, user, generation, until, mac] = parts[..] else {
        panic!("{value}")
    };
    for altered in [
        format!("x{id}.{user}.{generation}.{until}.{mac}"),
        format!("{id}.1.{until}.{mac}"),
        format!("{id}.{user}.{generation}.9{until}.{mac}"),
        format!("{id}.{user}.{generation}.{until}."),
        format!("{id}.{user}.{generation}.{until}"),
        format!("{id}.{user}.{generation}.{until}.{mac}."),
        format!("{id}.{user}.{generation}.{until}.{}", &mac[1..]),
        format!("{id}.-0.{until}.{mac}"),
    ] {
        let request = with(&format!("{NAME}={altered}"), login(JANE, PASSWORD));
        let answer = server.send(from(ELSEWHERE, request)).await;
        assert_eq!(answer.status, 429, "{altered}");
    }
    let request = with(&device, from(ELSEWHERE, login(JANE, PASSWORD)));
    assert_eq!(server.send(request).await.status, 200);
}
