//! What anonymous clients can write into the log.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{PASSWORD, Server, Start};
use crate::support::Place;

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const ROUNDS: usize = 3;

#[tokio::test]
async fn anonymous_clients_cause_one_line_a_minute_and_cause() {
    let place = Place::shared().await;
    let start = Start::at(&place).with("TRUSTED_PROXIES", "127.0.0.1");
    let server = start.with("SMTP_URL", "log").server().await;
    let before = server.log().lines().count();
    server.register(ADA).await;
    let begin = Instant::now();
    let mut requests = 0;
    for _ in 0..ROUNDS {
        send_garbage(&server).await;
        requests += send_to_all_routes(&server).await;
        flood(&server).await;
    }
    assert!(requests > 1000, "{requests}");
    let most = 1 + usize::try_from(begin.elapsed().as_secs() / 60).unwrap();
    let log = server.stop().await;
    let mut causes = HashMap::new();
    for line in log.lines().skip(before) {
        causes
            .entry(cause(line))
            .or_insert_with(Vec::new)
            .push(line);
    }
    for (cause, lines) in &causes {
        assert!(lines.len() <= most, "{cause}: {lines:#?}");
    }
    // The causes were there.
    for text in [
        "token_rejected",
        "login_failed",
        "account_registered",
        "too many attempts",
        "sends no X-Forwarded-For",
    ] {
        assert!(causes.keys().any(|it| it.contains(text)), "{text}: {log}");
    }
}

/// Returns the line without the time, and without what differs from client to client.
fn cause(line: &str) -> String {
    let (_, line) = line.split_once(' ').unwrap_or(("", line));
    let differs = [
        "request{", "count=", "address=", "account=", "actor=", "id=", "session=", "path=",
        "method=", "host=", "peer=",
    ];
    let words = line.split_whitespace();
    let words = words.filter(|word| !differs.iter().any(|name| word.starts_with(name)));
    words.collect::<Vec<_>>().join(" ")
}

/// Bytes that are no HTTP, or no request that a client would send.
async fn send_garbage(server: &Server) {
    let long = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nlong: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let requests: [&[u8]; 9] = [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage that is no frame",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET /%FF?token=%FF HTTP/1.1\r\nhost: a\r\nauthorization: \xff\r\n\r\n",
        b"POST /api/auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n",
        b"POST /api/auth/login HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n",
        long.as_bytes(),
    ];
    for request in requests {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        // An error: the server has closed the connection already.
        let _ = connection.write_all(request).await;
        let _ = connection.shutdown().await;
        let mut answer = Vec::new();
        let end = timeout(Duration::from_secs(1), connection.read_to_end(&mut answer));
        let _ = end.await;
    }
}

/// Sends what is refused to every route. Returns the number of requests.
async fn send_to_all_routes(server: &Server) -> usize {
    const JSON: (&str, &str) = ("content-type", "application/json");
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

    let heads: [&[(&str, &str)]; 9] = [
        &[],
        &[("authorization", "Bearer nonsense")],
        &[("authorization", "Bearer e30.e30.e30")],
        &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
        &[("authorization", "Bearer a=b,c"), ("forwarded", "for=\"_")],
        &[("cookie", "tower_warder=nonsense; tower_warder_device=x~y")],
        &[
            ("cookie", "tower_warder=nonsense"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[("x-forwarded-for", "no address"), ("upgrade", "websocket")],
        &[
            ("x-forwarded-for", "192.0.2.7"),
            ("authorization", "Basic Og=="),
        ],
    ];
    let large = format!("{{\"email\": \"{}\"}}", "x".repeat(20_000));
    let bodies = [
        (JSON, "{"),
        (JSON, r#"{"email": 1, "password": null}"#),
        (FORM, "username=%FF&password"),
        (("content-type", "nonsense"), "a body"),
        (JSON, &large),
    ];
    let mut count = 0;
    for (method, path) in routes(server).await {
        for head in heads {
            let head = [head, &[JSON]].concat();
            server.request(&method, &path, &head, "[]").await;
            count += 1;
        }
        for (media_type, body) in bodies {
            let head = [media_type, ("x-forwarded-for", "192.0.2.8")];
            server.request(&method, &path, &head, body).await;
            count += 1;
        }
    }
    count
}

/// Returns the routes of the description, and the others.
async fn routes(server: &Server) -> Vec<(Method, String)> {
    let document = server.get("/api/openapi.json", "").await.json();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (number, id) in [("1", "nonsense"), ("nonsense", "1")]
            .into_iter()
            .enumerate()
        {
            let path = path.replace("{id}", id.0);
            for method in operations.as_object().unwrap().keys() {
                let method = method.to_uppercase().parse().unwrap();
                if number == 0 || path.contains(id.0) {
                    routes.push((method, path.clone()));
                }
            }
        }
    }
    assert!(routes.len() > 20, "{routes:?}");
    for path in [
        "/",
        "/login",
        "/register",
        "/logout",
        "/profile",
        "/users",
        "/waiting",
        "/nowhere",
    ] {
        routes.extend([Method::GET, Method::POST].map(|method| (method, path.to_owned())));
    }
    routes
}

/// Attempts of every kind, until each is throttled.
async fn flood(server: &Server) {
    for number in 0..17 {
        server.login_via("192.0.2.1", ADA, "wrong").await;
        let body = json!({"email": format!("user{number}@example.com"), "password": PASSWORD});
        let header = [
            ("content-type", "application/json"),
            ("x-forwarded-for", "192.0.2.2"),
        ];
        let post = async |path: &str, body: serde_json::Value| {
            let path = format!("/api/auth/{path}");
            server
                .request(&Method::POST, &path, &header, &body.to_string())
                .await
        };
        post("register", body).await;
        post(
            "forgot-password",
            json!({"email": if number == 0 { ADA } else { EVE }}),
        )
        .await;
        let token = format!("{number:043}");
        post(
            "reset-password",
            json!({"token": token, "password": PASSWORD}),
        )
        .await;
        post("refresh", json!({"refresh_token": token})).await;
    }
    for host in 0..5 {
        let address = format!("198.51.100.{host}");
        server.login_via(&address, EVE, "wrong").await;
        server.login_via(&address, "no address", "wrong").await;
        // It is pending.
        server
            .login_via(&address, "user0@example.com", PASSWORD)
            .await;
    }
}
