//! The example `introspection`, against valid, invalid and failing authorization servers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use futures_util::stream;
use http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_warder::AuthError;

use crate::support::{Log, get, get_with, send};

#[allow(dead_code)]
#[path = "../../examples/introspection.rs"]
mod example;

#[tokio::test]
async fn active_token_is_accepted_and_inactive_is_rejected() {
    let server = Server::says(active()).await;
    let app = app(&server);
    let answer = send(&app, get_with("/me", "opaque")).await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.body),
        (200, "Hello, jane\n")
    );

    // The other members of an inactive response are ignored.
    let mut inactive = active();
    inactive["active"] = false.into();
    for inactive in [json!({"active": false}), inactive] {
        server.now_says(inactive.to_string());
        let answer = send(&app, get_with("/me", "opaque")).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["code"], "invalid_token");
    }
}

#[tokio::test]
async fn token_is_sent_only_in_the_form() {
    let log = Log::record();
    let server = Server::says(active()).await;
    let token = "a.b~c+d/e==";
    assert_eq!(asked(&server, token).await, 200);
    server.now_says("no JSON".into());
    assert_eq!(asked(&server, token).await, 503);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for (uri, headers, form) in seen {
        assert_eq!(uri, "/introspect");
        assert_eq!(form, "token=a.b%7Ec%2Bd%2Fe%3D%3D");
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(authorization.starts_with("Basic "), "{authorization}");
        assert!(!format!("{headers:?}").contains("a.b~c"), "{headers:?}");
    }
    assert!(
        log.text().contains("introspection response is malformed"),
        "{}",
        log.text()
    );
    for part in ["a.b~c", "a.b%7Ec"] {
        assert!(!log.text().contains(part), "{}", log.text());
    }
}

#[tokio::test]
async fn introspection_runs_once_per_request_and_only_if_needed() {
    let server = Server::says(active()).await;
    let app = app(&server);
    for request in [get("/"), get_with("/", "opaque"), get("/me")] {
        send(&app, request).await;
    }
    send(&app, get_with("/me", "no b64token")).await;
    assert_eq!(server.seen().len(), 0);
    for count in 1..=2 {
        send(&app, get_with("/me", "opaque")).await;
        assert_eq!(server.seen().len(), count);
    }
}

#[tokio::test]
async fn introspection_claims_are_validated_like_token_claims() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    let server = Server::says(active()).await;
    for (change, status) in [
        (json!({"exp": now + 60, "nbf": now, "iat": now}), 200),
        (json!({"iss": "https://login.example"}), 200),
        (
            json!({"aud": ["https://else.example", "https://api.example"]}),
            200,
        ),
        (
            json!({"scope": "a b", "username": "x", "client_id": "y", "gen": 0}),
            200,
        ),
        (json!({"exp": now - 60}), 401),
        (json!({"exp": null}), 401),
        (json!({"exp": "4102444800"}), 401),
        (json!({"exp": 4_102_444_800_000_u64}), 401),
        (json!({"exp": REMOVE}), 401),
        (json!({"nbf": now + 600}), 401),
        (json!({"iat": now + 600}), 401),
        (json!({"sub": REMOVE}), 401),
        (json!({"sub": ""}), 401),
        (json!({"sub": 7}), 401),
        (json!({"sub": "a\nb"}), 401),
        (json!({"aud": REMOVE}), 401),
        (json!({"aud": "https://api.example/"}), 401),
        (json!({"aud": ["https://else.example"]}), 401),
        (json!({"aud": []}), 401),
        (json!({"iss": "https://evil.example"}), 401),
        (json!({"iss": 7}), 401),
        (json!({"scope": ["a", "b"], "jti": 7, "nbf": null}), 200),
    ] {
        let mut answer = active();
        for (name, value) in change.as_object().unwrap() {
            match value.as_str() {
                Some(REMOVE) => answer.as_object_mut().unwrap().remove(name),
                _ => answer
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
        server.now_says(answer.to_string());
        assert_eq!(asked(&server, "opaque").await, status, "{change}");
    }
    let twice = active().to_string().replacen('{', r#"{"sub":"root","#, 1);
    server.now_says(twice.clone());
    assert_eq!(asked(&server, "opaque").await, 401, "{twice}");
}

#[tokio::test]
async fn invalid_introspection_response_is_503() {
    let good = active().to_string();
    let with_active = |active: &str| good.replacen("true", active, 1);
    let server = Server::says(active()).await;
    for answer in [
        with_active(r#""true""#),
        with_active("1"),
        with_active("null"),
        with_active("[true]"),
        with_active(r#"true,"active":false"#),
        with_active(r#"false,"active":true"#),
        good.replacen("active", "Active", 1),
        json!([active()]).to_string(),
        json!({}).to_string(),
        format!("{good}{good}"),
        good[1..].to_owned(),
        "true".to_owned(),
        String::new(),
        "<html>".to_owned(),
        // A JWT response (RFC 9701) is not supported.
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
    ] {
        server.now_says(answer.clone());
        assert_eq!(asked(&server, "opaque").await, 503, "{answer}");
    }
    for status in [201, 204, 400, 401, 403, 404, 429, 500, 502, 503] {
        server.now_answers(Reply::Status(StatusCode::from_u16(status).unwrap()));
        assert_eq!(asked(&server, "opaque").await, 503, "{status}");
    }
    server.now_answers(Reply::Bytes(b"{\"active\":true,\"sub\":\"\xff\"}"));
    assert_eq!(asked(&server, "opaque").await, 503, "not UTF-8");
    server.now_says(good);
    assert_eq!(asked(&server, "opaque").await, 200, "back again");
}

#[tokio::test]
async fn oversized_introspection_response_is_not_read_to_its_end() {
    let server = Server::says(active()).await;
    let filled = |size| {
        let mut answer = active();
        answer["more"] = "a".repeat(size).into();
        answer.to_string()
    };
    server.now_says(filled(60 * 1024));
    assert_eq!(asked(&server, "opaque").await, 200);
    server.now_says(filled(64 * 1024));
    assert_eq!(asked(&server, "opaque").await, 503);
    server.now_answers(Reply::Endless);
    let start = Instant::now();
    assert_eq!(asked(&server, "opaque").await, 503);
    // The size limit applies, not the timeout.
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn introspection_redirects_are_not_followed() {
    let elsewhere = Server::says(active()).await;
    let server = Server::says(active()).await;
    for status in [301, 302, 303, 307, 308] {
        let status = StatusCode::from_u16(status).unwrap();
        server.now_answers(Reply::Redirect(status, elsewhere.endpoint()));
        assert_eq!(asked(&server, "opaque").await, 503, "{status}");
    }
    assert_eq!(elsewhere.seen().len(), 0);
}

#[tokio::test]
async fn unreachable_server_is_503_and_public_routes_answer() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [address, hangs.local_addr().unwrap()] {
        let endpoint = format!("http://{address}/introspect");
        let app = example::app(example::Introspection::at(&endpoint).unwrap());
        let start = Instant::now();
        let answer = send(&app, get_with("/", "opaque")).await;
        assert_eq!(answer.body, "Anybody may read this\n");
        assert_eq!(send(&app, get("/me")).await.status, 401);
        let answer = send(&app, get_with("/me", "opaque")).await;
        assert_eq!(answer.status, 503);
        assert!(answer.extensions.get::<AuthError>().is_some());
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn client_secret_and_token_are_never_sent_unencrypted() {
    let server = Server::says(active()).await;
    let endpoint = server.endpoint().replace("127.0.0.1", "localhost");
    let app = example::app(example::Introspection::at(&endpoint).unwrap());
    assert_eq!(send(&app, get_with("/me", "opaque")).await.status, 503);
    assert_eq!(server.seen().len(), 0);
}

/// Authorization server that records requests and answers as the test chooses.
#[derive(Clone)]
struct Server {
    address: std::net::SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    reply: Mutex<Reply>,
    seen: Mutex<Vec<(Uri, HeaderMap, String)>>,
}

#[derive(Clone)]
enum Reply {
    Text(String),
    Bytes(&'static [u8]),
    Status(StatusCode),
    Redirect(StatusCode, String),
    Endless,
}

impl Server {
    async fn says(answer: Value) -> Self {
        let inner = Arc::new(Inner {
            reply: Mutex::new(Reply::Text(answer.to_string())),
            seen: Mutex::default(),
        });
        let router = Router::new()
            .route("/introspect", post(introspect).get(introspect))
            .with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, inner }
    }

    fn endpoint(&self) -> String {
        format!("http://{}/introspect", self.address)
    }

    fn now_says(&self, answer: String) {
        self.now_answers(Reply::Text(answer));
    }

    fn now_answers(&self, reply: Reply) {
        *self.inner.reply.lock().unwrap() = reply;
    }

    fn seen(&self) -> Vec<(Uri, HeaderMap, String)> {
        self.inner.seen.lock().unwrap().clone()
    }
}

async fn introspect(
    State(inner): State<Arc<Inner>>,
    uri: Uri,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    inner.seen.lock().unwrap().push((uri, headers, form));
    let good = active().to_string();
    let (status, body) = match inner.reply.lock().unwrap().clone() {
        Reply::Text(text) => (StatusCode::OK, Body::from(text)),
        Reply::Bytes(bytes) => (StatusCode::OK, Body::from(bytes)),
        Reply::Status(status) => (status, Body::from(good)),
        Reply::Redirect(status, location) => {
            let response = Response::builder().status(status);
            let response = response.header("location", location);
            return response.body(Body::from(good)).unwrap();
        }
        Reply::Endless => {
            let spaces = stream::repeat_with(|| Ok::<_, std::io::Error>(" ".repeat(1024)));
            (StatusCode::OK, Body::from_stream(spaces))
        }
    };
    Response::builder().status(status).body(body).unwrap()
}

fn active() -> Value {
    json!({
        "active": true,
        "sub": "jane",
        "exp": 4_102_444_800_u64,
        "aud": "https://api.example",
    })
}

const REMOVE: &str = "remove";

fn app(server: &Server) -> Router {
    example::app(example::Introspection::at(&server.endpoint()).unwrap())
}

async fn asked(server: &Server, token: &str) -> u16 {
    let answer = send(&app(server), get_with("/me", token)).await;
    answer.status.as_u16()
}
