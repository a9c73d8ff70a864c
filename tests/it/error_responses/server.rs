//! Servers with both kinds of guard: extractors and layers.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Request, Version};
use tower::{Layer, ServiceExt};
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::policy::{Admin, Approved, Denied, Policy, RecentLogin, Verified};
use tower_warder::testing::TestUser;
use tower_warder::{AdminUser, AuthLayer, Claims, CurrentUser, Require, RequireLayer, UserStatus};

use crate::support::{Answer, Mood, Store, inside, layer, read, send};

#[derive(Clone, Copy)]
pub enum Server {
    Plain,
    Disclosing,
    Realm,
    Down,
    WithoutLayer,
    /// Reads the header and a cookie.
    Cookie,
    /// Reads a cookie only.
    OnlyCookie,
    CookieDisclosing,
    CookieDown,
    /// Reads a named header only.
    OnlyNamed,
    /// Reads `Authorization` and a named header.
    Named,
    /// Reads all credential sources on every path.
    Everything,
    /// Reads all credential sources, those that depend on the path on other paths only.
    Elsewhere,
}

#[derive(Clone, Copy)]
pub enum Guard {
    User,
    Admin,
    Staff,
    Verified,
    /// A log-in that is at most 15 minutes old.
    Recent,
}

/// Header of a request, or its [`QUERY`].
pub type Line = (&'static str, Vec<u8>);

/// Pseudo header name for the query of the URI.
pub const QUERY: &str = ":query";

/// Header whose value is a bare token.
pub const NAMED: &str = "cf-access-jwt-assertion";

/// Request to a guard over HTTP/2 with these headers.
pub fn request(guard: Guard, lines: &[Line], content_type: Option<&str>) -> Request<Body> {
    let mut uri = guard.path().to_owned();
    for (_, query) in lines.iter().filter(|(name, _)| *name == QUERY) {
        uri = format!("{uri}?{}", str::from_utf8(query).unwrap());
    }
    let mut request = Request::post(uri).version(Version::HTTP_2);
    for (name, line) in lines.iter().filter(|(name, _)| *name != QUERY) {
        request = request.header(*name, line.as_slice());
    }
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.body(Body::empty()).unwrap()
}

impl Guard {
    const fn path(self) -> &'static str {
        match self {
            Self::User => "/user",
            Self::Admin => "/admin",
            Self::Staff => "/staff",
            Self::Verified => "/verified",
            Self::Recent => "/recent",
        }
    }
}

impl Server {
    fn layer(self) -> Option<AuthLayer<TestUser>> {
        let store = Store::new();
        store.put(
            "generation",
            TestUser {
                token_generation: 1,
                ..TestUser::admin("Later")
            },
        );
        let verified = TestUser {
            is_email_verified: true,
            ..TestUser::approved("Vera")
        };
        store.put("vera", verified.clone());
        store.put(
            "disabled vera",
            TestUser {
                status: UserStatus::Disabled,
                ..verified
            },
        );
        Some(match self {
            Self::Plain => layer(&store),
            Self::Disclosing => layer(&store).disclose_account_status(true),
            Self::Realm => layer(&store).realm("the shop").unwrap(),
            Self::Down => layer(&Store::is(Mood::Fails)),
            Self::WithoutLayer => return None,
            Self::Cookie => {
                layer(&store).credentials(CredentialSource::header().with_cookie(cookie()))
            }
            Self::OnlyCookie => layer(&store).credentials(CredentialSource::cookie(cookie())),
            Self::CookieDisclosing => Self::Cookie.layer()?.disclose_account_status(true),
            Self::CookieDown => {
                let source = CredentialSource::header().with_cookie(cookie());
                layer(&Store::is(Mood::Fails)).credentials(source)
            }
            Self::OnlyNamed => layer(&store).credentials(named()),
            Self::Named => {
                let source = CredentialSource::header().with_named_header(NAMED);
                layer(&store).credentials(source.unwrap())
            }
            Self::Everything => layer(&store).credentials(everything_on(["/user", "/admin"])),
            Self::Elsewhere => layer(&store).credentials(everything_on(["/user/", "/users"])),
        })
    }
}

fn cookie() -> AuthCookie {
    let cookie = AuthCookie::new("id").unwrap();
    cookie.trusted_origin("https://app.example").unwrap()
}

fn named() -> CredentialSource {
    let source = CredentialSource::named_header(NAMED).unwrap();
    source.trusted_origin("https://app.example").unwrap()
}

fn everything_on(paths: [&str; 2]) -> CredentialSource {
    let source = CredentialSource::header().with_cookie(cookie());
    let source = source.with_named_header(NAMED).unwrap();
    paths.into_iter().fold(source, |source, path| {
        let source = source.with_query_token(path).unwrap();
        source.with_websocket_subprotocol(path).unwrap()
    })
}

/// Response of the extractor on the path of the request.
pub async fn through_extractor(server: Server, request: Request<Body>) -> Answer {
    let app = Router::new()
        .route("/user", post(async |_: CurrentUser<TestUser>| "in"))
        .route("/admin", post(async |_: AdminUser<TestUser>| "in"))
        .route("/staff", post(async |_: Require<Staff, TestUser>| "in"))
        .route(
            "/verified",
            post(async |_: Require<Verified, TestUser>| "in"),
        )
        .route("/recent", post(async |_: Require<Recent, TestUser>| "in"));
    let app = match server.layer() {
        Some(layer) => app.layer(layer),
        None => app,
    };
    send(&app, request).await
}

/// Response of a `RequireLayer` with the policy of this guard.
pub async fn through_layer(server: Server, guard: Guard, request: Request<Body>) -> Answer {
    match guard {
        Guard::User => through(Approved, server, request).await,
        Guard::Admin => through(Admin, server, request).await,
        Guard::Staff => through(Staff, server, request).await,
        Guard::Verified => through(Verified, server, request).await,
        Guard::Recent => through(Recent::default().0, server, request).await,
    }
}

async fn through(policy: impl Policy<TestUser>, server: Server, request: Request<Body>) -> Answer {
    let inner = inside();
    let guard = RequireLayer::<TestUser>::new(policy).layer(inner);
    let response = match server.layer() {
        Some(layer) => layer.layer(guard).oneshot(request).await,
        None => guard.oneshot(request).await,
    };
    read(response.unwrap()).await
}

#[derive(Default)]
struct Staff;

impl Policy<TestUser> for Staff {
    fn check(&self, _: &TestUser, _: &Claims) -> Result<(), Denied> {
        Err(Denied::new("Only for staff: 100 %"))
    }
}

struct Recent(RecentLogin);

impl Default for Recent {
    fn default() -> Self {
        Self(RecentLogin::new(Duration::from_secs(900)))
    }
}

impl Policy<TestUser> for Recent {
    fn check(&self, user: &TestUser, claims: &Claims) -> Result<(), Denied> {
        self.0.check(user, claims)
    }
}
