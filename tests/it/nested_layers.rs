//! Nested layers, and no reuse of state between requests.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::routing::get as on_get;
use axum::{Extension, Router};
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt};
use tower_warder::testing::{self, StaticUserLoader, TestUser};
use tower_warder::{
    AdminUser, AuthLayer, AuthUser, Claims, CurrentUser, HmacSecret, Identity, JwtIssuer,
    JwtVerifier, RequireLayer, UserStatus,
};

use crate::support::{Answer, Store, get, get_with, identity, layer, read, send};

#[tokio::test]
async fn user_change_takes_effect_on_the_next_request() {
    let with = |status, user| TestUser { status, ..user };
    let root = || TestUser::admin("Root");
    let store = Store::new();
    let app = Router::new()
        .route("/admin", on_get(async |_: AdminUser<TestUser>| "in"))
        .route(
            "/layer",
            on_get("in").layer(RequireLayer::<TestUser>::from_fn(|user, _| user.is_admin)),
        )
        .layer(layer(&store));
    let token = testing::token("root");
    for path in ["/admin", "/layer"] {
        for (changed, status) in [
            (TestUser::approved("Root"), 403),
            (with(UserStatus::Disabled, root()), 401),
            (with(UserStatus::Pending, root()), 401),
            (
                TestUser {
                    token_generation: 1,
                    ..root()
                },
                401,
            ),
        ] {
            store.put("root", root());
            assert_eq!(send(&app, get_with(path, &token)).await.status, 200);
            store.put("root", changed.clone());
            assert_eq!(
                send(&app, get_with(path, &token)).await.status,
                status,
                "{changed:?}"
            );
        }
        store.remove("root");
        assert_eq!(
            send(&app, get_with(path, &token)).await.status,
            401,
            "deleted"
        );
    }
}

#[tokio::test]
async fn inner_layer_decides() {
    let inner = AuthLayer::new(
        testing::verifier(),
        StaticUserLoader::new([("jane", TestUser::admin("In"))]),
    );
    let app = Router::new()
        .route(
            "/",
            on_get(async |user: CurrentUser<TestUser>| user.name.clone()),
        )
        .layer(inner)
        .layer(RequireLayer::<TestUser>::approved())
        .layer(layer(&Store::new()));
    assert_eq!(
        send(&app, get_with("/", &testing::token("jane")))
            .await
            .body,
        "In"
    );
    // This user is known to the outer layer only.
    assert_eq!(
        send(&app, get_with("/", &testing::token("root")))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn anonymous_errors_use_the_realm_of_their_layer() {
    let plain = layer(&Store::new());
    let outer = plain.clone().realm("outer").unwrap();
    let inner = outer.clone().realm("inner").unwrap();
    for (layer, realm) in [(&plain, "api"), (&outer, "outer"), (&inner, "inner")] {
        for _ in 0..2 {
            let asked = identity(layer, get("/")).await;
            let errors = [asked.claims().await.err(), asked.user().await.err()];
            for error in errors.map(Option::unwrap) {
                let challenge = error.challenge().unwrap();
                assert_eq!(challenge, format!(r#"Bearer realm="{realm}""#).as_str());
            }
        }
    }
    // A request with a credential is not anonymous, even directly after an anonymous one.
    let asked = identity(&plain, get_with("/", &testing::token("jane"))).await;
    assert_eq!(asked.user().await.unwrap().name, "Jane");
    assert!(identity(&plain, get("/")).await.is_anonymous());
}

#[tokio::test]
async fn inner_layer_of_other_keys_decides() {
    let secret = HmacSecret::generate();
    let inner = AuthLayer::new(
        JwtVerifier::hs256(&secret),
        StaticUserLoader::new([("jane", TestUser::approved("In"))]),
    );
    let app = Router::new()
        .route(
            "/",
            on_get(async |user: CurrentUser<TestUser>| user.name.clone()),
        )
        .route(
            "/claims",
            on_get(async |claims: Claims| claims.subject().to_owned()),
        )
        .layer(inner)
        .layer(layer(&Store::new()));
    let theirs = JwtIssuer::hs256(&secret).issue("jane").unwrap();
    for path in ["/", "/claims"] {
        assert_eq!(
            send(&app, get_with(path, &testing::token("jane")))
                .await
                .status,
            401
        );
        assert_eq!(send(&app, get_with(path, &theirs)).await.status, 200);
    }
}

#[tokio::test]
async fn guard_below_an_inner_layer_of_another_user_type_is_500() {
    let machines = AuthLayer::new(
        testing::verifier(),
        StaticUserLoader::new([("jane", Machine)]),
    );
    let app = Router::new()
        .route("/", on_get(async |_: CurrentUser<TestUser>| "in"))
        .route(
            "/layer",
            on_get("in").layer(RequireLayer::<TestUser>::approved()),
        )
        .layer(machines)
        .layer(RequireLayer::<TestUser>::approved())
        .layer(layer(&Store::new()));
    for path in ["/", "/layer"] {
        assert_eq!(
            send(&app, get_with(path, &testing::token("jane")))
                .await
                .status,
            500
        );
    }
}

#[tokio::test]
async fn inner_layer_removes_the_user_of_an_outer_guard() {
    let admitted = RequireLayer::<TestUser>::approved();
    let machines = AuthLayer::new(
        testing::verifier(),
        StaticUserLoader::new([("jane", Machine)]),
    );
    let users = layer(&Store::new());
    let token = testing::token("jane");

    let seen = users.layer(admitted.layer(Seen));
    assert_eq!(
        answer(seen, get_with("/", &token)).await.body,
        "Jane no-machine jane"
    );
    let seen = users.layer(admitted.layer(users.layer(Seen)));
    assert_eq!(answer(seen, get_with("/", &token)).await.body, NOBODY);
    let seen = users.layer(admitted.layer(machines.layer(Seen)));
    assert_eq!(answer(seen, get_with("/", &token)).await.body, NOBODY);
    // With three nested layers the user of the outermost is removed as well.
    let between = machines.layer(RequireLayer::<Machine>::approved().layer(users.layer(Seen)));
    let seen = users.layer(admitted.layer(between));
    assert_eq!(answer(seen, get_with("/", &token)).await.body, NOBODY);
}

#[tokio::test]
async fn extensions_of_the_incoming_request_are_not_trusted() {
    let app = layer(&Store::new()).layer(Seen);
    assert_eq!(answer(app, planted(get("/"))).await.body, NOBODY);

    let guard = layer(&Store::new()).layer(RequireLayer::<TestUser>::approved().layer(Seen));
    assert_eq!(answer(guard.clone(), planted(get("/"))).await.status, 401);
    let jane = planted(get_with("/", &testing::token("jane")));
    assert_eq!(answer(guard, jane).await.body, "Jane no-machine jane");

    let without_layer = RequireLayer::<TestUser>::approved().layer(Seen);
    assert_eq!(answer(without_layer, planted(get("/"))).await.status, 500);
}

#[tokio::test]
async fn identity_of_an_earlier_request_is_not_trusted() {
    let store = Store::new();
    let users = layer(&store);
    let keep = tower::service_fn(async |request: Request<Body>| {
        Ok::<_, Infallible>(request.extensions().clone())
    });
    let request = get_with("/", &testing::token("root"));
    let extensions = users.layer(keep).oneshot(request).await.unwrap();
    assert!(
        Identity::<TestUser>::from_extensions(&extensions)
            .unwrap()
            .user()
            .await
            .is_ok()
    );

    let mut replayed = get("/");
    *replayed.extensions_mut() = extensions;
    let guard = users.layer(RequireLayer::<TestUser>::approved().layer(Seen));
    assert_eq!(answer(guard, replayed).await.status, 401);
}

#[tokio::test]
async fn handler_behind_a_guard_reads_user_and_claims() {
    let read = async |Extension(user): Extension<CurrentUser<TestUser>>,
                      Extension(claims): Extension<Claims>| {
        format!("{} {}", user.name, claims.subject())
    };
    let app = Router::new()
        .route("/", on_get(read))
        .layer(RequireLayer::<TestUser>::approved())
        .layer(layer(&Store::new()));
    assert_eq!(
        send(&app, get_with("/", &testing::token("jane")))
            .await
            .body,
        "Jane jane"
    );
}

/// Inserts the extensions of an admin that a guard would insert.
fn planted(mut request: Request<Body>) -> Request<Body> {
    let claims = Claims::from_json(r#"{"sub":"root","exp":4102444800}"#).unwrap();
    request
        .extensions_mut()
        .insert(CurrentUser(Arc::new(TestUser::admin("Planted"))));
    request.extensions_mut().insert(claims);
    request
}

/// Service that responds with user and claims of the extensions.
#[derive(Clone)]
struct Seen;

impl Service<Request<Body>> for Seen {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let extensions = request.extensions();
        let user = extensions.get::<CurrentUser<TestUser>>();
        let machine = extensions.get::<CurrentUser<Machine>>();
        let claims = extensions.get::<Claims>();
        let seen = format!(
            "{} {} {}",
            user.map_or("no-user", |user| &user.name),
            machine.map_or("no-machine", |_| "machine"),
            claims.map_or("no-claims", Claims::subject),
        );
        ready(Ok(Response::new(seen.into())))
    }
}

const NOBODY: &str = "no-user no-machine no-claims";

async fn answer<S>(service: S, request: Request<Body>) -> Answer
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    read(service.oneshot(request).await.unwrap()).await
}

#[derive(Clone)]
struct Machine;

impl AuthUser for Machine {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}
