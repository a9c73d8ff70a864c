//! Deny lists: revoked tokens, and lists that fail.

use std::borrow::Cow;
use std::collections::HashSet;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tower_warder::cache::UserCache;
use tower_warder::credentials::CredentialSource;
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{DenyList, DenyListVerifier, Verification, Verifier};
use tower_warder::policy::Approved;
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::testing::{self, TestUser};
use tower_warder::{
    AuthError, AuthLayer, BoxError, Claims, CurrentUser, Identity, RequireLayer, async_trait,
};

use crate::support::{Log, OUTAGE, Store, get, get_with, identity, send};

#[tokio::test]
async fn denied_token_is_rejected_with_its_own_reason() {
    let list = List::new();
    let (app, store) = routes(&list);
    let [denied, other] = [testing::token("jane"), testing::token("jane")];
    list.deny(&denied);
    for path in PROTECTED {
        let answer = send(&app, get_with(path, &denied)).await;
        assert_eq!(answer.status, 401, "{path}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("invalid_token"), "{challenge}");
        let error = answer.extensions.get::<AuthError>().unwrap();
        assert_eq!(reason(error), "denied", "{path}");
    }
    assert_eq!(store.loads(), 0);
    for path in PROTECTED {
        assert_eq!(send(&app, get_with(path, &other)).await.status, 200);
    }
}

#[tokio::test]
async fn denial_takes_effect_on_the_next_request_despite_token_cache() {
    let list = List::new();
    let verifier = DenyListVerifier::new(testing::verifier().cache(8), Arc::clone(&list));
    let layer = AuthLayer::new(verifier, Store::new());
    let token = testing::token("jane");
    for _ in 0..2 {
        let asked = identity(&layer, get_with("/", &token)).await;
        assert_eq!(asked.claims().await.unwrap().subject(), "jane");
    }
    list.deny(&token);
    let asked = identity(&layer, get_with("/", &token)).await;
    let error = asked.claims().await.unwrap_err();
    assert_eq!(reason(&error), "denied");
}

#[tokio::test(start_paused = true)]
async fn failing_deny_list_is_503_and_logged_once() {
    for mood in TROUBLE {
        for path in PROTECTED {
            let log = Log::record();
            let (app, store) = routes(&List::is(mood));
            let answer = send(&app, get_with(path, &testing::token("jane"))).await;
            assert_eq!(answer.status, 503, "{mood:?} {path}");
            assert_eq!(answer.header("retry-after"), Some("1"), "{mood:?} {path}");
            assert_eq!(answer.header("www-authenticate"), None, "{mood:?} {path}");
            assert!(!format!("{answer:?}").contains("db.internal"), "{mood:?}");
            assert_eq!(log.lines("ERROR").len(), 1, "{path}: {}", log.text());
            assert_eq!(store.loads(), 0, "{mood:?} {path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_deny_list_is_awaited_once_until_timeout() {
    let list = List::is(Mood::Hangs);
    let layer = bounded(&list, &Store::new());
    let asked = identity(&layer, get_with("/", &testing::token("jane"))).await;
    let start = Instant::now();
    let error = asked.user().await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    let error = asked.claims().await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    assert_eq!(start.elapsed(), TIMEOUT);
    assert_eq!(list.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn deny_list_is_queried_only_when_needed() {
    for mood in TROUBLE {
        let list = List::is(mood);
        let (app, _) = routes(&list);
        for request in [get("/"), get_with("/", &testing::token("jane"))] {
            assert_eq!(send(&app, request).await.body, "public", "{mood:?}");
        }
        assert_eq!(send(&app, get("/layer")).await.status, 401, "{mood:?}");
        for bad in ["", "a.b.c", &format!("{}A", testing::token("jane"))] {
            let answer = send(&app, get_with("/layer", bad)).await;
            assert_eq!(answer.status, 401, "{mood:?} {bad}");
        }
        assert_eq!(list.asked(), 0, "{mood:?}");
    }
}

#[tokio::test]
async fn recovered_deny_list_accepts_tokens_again() {
    let list = List::is(Mood::Fails);
    let (app, _) = routes(&list);
    let token = testing::token("jane");
    assert_eq!(send(&app, get_with("/layer", &token)).await.status, 503);
    list.becomes(Mood::Answers);
    assert_eq!(send(&app, get_with("/layer", &token)).await.status, 200);
}

#[tokio::test]
async fn deny_list_is_queried_once_per_request() {
    async fn all(
        _: CurrentUser<TestUser>,
        _: Claims,
        identity: Identity<TestUser>,
    ) -> Result<&'static str, AuthError> {
        let (claims, user) = tokio::join!(identity.claims(), identity.require(&Approved));
        claims.and(user).map(|_| "in")
    }

    let list = List::new();
    let cached = layer(&list, &Store::new()).user_cache(UserCache::new(8));
    for layer in [layer(&list, &Store::new()), cached] {
        let app = Router::new()
            .route("/", on_get(all))
            .layer(RequireLayer::<TestUser>::approved())
            .layer(layer);
        for _ in 0..2 {
            let before = list.asked();
            let answer = send(&app, get_with("/", &testing::token("jane"))).await;
            assert_eq!(answer.status, 200);
            assert_eq!(list.asked() - before, 1);
        }
    }
}

#[tokio::test]
async fn token_without_deny_list_key_is_rejected_without_a_query() {
    let long = "a".repeat(513);
    for id in [None, Some(""), Some("a\r\nb"), Some("a\0b"), Some(&*long)] {
        let list = List::new();
        let error = claims_of(&list, with_token_id(id)).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken, "{id:?}");
        assert_eq!(reason(&error), "no_token_id");
        assert_eq!(list.asked(), 0, "{id:?}");
    }
    let longest = "a".repeat(512);
    let list = List::new();
    assert!(
        claims_of(&list, with_token_id(Some(&longest)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn token_id_is_denied_only_for_its_issuer() {
    let list = Arc::new(ByKey::default());
    let of = |issuer: Option<&str>, id: &str| {
        let mut claims = json!({"sub": "jane", "exp": 4_102_444_800_u64, "jti": id});
        if let Some(issuer) = issuer {
            claims["iss"] = issuer.into();
        }
        Claims::from_json(claims.to_string()).unwrap()
    };
    let ours = of(Some(OURS), "1");
    let key = list.token_key(&ours).unwrap().into_owned();
    list.0.lock().unwrap().insert(key);
    for (issuer, id, expected) in [
        (Some(OURS), "1", "denied"),
        (Some("https://partner.example"), "1", "none"),
        (None, "1", "none"),
        (Some(OURS), "2", "none"),
        (Some(OURS), "", "no_token_id"),
    ] {
        let claims = claims_of(&list, Returning(of(issuer, id))).await;
        let reason = claims
            .err()
            .map_or("none".to_owned(), |error| reason(&error));
        assert_eq!(reason, expected, "{issuer:?} {id:?}");
    }
    // After the issuer, an ID of 255 bytes fits into the key.
    let long = "a".repeat(255);
    assert!(
        claims_of(&list, Returning(of(Some(OURS), &long)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn deny_list_key_may_be_another_claim() {
    struct BySession;

    #[async_trait]
    impl DenyList for BySession {
        async fn is_denied(&self, key: &str, _: &Claims) -> Result<bool, BoxError> {
            Ok(key == "ended")
        }

        fn token_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
            let custom: serde_json::Value = claims.deserialize().ok()?;
            Some(custom["sid"].as_str()?.to_owned().into())
        }
    }

    for (session, admitted) in [("running", true), ("ended", false)] {
        let claims = json!({"sub": "jane", "exp": 4_102_444_800_u64, "sid": session});
        let verifier = Returning(Claims::from_json(claims.to_string()).unwrap());
        assert_eq!(
            claims_of(&Arc::new(BySession), verifier).await.is_ok(),
            admitted
        );
    }
    let error = claims_of(&Arc::new(BySession), with_token_id(Some("a"))).await;
    assert!(error.is_err(), "a token without a session");
}

#[tokio::test(start_paused = true)]
async fn stream_ends_at_the_check_after_token_denial() {
    let list = List::new();
    let token = testing::token("jane");
    let layer = layer(&list, &Store::new());
    let asked = identity(&layer, get_with("/", &token)).await;
    let start = Instant::now();
    let denying = async {
        sleep(TIMEOUT + TIMEOUT / 2).await;
        list.deny(&token);
    };
    let (error, ()) = tokio::join!(asked.until_unauthorized(Approved, TIMEOUT, sleep), denying);
    assert_eq!(reason(&error), "denied");
    assert_eq!(start.elapsed().as_secs(), 2 * TIMEOUT.as_secs());
}

#[tokio::test]
async fn ticket_of_a_denied_token_is_rejected() {
    let list = List::new();
    let layer = layer(&list, &Store::new())
        .credentials(
            CredentialSource::header()
                .with_query_token("/events")
                .unwrap(),
        )
        .stream_tickets(StreamTickets::new(8));
    let token = testing::token("jane");
    let asked = identity(&layer, get_with("/", &token)).await;
    let [first, second] = [
        asked.issue_stream_ticket().await,
        asked.issue_stream_ticket().await,
    ];
    let with = |ticket: &str| get(&format!("/events?token={ticket}"));
    let opened = identity(&layer, with(first.unwrap().as_str())).await;
    assert!(opened.claims().await.is_ok());
    list.deny(&token);
    let opened = identity(&layer, with(second.unwrap().as_str())).await;
    let error = opened.claims().await.unwrap_err();
    assert_eq!(reason(&error), "denied");
}

/// Deny list that counts queries and answers as the test chooses.
struct List {
    denied: Mutex<HashSet<String>>,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
enum Mood {
    Answers,
    Fails,
    SaysBadToken,
    Panics,
    Hangs,
}

const TROUBLE: [Mood; 4] = [Mood::Fails, Mood::SaysBadToken, Mood::Panics, Mood::Hangs];

impl List {
    fn new() -> Arc<Self> {
        Self::is(Mood::Answers)
    }

    fn is(mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            denied: Mutex::default(),
            mood: Mutex::new(mood),
            asked: AtomicUsize::new(0),
        })
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn deny(&self, token: &str) {
        let claims = testing::verifier().verify_token(token).unwrap();
        let id = claims.token_id().unwrap().to_owned();
        self.denied.lock().unwrap().insert(id);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl DenyList for List {
    async fn is_denied(&self, key: &str, claims: &Claims) -> Result<bool, BoxError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert_eq!(claims.token_id(), Some(key));
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answers => Ok(self.denied.lock().unwrap().contains(key)),
            Mood::Fails => Err(OUTAGE.into()),
            Mood::SaysBadToken => Err(AuthError::new(AuthErrorKind::InvalidToken).into()),
            Mood::Panics => panic!("{OUTAGE}"),
            Mood::Hangs => pending().await,
        }
    }
}

/// Deny list that uses the default key.
#[derive(Default)]
struct ByKey(Mutex<HashSet<String>>);

#[async_trait]
impl DenyList for ByKey {
    async fn is_denied(&self, key: &str, _: &Claims) -> Result<bool, BoxError> {
        Ok(self.0.lock().unwrap().contains(key))
    }
}

const OURS: &str = "https://login.example";

/// Verifier that accepts every credential asynchronously and returns these claims.
struct Returning(Claims);

impl Verifier for Returning {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        Verification::Pending(Box::pin(async {
            tokio::task::yield_now().await;
            Ok(self.0.clone())
        }))
    }
}

fn with_token_id(id: Option<&str>) -> Returning {
    let mut claims = json!({"sub": "jane", "exp": 4_102_444_800_u64});
    if let Some(id) = id {
        claims["jti"] = id.into();
    }
    Returning(Claims::from_json(claims.to_string()).unwrap())
}

async fn claims_of<L: DenyList>(list: &Arc<L>, verifier: Returning) -> Result<Claims, AuthError> {
    let layer = AuthLayer::new(
        DenyListVerifier::new(verifier, Arc::clone(list)),
        Store::new(),
    );
    identity(&layer, get_with("/", "a")).await.claims().await
}

fn layer(list: &Arc<List>, store: &Arc<Store>) -> AuthLayer<TestUser> {
    let verifier = DenyListVerifier::new(testing::verifier(), Arc::clone(list));
    AuthLayer::new(verifier, Arc::clone(store))
}

fn bounded(list: &Arc<List>, store: &Arc<Store>) -> AuthLayer<TestUser> {
    layer(list, store).timeout(TIMEOUT)
}

fn routes(list: &Arc<List>) -> (Router, Arc<Store>) {
    let store = Store::new();
    let app = Router::new()
        .route("/layer", on_get("in"))
        .layer(RequireLayer::<TestUser>::approved())
        .route("/extractor", on_get(async |_: CurrentUser<TestUser>| "in"))
        .route("/claims", on_get(async |_: Claims| "in"))
        .route("/", on_get("public"))
        .layer(bounded(list, &store));
    (app, store)
}

const PROTECTED: [&str; 3] = ["/layer", "/extractor", "/claims"];

const TIMEOUT: Duration = Duration::from_secs(5);

fn reason(error: &AuthError) -> String {
    error.reason().to_owned()
}
