//! Account routes under a layer, over a store, with a fixed clock.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tower::ServiceExt;
use tower_warder::cache::UserCache;
use tower_warder::credentials::AuthCookie;
use tower_warder::password::{PasswordHasher, PasswordParams};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::testing::{self, FixedClock};
use tower_warder::{AuthLayer, JwtIssuer, UserStatus};
use tower_warder_accounts::{
    self as accounts, AccountStore, Accounts, Actor, AdminGrant, Email, NewUser, StoreError, User,
    UserAction, UserChange, UserUpdate,
};

use super::described;
use crate::{Answer, Place, read};

pub use UserStatus::{Approved, Disabled, Pending};

/// Password of every account that a test does not register itself.
pub const PASSWORD: &str = "correct horse";

pub type AnyAccounts = Accounts<Arc<dyn AccountStore>>;

#[derive(Clone)]
pub struct Server {
    pub app: Router,
    pub store: Arc<dyn AccountStore>,
    pub clock: FixedClock,
    /// Kept as long as the store.
    pub _place: Option<Arc<Place>>,
}

impl Server {
    pub async fn new() -> Self {
        Self::configured(|accounts| accounts).await
    }

    pub async fn configured(configure: impl FnOnce(AnyAccounts) -> AnyAccounts) -> Self {
        Self::at(Arc::new(Place::new().await), configure).await
    }

    /// Creates a server over a location, which others may share.
    pub async fn at(place: Arc<Place>, configure: impl FnOnce(AnyAccounts) -> AnyAccounts) -> Self {
        let store = place.store().await;
        Self {
            _place: Some(place),
            ..Self::with(store, configure)
        }
    }

    /// Creates a server with a user cache that has the default time to live.
    pub async fn cached(configure: impl FnOnce(AnyAccounts) -> AnyAccounts) -> Self {
        let place = Place::new().await;
        let store = place.store().await;
        Self {
            _place: Some(Arc::new(place)),
            ..Self::cached_over(store, configure)
        }
    }

    pub fn over(store: impl AccountStore) -> Self {
        Self::with(store, |accounts| accounts)
    }

    pub fn with(
        store: impl AccountStore,
        configure: impl FnOnce(AnyAccounts) -> AnyAccounts,
    ) -> Self {
        Self::built(Arc::new(store), FixedClock::new(), None, configure)
    }

    pub fn cached_over(
        store: Arc<dyn AccountStore>,
        configure: impl FnOnce(AnyAccounts) -> AnyAccounts,
    ) -> Self {
        let clock = FixedClock::new();
        let cache = UserCache::new(64).clock(clock.clock());
        Self::built(store, clock, Some(cache), configure)
    }

    fn built(
        store: Arc<dyn AccountStore>,
        clock: FixedClock,
        cache: Option<UserCache<User>>,
        configure: impl FnOnce(AnyAccounts) -> AnyAccounts,
    ) -> Self {
        let mut accounts = accounts_over(&store, testing::issuer(), &clock);
        if let Some(cache) = &cache {
            accounts = accounts.user_cache(cache.clone());
        }
        let accounts = configure(accounts);
        let verifier = testing::verifier().clock(clock.clock());
        let tickets = StreamTickets::new(64).clock(clock.clock());
        let mut layer = AuthLayer::new(verifier, accounts.clone()).stream_tickets(tickets);
        if let Some(cache) = cache {
            layer = layer.user_cache(cache);
        }
        let cookie = AuthCookie::new("id").unwrap();
        let routes = accounts::routes(accounts.clone())
            .merge(accounts::cookie_routes(accounts, cookie))
            .merge(accounts::ticket_routes());
        let app = Router::new().nest("/api/auth", routes).layer(layer);
        Self {
            app,
            store,
            clock,
            _place: None,
        }
    }

    /// Inserts an account into the store.
    pub async fn add(&self, email: &str, is_admin: bool, status: UserStatus) -> User {
        self.add_with_hash(email, is_admin, status, hash().await)
            .await
    }

    pub async fn add_with_hash(
        &self,
        email: &str,
        is_admin: bool,
        status: UserStatus,
        hash: &str,
    ) -> User {
        let new = NewUser {
            email: Email::new(email).unwrap(),
            hashed_password: hash.to_owned(),
            is_admin: false,
            status: UserStatus::Pending,
            created_at: self.clock.now(),
            admin_grant: AdminGrant::Never,
        };
        let id = self.store.insert(new).await.unwrap().id;
        let update = UserUpdate {
            email: None,
            is_admin: Some(is_admin),
            status: Some(status),
        };
        self.change(id, update).await
    }

    /// Changes an account, bypassing the routes.
    pub async fn change(&self, id: i64, update: UserUpdate) -> User {
        let changed = self.act(id, UserAction::Update(update)).await;
        changed.unwrap().unwrap()
    }

    /// Changes an account in any way, bypassing the routes.
    pub async fn act(&self, id: i64, action: UserAction) -> Result<Option<User>, StoreError> {
        let change = UserChange {
            id,
            action,
            by: Actor::System,
            at: self.clock.now(),
        };
        self.store.change(&change).await
    }

    /// Inserts an approved admin, and returns it with a token.
    pub async fn admin(&self) -> (User, String) {
        let admin = self.add("root@example.org", true, Approved).await;
        let token = self.token(&admin);
        (admin, token)
    }

    /// Inserts an approved account, and returns it with a token.
    pub async fn jane(&self) -> (User, String) {
        let jane = self.add("jane@example.org", false, Approved).await;
        let token = self.token(&jane);
        (jane, token)
    }

    /// Issues a token as a log-in does.
    pub fn token(&self, user: &User) -> String {
        let issuer = testing::issuer().clock(self.clock.clock());
        let subject = user.id.to_string();
        issuer
            .token(&subject)
            .generation(user.token_generation)
            .auth_time(self.clock.now())
            .issue()
            .unwrap()
    }

    /// Sends a request, and checks what holds for every response of the routes.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let answer = read(self.app.clone().oneshot(request).await.unwrap()).await;
        check(&answer);
        described::check(&method, &uri, &answer);
        answer
    }

    pub async fn register(&self, email: &str) -> Answer {
        let body = json!({"email": email, "password": PASSWORD});
        self.send(json_to("POST", "/register", &body)).await
    }

    pub async fn login(&self, username: &str, password: &str) -> Answer {
        self.send(login(username, password)).await
    }

    /// Logs in, and returns the token.
    pub async fn token_of(&self, username: &str, password: &str) -> String {
        let answer = self.login(username, password).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn put(&self, token: &str, id: i64, update: Value) -> Answer {
        let request = json_to("PUT", &format!("/users/{id}"), &update);
        self.send(by(token, request)).await
    }

    pub async fn delete(&self, token: &str, id: i64) -> Answer {
        self.send(by(token, bare("DELETE", &format!("/users/{id}"))))
            .await
    }

    pub async fn reset(&self, token: &str, id: i64, password: &str) -> Answer {
        let path = format!("/users/{id}/reset-password");
        let request = json_to("POST", &path, &json!({"password": password}));
        self.send(by(token, request)).await
    }

    pub async fn me(&self, token: &str) -> Answer {
        self.send(by(token, bare("GET", "/me"))).await
    }

    /// Returns the account as it is stored.
    pub async fn stored(&self, id: i64) -> User {
        self.store.find(id).await.unwrap().unwrap()
    }
}

/// Operations with a fixed clock, and without limits of attempts: the contract is that without them,
/// and tests of the throttle set some.
pub fn accounts_over(
    store: &Arc<dyn AccountStore>,
    issuer: JwtIssuer,
    clock: &FixedClock,
) -> AnyAccounts {
    Accounts::new(Arc::clone(store), issuer.clock(clock.clock()))
        .hasher(hasher())
        .clock(clock.clock())
        .throttle_off()
}

pub fn bare(method: &str, path: &str) -> Request<Body> {
    let request = Request::builder().method(method);
    request
        .uri(format!("/api/auth{path}"))
        .body(Body::empty())
        .unwrap()
}

pub fn body(method: &str, path: &str, media_type: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = bare(method, path);
    request
        .headers_mut()
        .insert(CONTENT_TYPE, media_type.parse().unwrap());
    *request.body_mut() = body.into();
    request
}

pub fn json_to(method: &str, path: &str, value: &Value) -> Request<Body> {
    body(method, path, "application/json", value.to_string())
}

pub fn form(fields: &str) -> Request<Body> {
    body("POST", "/login", FORM, fields.to_owned())
}

pub fn login(username: &str, password: &str) -> Request<Body> {
    let mut fields = form_urlencoded::Serializer::new(String::new());
    fields
        .append_pair("username", username)
        .append_pair("password", password);
    form(&fields.finish())
}

pub fn by(token: &str, mut request: Request<Body>) -> Request<Body> {
    let credential = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, credential);
    request
}

/// Returns the weakest hasher that is allowed, for fast tests.
pub fn hasher() -> PasswordHasher {
    PasswordHasher::new().params(PasswordParams::new(7168, 5, 1).unwrap())
}

/// Returns a hash of [`PASSWORD`].
pub async fn hash() -> &'static str {
    static HASH: OnceCell<String> = OnceCell::const_new();
    HASH.get_or_init(async || hasher().hash(PASSWORD).await.unwrap())
        .await
}

fn check(answer: &Answer) {
    assert_eq!(
        answer.header("cache-control"),
        Some("no-store"),
        "{answer:?}"
    );
    assert_eq!(
        answer.header("x-content-type-options"),
        Some("nosniff"),
        "{answer:?}"
    );
    assert!(!answer.body.contains("argon2"), "{answer:?}");
    if answer.status == 204 {
        assert_eq!(
            (answer.body.as_str(), answer.header("content-type")),
            ("", None)
        );
        return;
    }
    let media_type = answer.header("content-type").unwrap();
    if answer.status.is_success() || answer.status == 422 {
        assert_eq!(media_type, "application/json");
        assert_eq!(answer.json()["detail"].is_array(), answer.status == 422);
    } else {
        assert_eq!(media_type, "application/problem+json");
        assert!(answer.json()["detail"].is_string());
        assert_eq!(answer.json()["status"], answer.status.as_u16());
    }
}

pub const FORM: &str = "application/x-www-form-urlencoded";
