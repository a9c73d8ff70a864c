//! Links that confirm an address, on two nodes over one database.

use axum::Router;
use axum::body::Body;
use futures_util::future::join_all;
use http::Request;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_warder::{BoxError, HmacSecret, JwtIssuer, JwtVerifier, UserStatus, async_trait};
use tower_warder_accounts::{
    AccountError, AccountStore, Accounts, Actor, Email, EmailChange, EmailConfirmation,
    EmailVerification, Mail, MailQueue, Mailer, OneTimeTokens, Password, Sessions, UserCreate,
    UserUpdate,
};
use tower_warder_server::site::Site;

use crate::support::accounts::server::hasher;
use crate::support::{Answer, Place, get, send};

struct Outbox(UnboundedSender<Mail>);

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        Ok(self.0.send(mail.clone())?)
    }
}

/// Two nodes, each with a pool of its own, their accounts, and the mail of both.
async fn nodes(
    place: &Place,
    verification: Option<EmailVerification>,
) -> (
    [(Router, Accounts<impl AccountStore>); 2],
    UnboundedReceiver<Mail>,
) {
    let secret = HmacSecret::generate();
    let (sender, mails) = unbounded_channel();
    let node = async || {
        let store = place.open().await;
        let mut accounts = Accounts::new(store.clone(), JwtIssuer::hs256(&secret))
            .hasher(hasher())
            .sessions(Sessions::new(store.clone()))
            .one_time_tokens(OneTimeTokens::new(store))
            // Two accounts ask for mail to one address.
            .throttle_off()
            .mail(MailQueue::new(
                Outbox(sender.clone()),
                "https://example.com",
            ));
        if let Some(verification) = verification {
            accounts = accounts.email_verification(verification);
        }
        let app = tower_warder_server::app(
            accounts.clone(),
            JwtIssuer::hs256(&secret),
            JwtVerifier::hs256(&secret),
            tower_warder_server::origin::cookie(None).unwrap(),
            None,
            &Site::default(),
        );
        (app, accounts)
    };
    ([node().await, node().await], mails)
}

async fn post(app: &Router, path: &str, body: serde_json::Value) -> Answer {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("host", "localhost");
    send(app, request.body(Body::from(body.to_string())).unwrap()).await
}

async fn register(accounts: &Accounts<impl AccountStore>, name: &str) -> i64 {
    let email = Email::new(&format!("{name}@example.com")).unwrap();
    let new = UserCreate::new(email, Password::new("correct-horse").unwrap());
    accounts.register(new).await.unwrap().id
}

async fn token_in(mails: &mut UnboundedReceiver<Mail>) -> String {
    let link = mails.recv().await.unwrap().link.unwrap();
    link.url.split_once('#').unwrap().1.to_owned()
}

/// Uses a link eight times at the same moment, on both nodes; once it succeeds.
async fn assert_used_once(
    nodes: &[(Router, Accounts<impl AccountStore>); 2],
    path: &'static str,
    token: &str,
) {
    let uses = (0..8).map(|number| {
        let (app, token) = (nodes[number % 2].0.clone(), token.to_owned());
        tokio::spawn(async move { post(&app, path, json!({"token": token})).await })
    });
    let mut succeeded = 0;
    for used in join_all(uses).await {
        let answer = used.unwrap();
        match answer.status.as_u16() {
            200 => succeeded += 1,
            status => assert_eq!(
                (status, &answer.json()["code"]),
                (400, &json!("invalid_one_time_token"))
            ),
        }
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_uses_of_a_link_verify_once() {
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place else { continue };
        let (nodes, mut mails) = nodes(&place, Some(EmailVerification::Optional)).await;
        register(&nodes[0].1, "ada").await;
        let token = token_in(&mut mails).await;
        assert_used_once(&nodes, "/api/auth/verify-email", &token).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_uses_of_a_link_change_the_address_once() {
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place else { continue };
        let (nodes, mut mails) = nodes(&place, None).await;
        let accounts = &nodes[0].1;
        // Two accounts want one address.
        let mut tokens = Vec::new();
        for name in ["ada", "bob"] {
            let id = register(accounts, name).await;
            let update = UserUpdate {
                status: Some(UserStatus::Approved),
                ..UserUpdate::default()
            };
            let user = accounts.update(id, update, Actor::System).await.unwrap();
            let email = Email::new("new@example.com").unwrap();
            let change = EmailChange::new(email, "correct-horse");
            accounts.request_email_change(&user, change).await.unwrap();
            while tokens.len() < id as usize {
                let mail = mails.recv().await.unwrap();
                if let Some(link) = mail.link {
                    tokens.push(link.url.split_once('#').unwrap().1.to_owned());
                }
            }
        }
        let uses = (0..8).map(|number| {
            let (accounts, token) = (nodes[number % 2].1.clone(), tokens[number / 4].clone());
            tokio::spawn(async move {
                let input = EmailConfirmation::new(token);
                accounts.change_email_by_token(input).await
            })
        });
        let mut succeeded = 0;
        for used in join_all(uses).await {
            match used.unwrap() {
                Ok(()) => succeeded += 1,
                Err(AccountError::InvalidOneTimeToken) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(succeeded, 1);
    }
}

#[tokio::test]
async fn verification_routes_and_page_exist_if_enabled() {
    for (verification, status) in [(None, 404), (Some(EmailVerification::Optional), 200)] {
        let place = Place::sqlite();
        let ([(app, _), _], _mails) = nodes(&place, verification).await;
        let document = send(&app, get("/api/openapi.json")).await.json();
        for path in [
            "/api/auth/verify-email",
            "/api/auth/verify-email/request",
            "/api/auth/change-email",
            "/api/auth/me/email",
        ] {
            let is_described = document["paths"][path]["post"].is_object();
            assert_eq!(is_described, status == 200, "{path}");
            let answer = post(&app, path, json!({})).await;
            assert_eq!(answer.status == 404, status == 404, "{path}");
        }
        for page in ["/verify-email", "/change-email"] {
            assert_eq!(send(&app, get(page)).await.status, status, "{page}");
        }
    }
}
