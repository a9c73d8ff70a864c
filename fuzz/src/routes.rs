//! Requests to the routes of accounts: `METHOD /path`, lines of headers, an empty line, a body.
//! `{admin}`, `{user}` and `{refresh}` stand for valid tokens.

use std::sync::LazyLock;
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::password::{PasswordHasher, PasswordParams};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::{AuthLayer, UserStatus, testing};
use tower_warder_accounts::{
    self as accounts, AccountStore, Accounts, Actor, AdminGrant, Email, InMemoryAccountStore,
    InMemorySessionStore, NewUser, Sessions, User, UserQuery, UserUpdate,
};

use crate::runtime::block_on;

pub(crate) fn run(input: &[u8]) {
    // Before the runtime is entered.
    LazyLock::force(&HASH);
    block_on(async {
        let service = Service::new().await;
        if let Some(request) = service.request(input) {
            service.check(request).await;
        }
    });
}

/// The routes, an admin, another user and their tokens.
struct Service {
    app: Router,
    accounts: Accounts<InMemoryAccountStore>,
    tokens: [(&'static str, String); 3],
}

impl Service {
    async fn new() -> Self {
        let store = InMemoryAccountStore::new();
        let accounts = Accounts::new(store.clone(), testing::issuer())
            .hasher(HASHER.clone())
            .sessions(Sessions::new(InMemorySessionStore::new()));
        let cookie = AuthCookie::new("id").unwrap();
        let routes = accounts::routes(accounts.clone())
            .merge(accounts::cookie_routes(accounts.clone(), cookie.clone()))
            .merge(accounts::ticket_routes())
            .merge(accounts::session_routes(accounts.clone()))
            .merge(accounts::refresh_routes(accounts.clone()));
        let source = CredentialSource::header().with_cookie(cookie);
        let source = source.with_query_token("/api/auth/me").unwrap();
        let layer = AuthLayer::new(testing::verifier(), accounts.clone())
            .credentials(source)
            .stream_tickets(StreamTickets::new(4));

        let admin = insert(&store, "root@example.org").await;
        let user = insert(&store, "jane@example.org").await;
        let approved = UserUpdate {
            status: Some(UserStatus::Approved),
            ..UserUpdate::default()
        };
        let user = accounts
            .update(user.id, approved, Actor::System)
            .await
            .unwrap();
        let admin = accounts.open_session(&admin, "").await.unwrap();
        let user = accounts.open_session(&user, "").await.unwrap();
        Self {
            app: Router::new().nest("/api/auth", routes).layer(layer),
            accounts,
            tokens: [
                ("{admin}", admin.access_token),
                ("{user}", user.access_token),
                ("{refresh}", user.refresh_token.unwrap()),
            ],
        }
    }

    /// Makes a request, if the input is one.
    fn request(&self, input: &[u8]) -> Option<Request<Body>> {
        let mut input = input.to_vec();
        for (name, token) in &self.tokens {
            input = replaced(&input, name.as_bytes(), token.as_bytes());
        }
        let mut rest = input.as_slice();
        let first = line(&mut rest)?;
        let space = first.iter().position(|byte| *byte == b' ')?;
        let (method, path) = first.split_at(space);
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::from_bytes(method).ok()?;
        *request.uri_mut() = Uri::try_from([b"/api/auth", &path[1..]].concat()).ok()?;
        while let Some(header) = line(&mut rest).filter(|line| !line.is_empty()) {
            let colon = header.iter().position(|byte| *byte == b':')?;
            let (name, value) = header.split_at(colon);
            let name = HeaderName::from_bytes(name).ok()?;
            let value = HeaderValue::from_bytes(value[1..].trim_ascii_start()).ok()?;
            request.headers_mut().append(name, value);
        }
        *request.body_mut() = Body::from(rest.to_vec());
        Some(request)
    }

    async fn check(&self, request: Request<Body>) {
        let is_head = request.method() == Method::HEAD;
        // `nest` of axum leaves the prefix with a slash to the outer router.
        let below_prefix = request.uri().path().strip_prefix("/api/auth/");
        let below_prefix = below_prefix.is_some_and(|path| !path.is_empty());
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert!(head.status.as_u16() < 500, "{head:?}");
        assert!(!body.windows(8).any(|part| part == b"$argon2i"));
        if below_prefix {
            assert_eq!(head.headers[CACHE_CONTROL], "no-store");
            if is_head || head.status == StatusCode::NO_CONTENT {
                assert!(body.is_empty());
            } else {
                let body: Value = serde_json::from_slice(&body).unwrap();
                check_body(head.status, &head.headers[CONTENT_TYPE], &body);
            }
        }
        let users = self
            .accounts
            .list(&UserQuery::default())
            .await
            .unwrap()
            .users;
        assert!(users.iter().any(User::is_active_admin));
    }
}

fn check_body(status: StatusCode, media_type: &HeaderValue, body: &Value) {
    let is_list = body["detail"].is_array();
    let is_error = !status.is_success();
    assert_eq!(
        is_error,
        body["detail"].is_array() || body["detail"].is_string()
    );
    assert!(!is_list || status == StatusCode::UNPROCESSABLE_ENTITY);
    if is_error && !is_list {
        assert_eq!(media_type, "application/problem+json");
        assert_eq!(body["status"], status.as_u16());
        assert!(body["code"].is_string());
    } else {
        assert_eq!(media_type, "application/json");
    }
}

/// Inserts an account, the first one as an admin.
async fn insert(store: &InMemoryAccountStore, email: &str) -> User {
    let new = NewUser {
        email: Email::new(email).unwrap(),
        hashed_password: HASH.clone(),
        is_admin: false,
        status: UserStatus::Pending,
        created_at: SystemTime::now(),
        admin_grant: AdminGrant::IfFirstAccount,
    };
    store.insert(new).await.unwrap()
}

/// Takes the first line.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after.get(1..).unwrap_or_default();
    Some(line)
}

fn replaced(text: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let Some(start) = text.windows(name.len()).position(|part| part == name) else {
        return text.to_vec();
    };
    [&text[..start], value, &text[start + name.len()..]].concat()
}

static HASHER: LazyLock<PasswordHasher> = LazyLock::new(|| {
    let weakest = PasswordParams::new(7168, 5, 1).unwrap();
    PasswordHasher::new().params(weakest)
});

/// Hash of the password `correct horse`.
static HASH: LazyLock<String> = LazyLock::new(|| block_on(HASHER.hash("correct horse")).unwrap());
