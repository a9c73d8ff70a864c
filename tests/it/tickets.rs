//! Stream tickets: single-use replacements for a token on listed paths.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::{any, get as on_get};
use futures_util::future::join_all;
use http::header::{AUTHORIZATION, COOKIE, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderName, Request};
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::error::AuthErrorKind;
use tower_warder::keys::{KeyRing, SigningKey};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::testing::{self, FixedClock, TestUser};
use tower_warder::{
    AuthLayer, Claims, CurrentUser, HmacSecret, Identity, JwtIssuer, JwtVerifier, UserStatus,
};

use crate::support::{Answer, Counting, Mood, Store, get, get_with, identity, send};

#[tokio::test]
async fn ticket_is_accepted_once_on_a_listed_path() {
    let fixture = Fixture::new();
    for way in [query, subprotocol] {
        let ticket = fixture.ticket("jane").await;
        let answer = fixture.send(way("/events", &ticket)).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, "Jane"));
        let again = fixture.send(way("/events", &ticket)).await;
        assert_eq!((again.status.as_u16(), &*again.detail()), REJECTED);
    }
}

#[tokio::test]
async fn ticket_on_another_path_is_rejected_and_not_consumed() {
    let fixture = Fixture::new();
    let ticket = fixture.ticket("jane").await;
    for path in ["/me", "/events/", "/events/1", "/ticket"] {
        let answer = fixture.send(query(path, &ticket)).await;
        assert_eq!(answer.detail(), "Not authenticated", "{path}");
    }
    assert_eq!(fixture.send(query("/events", &ticket)).await.status, 200);
}

#[tokio::test]
async fn ticket_in_header_or_cookie_is_rejected_and_not_consumed() {
    let fixture = Fixture::new();
    let ticket = fixture.ticket("jane").await;
    for path in ["/events", "/me"] {
        let answer = fixture.send(get_with(path, &ticket)).await;
        assert_eq!((answer.status.as_u16(), &*answer.detail()), REJECTED);
        let cookie = with(COOKIE, &format!("__Host-id={ticket}"), path);
        let answer = fixture.send(cookie).await;
        assert_eq!((answer.status.as_u16(), &*answer.detail()), REJECTED);
    }
    assert_eq!(fixture.send(query("/events", &ticket)).await.status, 200);
}

#[tokio::test]
async fn tokens_are_accepted_beside_tickets() {
    let fixture = Fixture::new();
    let token = fixture.token("jane");
    for request in [
        query("/events", &token),
        subprotocol("/events", &token),
        get_with("/events", &token),
        with(COOKIE, &format!("__Host-id={token}"), "/events"),
    ] {
        assert_eq!(fixture.send(request).await.body, "Jane");
    }
}

#[tokio::test]
async fn ticket_beside_another_credential_is_not_consumed() {
    let fixture = Fixture::new();
    let ticket = fixture.ticket("jane").await;
    let mut both = query("/events", &ticket);
    let token = format!("Bearer {}", fixture.token("jane"));
    both.headers_mut()
        .insert(AUTHORIZATION, token.parse().unwrap());
    assert_eq!(fixture.send(both).await.status, 400);
    assert_eq!(fixture.send(query("/events", &ticket)).await.status, 200);
}

#[tokio::test]
async fn ticket_expires() {
    let fixture = Fixture::new();
    let (early, late) = (fixture.ticket("jane").await, fixture.ticket("jane").await);
    fixture
        .clock
        .advance(Duration::from_secs(30) - Duration::from_nanos(1));
    assert_eq!(fixture.send(query("/events", &early)).await.status, 200);
    fixture.clock.advance(Duration::from_nanos(1));
    assert_eq!(fixture.send(query("/events", &late)).await.status, 401);
}

#[tokio::test]
async fn ticket_does_not_outlive_its_token() {
    let fixture = Fixture::new();
    let issuer = testing::issuer().clock(fixture.clock.clock());
    let token = issuer
        .lifetime(Duration::from_secs(10))
        .issue("jane")
        .unwrap();
    let answer = fixture.send(get_with("/ticket", &token)).await;
    let (expires_in, ticket) = answer.body.split_once(' ').unwrap();
    assert_eq!(expires_in, "10");
    fixture.clock.advance(Duration::from_secs(10));
    let rejected = fixture.send(query("/events", ticket)).await;
    assert_eq!((rejected.status.as_u16(), &*rejected.detail()), REJECTED);
}

#[tokio::test]
async fn ticket_grants_no_more_than_its_token() {
    let fixture = Fixture::new();
    for (name, change) in [
        ("disabled", (UserStatus::Disabled, 0)),
        ("pending", (UserStatus::Pending, 0)),
        ("reset", (UserStatus::Approved, 1)),
    ] {
        fixture.store.put("jane", TestUser::approved("Jane"));
        let ticket = fixture.ticket("jane").await;
        let (status, token_generation) = change;
        let user = TestUser {
            status,
            token_generation,
            ..TestUser::approved("Jane")
        };
        fixture.store.put("jane", user);
        let rejected = fixture.send(query("/events", &ticket)).await;
        assert_eq!(rejected.status, 401, "{name}");
    }
    fixture.store.put("jane", TestUser::approved("Jane"));
    let ticket = fixture.ticket("jane").await;
    fixture.store.remove("jane");
    assert_eq!(fixture.send(query("/events", &ticket)).await.status, 401);
}

#[tokio::test]
async fn ticket_is_rejected_after_key_removal() {
    let secret = HmacSecret::generate();
    let ring = KeyRing::new();
    ring.set_signing_key(SigningKey::hs256(&secret).key_id("old"))
        .unwrap();
    let token = JwtIssuer::ring(&ring).issue("jane").unwrap();
    let app =
        app(layer(JwtVerifier::ring(&ring), &Store::new()).stream_tickets(StreamTickets::new(8)));
    let issued = send(&app, get_with("/ticket", &token)).await;
    let (_, ticket) = issued.body.split_once(' ').unwrap();
    ring.set_signing_key(SigningKey::hs256(&HmacSecret::generate()).key_id("new"))
        .unwrap();
    ring.remove("old");
    assert_eq!(send(&app, query("/events", ticket)).await.status, 401);
}

#[tokio::test]
async fn outage_consumes_the_ticket_and_is_503() {
    let fixture = Fixture::new();
    let ticket = fixture.ticket("jane").await;
    fixture.store.becomes(Mood::Fails);
    assert_eq!(fixture.send(query("/events", &ticket)).await.status, 503);
    fixture.store.becomes(Mood::Answers);
    assert_eq!(fixture.send(query("/events", &ticket)).await.status, 401);
}

#[tokio::test]
async fn malformed_or_unknown_ticket_is_rejected() {
    let fixture = Fixture::new();
    let ticket = fixture.ticket("jane").await;
    let other = StreamTickets::new(8);
    let elsewhere = app(fixture.layer.clone().stream_tickets(other));
    for sent in [
        "ticket_",
        "ticket",
        ticket.trim_start_matches("ticket_"),
        &ticket[..ticket.len() - 1],
        &format!("{ticket}A"),
        &format!("{ticket}="),
        &ticket.to_uppercase(),
        &format!("ticket_{}", "A".repeat(43)),
    ] {
        let answer = fixture.send(query("/events", sent)).await;
        assert_eq!((answer.status.as_u16(), &*answer.detail()), REJECTED);
    }
    assert_eq!(
        send(&elsewhere, query("/events", &ticket)).await.status,
        401
    );
    assert_eq!(fixture.send(query("/events", &ticket)).await.status, 200);
}

#[tokio::test]
async fn layer_without_tickets_issues_and_accepts_none() {
    let fixture = Fixture::new();
    let ticket = fixture.ticket("jane").await;
    let app = app(layer(testing::verifier(), &fixture.store));
    assert_eq!(send(&app, query("/events", &ticket)).await.status, 401);
    let issued = send(&app, get_with("/ticket", &testing::token("jane"))).await;
    assert_eq!(issued.status, 500);
    let error = issued.extensions.get::<tower_warder::AuthError>().unwrap();
    let hint = std::error::Error::source(error).unwrap().to_string();
    assert!(
        hint.contains(".stream_tickets(StreamTickets::new("),
        "{hint}"
    );
}

#[tokio::test]
async fn ticket_is_issued_only_for_a_valid_token() {
    let fixture = Fixture::new();
    assert_eq!(fixture.send(get("/ticket")).await.status, 401);
    assert_eq!(fixture.send(get_with("/ticket", "a.b.c")).await.status, 401);
}

#[tokio::test]
async fn ticket_cannot_issue_another_ticket() {
    let fixture = Fixture::new();
    let source = CredentialSource::header()
        .with_query_token("/ticket")
        .unwrap();
    let app = app(fixture.layer.clone().credentials(source));
    let ticket = fixture.ticket("jane").await;
    assert_eq!(send(&app, query("/ticket", &ticket)).await.status, 401);
    let token = fixture.token("jane");
    assert_eq!(send(&app, query("/ticket", &token)).await.status, 200);
}

#[tokio::test]
async fn inner_layer_redeems_the_ticket() {
    let store = Store::new();
    let tickets = StreamTickets::new(8);
    let outer = layer(testing::verifier(), &store).stream_tickets(tickets.clone());
    let app = app(outer.clone()).layer(outer);
    let issued = send(&app, get_with("/ticket", &testing::token("jane"))).await;
    let (_, ticket) = issued.body.split_once(' ').unwrap();
    assert_eq!(send(&app, query("/events", ticket)).await.status, 200);
}

#[tokio::test]
async fn ticket_is_redeemed_once_per_request() {
    let (verifier, verified) = Counting::new();
    let tickets = StreamTickets::new(8);
    let store = Store::new();
    let layer = layer(verifier, &store).stream_tickets(tickets);
    let asks = identity(&layer, get_with("/ticket", &testing::token("jane"))).await;
    let ticket = asks.issue_stream_ticket().await.unwrap();

    let opened = identity(&layer, query("/events", ticket.as_str())).await;
    drop(opened.claims());
    let now = opened.try_claims().unwrap().unwrap();
    let users = join_all((0..8).map(|_| opened.user())).await;
    assert!(users.iter().all(|user| user.is_ok()) && now.subject() == "jane");
    assert!(opened.claims().await.is_ok());
    assert_eq!(verified.load(std::sync::atomic::Ordering::SeqCst), 2);

    let again = identity(&layer, query("/events", ticket.as_str())).await;
    let rejected = again.try_claims().unwrap().unwrap_err();
    assert_eq!(rejected.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn public_route_on_a_listed_path_keeps_the_ticket() {
    let fixture = Fixture::new();
    let ticket = fixture.ticket("jane").await;
    let public = Router::new()
        .route("/events", any(async || "public"))
        .layer(fixture.layer.clone());
    assert_eq!(send(&public, query("/events", &ticket)).await.status, 200);
    assert_eq!(fixture.send(query("/events", &ticket)).await.status, 200);
}

struct Fixture {
    store: Arc<Store>,
    clock: FixedClock,
    layer: AuthLayer<TestUser>,
    app: Router,
}

impl Fixture {
    fn new() -> Self {
        let (store, clock) = (Store::new(), FixedClock::new());
        let verifier = testing::verifier().clock(clock.clock());
        let tickets = StreamTickets::new(64).clock(clock.clock());
        let layer = layer(verifier, &store).stream_tickets(tickets);
        let app = app(layer.clone());
        Self {
            store,
            clock,
            layer,
            app,
        }
    }

    fn token(&self, subject: &str) -> String {
        let issuer = testing::issuer().clock(self.clock.clock());
        issuer.issue(subject).unwrap()
    }

    async fn ticket(&self, subject: &str) -> String {
        let request = get_with("/ticket", &self.token(subject));
        let answer = self.send(request).await;
        let (expires_in, ticket) = answer.body.split_once(' ').unwrap();
        assert_eq!(expires_in, "30");
        ticket.to_owned()
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.app, request).await
    }
}

fn layer(verifier: impl tower_warder::jwt::Verifier, store: &Arc<Store>) -> AuthLayer<TestUser> {
    let source = CredentialSource::header()
        .with_cookie(AuthCookie::new("id").unwrap())
        .with_query_token("/events")
        .unwrap()
        .with_websocket_subprotocol("/events")
        .unwrap();
    AuthLayer::new(verifier, Arc::clone(store)).credentials(source)
}

fn app(layer: AuthLayer<TestUser>) -> Router {
    let name = async |user: CurrentUser<TestUser>, _: Claims| user.name.clone();
    let issue = async |identity: Identity<TestUser>| match identity.issue_stream_ticket().await {
        Ok(ticket) => {
            let seconds = ticket.expires_in().as_secs();
            format!("{seconds} {}", ticket.as_str()).into_response()
        }
        Err(error) => error.into_response(),
    };
    let mut app = Router::new().route("/ticket", on_get(issue));
    for path in ["/events", "/events/", "/events/1", "/me"] {
        app = app.route(path, on_get(name));
    }
    app.layer(layer)
}

fn query(path: &str, token: &str) -> Request<Body> {
    get(&format!("{path}?token={token}"))
}

fn subprotocol(path: &str, token: &str) -> Request<Body> {
    with(SEC_WEBSOCKET_PROTOCOL, &format!("bearer, {token}"), path)
}

fn with(name: HeaderName, value: &str, path: &str) -> Request<Body> {
    let mut request = get(path);
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

const REJECTED: (u16, &str) = (401, "Could not validate credentials");
