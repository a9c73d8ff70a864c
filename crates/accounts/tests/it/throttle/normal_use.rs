//! People who make mistakes: none of them meets a limit. No time passes, as if they were very quick.

use std::cell::RefCell;
use std::collections::BTreeMap;

use axum::body::Body;
use futures_util::future::join_all;
use http::Request;
use http::header::{COOKIE, SET_COOKIE};
use serde_json::json;
use tower_warder_accounts::throttle::Throttle;

use super::super::cookie::browser::form_to;
use super::super::server::{Approved, PASSWORD, Server, bare, hasher, json_to};
use super::{JANE, from, server_with};
use crate::support::Answer;

const HOME: &str = "192.0.2.1";
const OLD_PASSWORD: &str = "the one of last year";
const TYPING_ERRORS: usize = 10;

/// A browser with its cookies, at home.
struct Browser<'a> {
    server: &'a Server,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    const fn new(server: &'a Server) -> Self {
        Self {
            server,
            cookies: RefCell::new(BTreeMap::new()),
        }
    }

    async fn send(&self, mut request: Request<Body>) -> Answer {
        let cookies = self.cookies.borrow().clone().into_iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            let line = cookies.join("; ").parse().unwrap();
            request.headers_mut().insert(COOKIE, line);
        }
        let answer = self.server.send(from(HOME, request)).await;
        for line in answer.headers.get_all(SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.borrow_mut();
            cookies.remove(name);
            if !value.is_empty() {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    async fn log_in(&self, account: &str, password: &str) -> u16 {
        let request = form_to("/cookie/login", account, password);
        self.send(request).await.status.as_u16()
    }

    async fn register(&self, email: &str) -> u16 {
        let body = json!({"email": email, "password": PASSWORD});
        let request = json_to("POST", "/register", &body);
        self.send(request).await.status.as_u16()
    }

    async fn log_out(&self) {
        let answer = self.send(form_to("/cookie/logout", "", "")).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// Enters a password that is almost right.
    async fn mistypes(&self, account: &str, error: usize) {
        let password = format!("{PASSWORD}{error}");
        assert_eq!(self.log_in(account, &password).await, 401, "{error}");
    }

    /// Submits the same form in two tabs at once.
    async fn log_in_in_two_tabs(&self, account: &str, password: &str) -> [u16; 2] {
        let tabs = (0..2).map(|_| self.log_in(account, password));
        join_all(tabs).await.try_into().unwrap()
    }
}

/// A server that is not busy. While all permits are taken, an account has one place in the queue, so that
/// the second tab is 503.
async fn server() -> Server {
    server_with(Throttle::new(), hasher().max_concurrency(8)).await
}

#[tokio::test]
async fn ten_typing_errors_and_two_tabs_meet_no_limit() {
    let server = server().await;
    let browser = Browser::new(&server);
    // The second time the device is known.
    for _ in 0..2 {
        for error in (0..TYPING_ERRORS).step_by(2) {
            tokio::join!(
                browser.mistypes(JANE, error),
                browser.mistypes(JANE, error + 1)
            );
        }
        assert_eq!(browser.log_in_in_two_tabs(JANE, PASSWORD).await, [200; 2]);
        browser.log_out().await;
    }
}

#[tokio::test]
async fn password_manager_with_the_old_password_meets_no_limit() {
    let server = server().await;
    let (_, token) = server.admin().await;
    let browser = Browser::new(&server);
    assert_eq!(browser.log_in(JANE, PASSWORD).await, 200);
    let jane = browser.send(bare("GET", "/me")).await;
    let id = jane.json()["id"].as_i64().unwrap();
    // The device becomes unknown.
    assert_eq!(
        server.reset(&token, id, "the one of today").await.status,
        200
    );
    for _ in 0..3 {
        // On each load of the page.
        let statuses = browser.log_in_in_two_tabs(JANE, OLD_PASSWORD).await;
        assert_eq!(statuses, [401; 2]);
    }
    assert_eq!(browser.log_in(JANE, "the one of today").await, 200);
    // Now it is known, and the manager has not learned the new one.
    browser.log_out().await;
    for _ in 0..3 {
        let statuses = browser.log_in_in_two_tabs(JANE, OLD_PASSWORD).await;
        assert_eq!(statuses, [401; 2]);
    }
    assert_eq!(browser.log_in(JANE, "the one of today").await, 200);
}

#[tokio::test]
async fn pending_user_meets_no_limit() {
    let server = server().await;
    let browser = Browser::new(&server);
    // Twice, because the first answer took so long.
    let registrations = [
        browser.register("paul@example.org").await,
        browser.register("paul@example.org").await,
    ];
    assert_eq!(registrations, [201, 409]);
    for _ in 0..50 {
        assert_eq!(browser.log_in("paul@example.org", PASSWORD).await, 403);
    }
    for error in 0..TYPING_ERRORS {
        browser.mistypes("paul@example.org", error).await;
    }
    assert_eq!(browser.log_in("paul@example.org", PASSWORD).await, 403);
}

#[tokio::test]
async fn family_behind_one_address_meets_no_limit() {
    let server = server().await;
    let browsers = [0; 4].map(|_| Browser::new(&server));
    let family = ["mum", "dad", "ann", "ben"].map(|name| format!("{name}@example.org"));
    let persons = || browsers.iter().zip(&family);
    let registrations = persons().map(|(browser, email)| browser.register(email));
    assert_eq!(join_all(registrations).await, [201; 4]);
    let again = persons().map(|(browser, email)| browser.register(email));
    assert_eq!(join_all(again).await, [409; 4]);
    for error in 0..TYPING_ERRORS {
        join_all(persons().map(|(browser, email)| browser.mistypes(email, error))).await;
    }
    let pending = persons().map(|(browser, email)| browser.log_in(email, PASSWORD));
    assert_eq!(join_all(pending).await, [403; 4]);
}

#[tokio::test]
async fn class_with_new_devices_meets_no_limit() {
    let server = server().await;
    for number in 0..30 {
        let account = format!("pupil{number}@example.org");
        server.add(&account, false, Approved).await;
        let browser = Browser::new(&server);
        browser.mistypes(&account, 0).await;
        assert_eq!(browser.log_in(&account, PASSWORD).await, 200, "{account}");
    }
}
