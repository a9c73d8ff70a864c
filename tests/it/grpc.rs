//! Responses with a `grpc-status`: to every gRPC request of a service that is declared as gRPC, and
//! to gRPC over HTTP/2 otherwise.

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{Method, Request, Version};
use tower::{Layer, ServiceExt};
use tower_warder::response::EmptyBody;
use tower_warder::testing::{self, TestUser};
use tower_warder::{AuthLayer, AuthUser, CurrentUser, RequireLayer, UserStatus};

use crate::support::{Answer, Store, get, inside, layer, read, send};

#[tokio::test]
async fn declared_grpc_service_uses_grpc_status_over_every_version() {
    let auth = layer(&Store::new()).grpc(true);
    for (content_type, expected) in FORMS {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            for answer in all(&auth, &Method::POST, version, content_type).await {
                assert_eq!(answer.status, 200, "{content_type}");
                assert_eq!(answer.header("grpc-status"), Some("16"), "{content_type}");
                assert_eq!(answer.header("grpc-message"), Some("Not authenticated"));
                assert_eq!(answer.header("content-type"), Some(expected));
                assert_eq!(answer.header("www-authenticate"), Some(CHALLENGE));
                assert_eq!(answer.body, "");
            }
        }
    }
}

#[tokio::test]
async fn declared_grpc_service_answers_other_requests_with_http() {
    let auth = layer(&Store::new()).grpc(true);
    for content_type in [
        "application/json",
        "application/grpcfoo",
        "application/grpc-webfoo",
        "application/grpc-web-textfoo",
        "text/application/grpc-web",
        "application/x-www-form-urlencoded; a=application/grpc",
        "",
    ] {
        for answer in all(&auth, &Method::POST, Version::HTTP_11, content_type).await {
            assert_is_http(&answer, content_type);
        }
    }
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
        for (content_type, _) in FORMS {
            for answer in all(&auth, &method, Version::HTTP_2, content_type).await {
                assert_is_http(&answer, content_type);
            }
        }
    }
}

// A forward-auth proxy, which looks at the status only, must not receive 200.
#[tokio::test]
async fn undeclared_service_uses_grpc_status_only_over_http_2() {
    for auth in [
        layer(&Store::new()),
        layer(&Store::new()).grpc(true).grpc(false),
    ] {
        for (content_type, expected) in FORMS {
            for answer in all(&auth, &Method::POST, Version::HTTP_11, content_type).await {
                assert_is_http(&answer, content_type);
            }
            for answer in all(&auth, &Method::POST, Version::HTTP_2, content_type).await {
                match expected {
                    "application/grpc" => assert_eq!(answer.header("grpc-status"), Some("16")),
                    _ => assert_is_http(&answer, content_type),
                }
            }
        }
    }
}

#[tokio::test]
async fn declared_grpc_service_maps_misconfiguration_to_internal() {
    let auth = layer(&Store::new()).grpc(true);
    let request = request(&Method::POST, Version::HTTP_11, "application/grpc-web");
    let app = auth.layer(RequireLayer::<Other>::approved().layer(inside()));
    let answer = read(app.oneshot(request).await.unwrap()).await;
    assert_eq!(answer.header("grpc-status"), Some("13"));
}

#[tokio::test]
async fn declared_grpc_service_passes_authorized_requests_unchanged() {
    let auth = layer(&Store::new()).grpc(true);
    let mut request = request(&Method::POST, Version::HTTP_11, "application/grpc-web");
    let authorization = format!("Bearer {}", testing::token("jane"));
    let headers = request.headers_mut();
    headers.insert("authorization", authorization.parse().unwrap());
    let app = auth.layer(RequireLayer::<TestUser>::approved().layer(inside()));
    let answer = read(app.oneshot(request).await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "in"));
    assert_eq!(answer.header("grpc-status"), None);

    let page = auth.layer(RequireLayer::<TestUser>::approved().layer(inside()));
    let page = read(page.oneshot(get("/")).await.unwrap()).await;
    assert_eq!(page.status, 401);
}

/// Responses of the extractor and of a guard with each of the two provided rejection bodies.
async fn all(
    auth: &AuthLayer<TestUser>,
    method: &Method,
    version: Version,
    content_type: &str,
) -> [Answer; 3] {
    let request = || request(method, version, content_type);
    let handler = any(async |_: CurrentUser<TestUser>| "in");
    let app = Router::new().route("/", handler).layer(auth.clone());
    let guard = RequireLayer::<TestUser>::approved();
    let problem = auth.layer(guard.layer(inside()));
    let empty = auth.layer(guard.on_rejection(EmptyBody).layer(inside()));
    [
        send(&app, request()).await,
        read(problem.oneshot(request()).await.unwrap()).await,
        read(empty.oneshot(request()).await.unwrap()).await,
    ]
}

fn request(method: &Method, version: Version, content_type: &str) -> Request<Body> {
    let request = Request::builder().method(method).version(version);
    let request = request.header("content-type", content_type);
    request.body(Body::empty()).unwrap()
}

fn assert_is_http(answer: &Answer, content_type: &str) {
    assert_eq!(answer.status, 401, "{content_type}");
    assert_eq!(answer.header("grpc-status"), None, "{content_type}");
}

struct Other;

impl AuthUser for Other {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

/// Content type of the request, and that of the response.
const FORMS: [(&str, &str); 9] = [
    ("application/grpc", "application/grpc"),
    ("application/grpc+proto", "application/grpc"),
    ("Application/GRPC;charset=utf-8", "application/grpc"),
    ("application/grpc-web", "application/grpc-web"),
    ("application/grpc-web+proto", "application/grpc-web"),
    (
        "application/grpc-web+json; charset=utf-8",
        "application/grpc-web",
    ),
    ("application/grpc-web-text", "application/grpc-web-text"),
    (
        "application/grpc-web-text+proto",
        "application/grpc-web-text",
    ),
    ("APPLICATION/GRPC-WEB-TEXT", "application/grpc-web-text"),
];

const CHALLENGE: &str = r#"Bearer realm="api""#;
