//! `testing::logged_in`: a user without a token in tests of an unchanged application.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get as on_get;
use http::header::AUTHORIZATION;
use tower_warder::cache::UserCache;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::policy::RecentLogin;
use tower_warder::testing::{self, TestUser};
use tower_warder::{
    AdminUser, AuthError, AuthLayer, AuthUser, Claims, CurrentUser, HmacSecret, Identity,
    JwtVerifier, RequireLayer, UserStatus,
};

use crate::support::{Mood, Store, Trace, get, get_with, layer, send};

#[tokio::test]
async fn logged_in_user_overrides_the_application_layer() {
    let cookie = AuthCookie::new("session").unwrap();
    let sources = CredentialSource::header().with_cookie(cookie);
    let auth = AuthLayer::new(JwtVerifier::hs256(&HmacSecret::generate()), Store::new())
        .user_cache(UserCache::new(16))
        .credentials(sources);
    let app = routes().layer(auth).layer(testing::logged_in(root()));
    for path in ["/user", "/admin", "/option", "/guard"] {
        assert_eq!(send(&app, get(path)).await.body, "Ada", "{path}");
    }
    // Without it the application is unchanged.
    let auth = layer(&Store::new());
    assert_eq!(send(&routes().layer(auth), get("/user")).await.status, 401);
}

#[tokio::test]
async fn logged_in_user_is_not_taken_from_the_cache() {
    let auth = layer(&Store::new()).user_cache(UserCache::new(16));
    for name in ["Ada", "Bob"] {
        let user = testing::logged_in(TestUser::approved(name));
        let app = routes().layer(auth.clone()).layer(user);
        assert_eq!(send(&app, get("/user")).await.body, name);
    }
}

#[tokio::test]
async fn logged_in_user_has_just_logged_in() {
    let recent = RequireLayer::<TestUser>::new(RecentLogin::new(Duration::from_secs(60)));
    let app = routes().layer(recent).layer(testing::logged_in(root()));
    assert_eq!(send(&app, get("/user")).await.body, "Ada");
}

#[tokio::test]
async fn logged_in_user_needs_no_store_and_no_layer() {
    let app = routes()
        .layer(layer(&Store::is(Mood::Fails)))
        .layer(testing::logged_in(root()));
    assert_eq!(send(&app, get("/user")).await.body, "Ada");
    let app = routes().layer(testing::logged_in(root()));
    assert_eq!(send(&app, get("/user")).await.body, "Ada");
    // The inner one overrides the outer one.
    let app = app.layer(testing::logged_in(TestUser::approved("Bob")));
    assert_eq!(send(&app, get("/user")).await.body, "Ada");
}

#[tokio::test]
async fn logged_in_rejection_follows_application_configuration() {
    let pending = TestUser {
        status: UserStatus::Pending,
        ..root()
    };
    let auth = layer(&Store::new())
        .realm("shop")
        .unwrap()
        .disclose_account_status(true);
    let app = routes()
        .layer(auth.clone())
        .layer(testing::logged_in(pending));
    let answer = send(&app, get("/user")).await;
    assert_eq!(answer.json()["code"], "account_pending");

    let app = routes()
        .layer(auth)
        .layer(testing::logged_in(TestUser::approved("Bob")));
    let answer = send(&app, get("/admin")).await;
    assert_eq!(answer.status, 403);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("shop"), "{challenge}");
}

#[tokio::test]
async fn request_credential_is_verified_by_the_application() {
    let app = routes()
        .layer(layer(&Store::new()))
        .layer(testing::logged_in(root()));
    let jane = get_with("/user", &testing::token("jane"));
    assert_eq!(send(&app, jane).await.body, "Jane");
    assert_eq!(send(&app, get_with("/user", "a.b.c")).await.status, 401);
    let admin = get_with("/admin", &testing::token("jane"));
    assert_eq!(send(&app, admin).await.status, 403);
}

#[tokio::test]
async fn logged_in_user_of_another_type_is_misconfigured() {
    #[derive(Clone)]
    struct Machine;

    impl AuthUser for Machine {
        fn status(&self) -> UserStatus {
            UserStatus::Approved
        }
    }

    let app = routes()
        .layer(layer(&Store::new()))
        .layer(testing::logged_in(Machine));
    let answer = send(&app, get("/user")).await;
    let error = answer.extensions.get::<AuthError>().unwrap();
    assert_eq!(
        (error.status().as_u16(), error.reason()),
        (500, "other_user_type")
    );
}

#[tokio::test]
async fn requests_of_another_user_type_are_resolved_one_by_one() {
    let user = TestUser {
        tokens_valid_since: Some(SystemTime::now() + Duration::from_secs(3600)),
        ..root()
    };
    let other = AuthLayer::claims_only(testing::verifier());
    let app = routes().layer(other).layer(testing::logged_in(user));
    let log = Trace::record();
    for count in [1, 2] {
        assert_eq!(send(&app, get("/user")).await.status, 401);
        assert_eq!(log.lines("AuthUser::tokens_valid_since").len(), count);
    }
}

#[tokio::test]
async fn logged_in_user_has_claims_and_no_token() {
    let app = Router::new()
        .route("/claims", on_get(async |_: Claims| "in"))
        .route(
            "/header",
            on_get(async |request: Request<Body>| {
                request.headers().contains_key(AUTHORIZATION).to_string()
            }),
        )
        .layer(layer(&Store::new()).insert_claims(true))
        .layer(testing::logged_in(root()));
    assert_eq!(send(&app, get("/claims")).await.body, "in");
    assert_eq!(send(&app, get("/header")).await.body, "false");
}

fn routes() -> Router {
    Router::new()
        .route(
            "/user",
            on_get(async |user: CurrentUser<TestUser>| user.name.clone()),
        )
        .route(
            "/admin",
            on_get(async |user: AdminUser<TestUser>| user.name.clone()),
        )
        .route(
            "/option",
            on_get(async |user: Option<CurrentUser<TestUser>>| match user {
                Some(user) => user.name.clone(),
                None => "nobody".to_owned(),
            }),
        )
        .route(
            "/guard",
            on_get(async |identity: Identity<TestUser>| {
                identity.user().await.map(|user| user.name.clone())
            })
            .layer(RequireLayer::<TestUser>::approved()),
        )
}

fn root() -> TestUser {
    TestUser::admin("Ada")
}
