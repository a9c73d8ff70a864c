//! Both kinds of door, and the servers that they stand in.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Request, Version};
use tower::{Layer, ServiceExt};
use tower_warder::testing::TestUser;
use tower_warder::{
    Admin, AdminUser, Approved, AuthLayer, Claims, CurrentUser, Denied, Guarded, Policy,
    RequireLayer,
};

use crate::support::{Answer, Mood, Store, inside, layer, read, send};

#[derive(Clone, Copy)]
pub enum Server {
    Plain,
    Disclosing,
    Realm,
    Down,
    WithoutLayer,
}

#[derive(Clone, Copy)]
pub enum Door {
    User,
    Admin,
    Staff,
}

/// A request to a door over HTTP/2, with these lines of `Authorization`.
pub fn request(door: Door, lines: &[Vec<u8>], content_type: Option<&str>) -> Request<Body> {
    let mut request = Request::post(match door {
        Door::User => "/user",
        Door::Admin => "/admin",
        Door::Staff => "/staff",
    });
    request = request.version(Version::HTTP_2);
    for line in lines {
        request = request.header("authorization", line.as_slice());
    }
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.body(Body::empty()).unwrap()
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
        Some(match self {
            Self::Plain => layer(&store),
            Self::Disclosing => layer(&store).disclose_status(true),
            Self::Realm => layer(&store).realm("the shop").unwrap(),
            Self::Down => layer(&Store::is(Mood::Fails)),
            Self::WithoutLayer => return None,
        })
    }
}

/// What the extractor for the request's door answers.
pub async fn through_extractor(server: Server, request: Request<Body>) -> Answer {
    let app = Router::new()
        .route("/user", post(async |_: CurrentUser<TestUser>| "in"))
        .route("/admin", post(async |_: AdminUser<TestUser>| "in"))
        .route("/staff", post(async |_: Guarded<Staff, TestUser>| "in"));
    let app = match server.layer() {
        Some(layer) => app.layer(layer),
        None => app,
    };
    send(&app, request).await
}

/// What a `RequireLayer` for this door answers.
pub async fn through_layer(server: Server, door: Door, request: Request<Body>) -> Answer {
    match door {
        Door::User => through(Approved, server, request).await,
        Door::Admin => through(Admin, server, request).await,
        Door::Staff => through(Staff, server, request).await,
    }
}

async fn through(policy: impl Policy<TestUser>, server: Server, request: Request<Body>) -> Answer {
    let inner = inside();
    let door = RequireLayer::<TestUser>::new(policy).layer(inner);
    let response = match server.layer() {
        Some(layer) => layer.layer(door).oneshot(request).await,
        None => door.oneshot(request).await,
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
