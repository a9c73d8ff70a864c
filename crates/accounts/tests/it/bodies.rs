//! Invalid request bodies.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream::{self, BoxStream, StreamExt};
use http::Request;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tower_warder_accounts::InMemoryAccountStore;

use super::server::{FORM, PASSWORD, Server, bare, body, by, form, json_to};
use super::sessions;
use crate::support::Answer;

/// Type and location of each validation error.
fn validation_errors(answer: &Answer) -> Vec<(String, String)> {
    let detail = answer.json()["detail"].take();
    let errors = detail.as_array().unwrap().iter().map(|error| {
        let keys: Vec<_> = error.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["loc", "msg", "type"]);
        assert!(error["msg"].is_string());
        let loc: Vec<_> = error["loc"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part.as_str().unwrap())
            .collect();
        (error["type"].as_str().unwrap().to_owned(), loc.join("."))
    });
    errors.collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let expected = expected.iter();
    expected
        .map(|(kind, loc)| ((*kind).to_owned(), (*loc).to_owned()))
        .collect()
}

#[tokio::test]
async fn validation_errors_are_reported_together() {
    let server = Server::new().await;
    for (new, expected) in [
        (
            json!({}),
            [("missing", "body.email"), ("missing", "body.password")],
        ),
        (
            json!({"email": "hunter", "password": "hunter2"}),
            [
                ("value_error", "body.email"),
                ("string_too_short", "body.password"),
            ],
        ),
        (
            json!({"email": ["hunter"], "password": {"hunter2": 1}}),
            [
                ("string_type", "body.email"),
                ("string_type", "body.password"),
            ],
        ),
        (
            json!({"email": null, "password": "hunter2".repeat(20)}),
            [
                ("string_type", "body.email"),
                ("string_too_long", "body.password"),
            ],
        ),
    ] {
        let answer = server.send(json_to("POST", "/register", &new)).await;
        assert_eq!(answer.status, 422, "{new}");
        assert_eq!(validation_errors(&answer), pairs(&expected), "{new}");
        assert!(!answer.body.contains("hunter"), "{}", answer.body);
    }

    let (root, admin) = server.admin().await;
    let update = json!({"email": "hunter", "is_admin": "hunter", "status": "hunter"});
    let answer = server.put(&admin, root.id, update).await;
    let expected = [
        ("value_error", "body.email"),
        ("bool_type", "body.is_admin"),
        ("enum", "body.status"),
    ];
    assert_eq!(validation_errors(&answer), pairs(&expected));
    assert!(!answer.body.contains("hunter"), "{}", answer.body);

    let answer = server.send(form("grant_type=hunter&user=hunter")).await;
    let expected = [
        ("string_pattern_mismatch", "body.grant_type"),
        ("missing", "body.username"),
        ("missing", "body.password"),
    ];
    assert_eq!(validation_errors(&answer), pairs(&expected));
    assert!(!answer.body.contains("hunter"), "{}", answer.body);

    let answer = server.reset(&admin, root.id, "hunter2").await;
    assert_eq!(
        validation_errors(&answer),
        pairs(&[("string_too_short", "body.password")])
    );
}

#[tokio::test]
async fn non_object_body_is_one_validation_error() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let deep = "[".repeat(8_000);
    for (text, kind) in [
        ("", "json_invalid"),
        ("{", "json_invalid"),
        ("hunter2", "json_invalid"),
        (
            r#"{"email": "a@b.cd", "password": "hunter22"} x"#,
            "json_invalid",
        ),
        (
            r#"{"email": "a@b.cd", "password": "hunter22\ud800"}"#,
            "json_invalid",
        ),
        (r#"{"email": "a@b.cd", "password": 1e999}"#, "json_invalid"),
        (&deep, "json_invalid"),
        ("null", "model_attributes_type"),
        (r#"["hunter2"]"#, "model_attributes_type"),
        (r#""hunter2""#, "model_attributes_type"),
    ] {
        for (method, path) in [
            ("POST", "/register"),
            ("PUT", "/users/1"),
            ("POST", "/users/1/reset-password"),
        ] {
            let request = body(method, path, "application/json", text.to_owned());
            let answer = server.send(by(&admin, request)).await;
            assert_eq!(answer.status, 422, "{text:.40}");
            assert_eq!(
                validation_errors(&answer),
                pairs(&[(kind, "body")]),
                "{text:.40}"
            );
            assert!(!answer.body.contains("hunter"), "{}", answer.body);
        }
    }
    let not_utf8 = [
        br#"{"email": "a@b.cd", "password": "hunter22"#,
        &b"\xff\"}"[..],
    ]
    .concat();
    let answer = server
        .send(body("POST", "/register", "application/json", not_utf8))
        .await;
    assert_eq!(answer.status, 422);
}

#[tokio::test]
async fn duplicate_members_are_rejected() {
    let server = sessions::client::server();
    let (root, admin) = server.admin().await;
    let tokens = sessions::client::jane(&server).await;
    let own = server.token_of("root@example.org", PASSWORD).await;
    let update = format!("/users/{}", root.id + 1);
    let reset = format!("{update}/reset-password");
    let refresh = format!(r#""refresh_token": "{}""#, tokens.refresh);
    let change = r#""current_password": "correct horse", "new_password": "another password""#;
    let register = r#""email": "bob@example.org", "password": "correct horse""#;
    for (method, path, members, duplicates) in [
        (
            "POST",
            "/register",
            register,
            [r#""email": "x@example.org""#, r#""\u0065mail": 1"#],
        ),
        (
            "PUT",
            &update,
            r#""is_admin": false"#,
            [r#""is_admin": true"#, r#""is\u005fadmin": true"#],
        ),
        (
            "POST",
            "/refresh",
            &refresh,
            [r#""refresh_token": """#, r#""refresh\u005ftoken": """#],
        ),
        (
            "POST",
            "/logout",
            &refresh,
            [r#""refresh_token": """#, r#""refresh\u005ftoken": """#],
        ),
        // These end the sessions, so they come last.
        (
            "POST",
            &reset,
            r#""password": "another password""#,
            [r#""password": 1"#, r#""passwor\u0064": 1"#],
        ),
        (
            "POST",
            "/password",
            change,
            [r#""new_password": "x""#, r#""new\u005Fpassword": "x""#],
        ),
    ] {
        let token = if path == "/password" { &own } else { &admin };
        let unknown = [
            r#""a": 1, "a": 2"#,
            r#""a": 1, "\u0061": 2"#,
            r#""a": [{"b": {}, "b": {}}]"#,
        ];
        for more in duplicates.into_iter().chain(unknown) {
            for text in [
                format!("{{{members}, {more}}}"),
                format!("{{{more}, {members}}}"),
            ] {
                let request = body(method, path, "application/json", text.clone());
                let answer = server.send(by(token, request)).await;
                assert_eq!(answer.status, 422, "{path}: {text}");
                assert_eq!(
                    validation_errors(&answer),
                    pairs(&[("json_invalid", "body")]),
                    "{text}"
                );
                assert!(!answer.body.contains("another"), "{}", answer.body);
            }
        }
        // Unique names are valid, also if nested objects repeat them.
        let text = format!(r#"{{{members}, "a": [{{"a": 1}}, {{"a": 2}}], "A": 1}}"#);
        let request = body(method, path, "application/json", text);
        let answer = server.send(by(token, request)).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn duplicate_and_malformed_form_fields_are_rejected() {
    let server = Server::new().await;
    server.jane().await;
    let good = "username=jane%40example.org&password=correct+horse";
    for path in ["/login", "/cookie/login"] {
        let log_in = async |fields: &str| {
            server
                .send(body("POST", path, FORM, fields.to_owned()))
                .await
        };
        for more in [
            "username=jane%40example.org",
            "username",
            "user%6eame=x",
            "password=correct+horse",
            "p%61ssword=",
            "grant_type=password&grant_type=password",
            "grant_type=&grant_type=password",
            "scope=a&scope=b",
            "other=1&%6fther=2",
            "&=1&=2",
            "scope=%zz",
            "scope=%",
            "scope=%ff",
            "%ff=1",
            "scope=\u{fffd}%C3",
        ] {
            for fields in [format!("{good}&{more}"), format!("{more}&{good}")] {
                let answer = log_in(&fields).await;
                assert_eq!(answer.status, 422, "{path} {fields}");
                assert_eq!(
                    validation_errors(&answer),
                    pairs(&[("value_error", "body")]),
                    "{fields}"
                );
                assert_eq!(answer.header("set-cookie"), None);
            }
        }
        for more in ["scope=a%20b&client_id=%C3%A4", "Username=x", "&&scope=ä&"] {
            assert_eq!(
                log_in(&format!("{good}&{more}")).await.status,
                200,
                "{more}"
            );
        }
        let raw = [good.as_bytes(), b"&scope=\xff"].concat();
        assert_eq!(server.send(body("POST", path, FORM, raw)).await.status, 422);
    }
}

#[tokio::test]
async fn wrong_media_type_is_415() {
    let server = Server::new().await;
    let new = json!({"email": "jane@example.org", "password": PASSWORD}).to_string();
    for (media_type, status) in [
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 409),
        ("application/vnd.example+json", 409),
        ("text/plain", 415),
        ("text/json", 415),
        ("application/jsonx", 415),
        (FORM, 415),
        ("multipart/form-data; boundary=x", 415),
    ] {
        let answer = server
            .send(body("POST", "/register", media_type, new.clone()))
            .await;
        assert_eq!(answer.status, status, "{media_type}");
    }
    let fields = format!("username=jane%40example.org&password={PASSWORD}");
    for (media_type, status) in [
        (FORM, 200),
        ("application/x-www-form-urlencoded;charset=UTF-8", 200),
        ("application/json", 415),
        ("text/plain", 415),
    ] {
        let answer = server
            .send(body("POST", "/login", media_type, fields.clone()))
            .await;
        assert_eq!(answer.status, status, "{media_type}");
    }
    for path in ["/register", "/login"] {
        let mut request = bare("POST", path);
        *request.body_mut() = Body::from("x");
        assert_eq!(server.send(request).await.status, 415);
    }
}

/// A body in chunks of 1 KiB, and the number of chunks that were read.
fn chunked(head: String, count: usize) -> (Body, Arc<AtomicUsize>) {
    let read_count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read_count);
    let tail = (0..count).map(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Bytes::from_static(&[b' '; 1024])
    });
    let head = std::iter::once(Bytes::from(head));
    let all = head.chain(tail).map(Ok::<_, Infallible>);
    (Body::from_stream(stream::iter(all)), read_count)
}

#[tokio::test]
async fn body_over_8_kib_is_413_and_drained() {
    let server = Server::new().await;
    let new = json!({"email": "jane@example.org", "password": PASSWORD}).to_string();
    let padded = |length: usize| format!("{new}{}", " ".repeat(length - new.len()));
    for (text, status) in [(padded(8193), 413), (padded(8192), 201)] {
        let answer = server
            .send(body("POST", "/register", "application/json", text))
            .await;
        assert_eq!(answer.status, status);
    }

    for (count, read) in [(7, 7), (8, 8), (4096, 4096), (100_000, 8 * 1024)] {
        let (stream, read_count) = chunked(new.clone(), count);
        let answer = server
            .send(body("POST", "/register", "application/json", stream))
            .await;
        assert_eq!(answer.status, if count == 7 { 409 } else { 413 });
        assert_eq!(read_count.load(Ordering::SeqCst), read);
    }
    let (stream, _) = chunked("username=".to_owned(), 64);
    assert_eq!(
        server
            .send(body("POST", "/login", FORM, stream))
            .await
            .status,
        413
    );
}

/// Makes the rest of a body.
type Tail = fn() -> BoxStream<'static, Bytes>;

fn byte_by_byte() -> BoxStream<'static, Bytes> {
    let bytes = stream::repeat(Bytes::from_static(b"x")).then(async |byte| {
        sleep(Duration::from_secs(1)).await;
        byte
    });
    bytes.boxed()
}

/// Sends this many bytes and then stalls.
fn pause_after(length: usize) -> BoxStream<'static, Bytes> {
    let bytes = stream::iter([Bytes::from(" ".repeat(length))]);
    bytes.chain(stream::pending()).boxed()
}

/// The requests that have a body, each with the beginning of one and then `tail`.
fn with_body_tail(tail: Tail) -> Vec<Request<Body>> {
    let begin = |method, path, media_type, head: &'static str| {
        let head = stream::iter([Bytes::from_static(head.as_bytes())]);
        let all = head.chain(tail()).map(Ok::<_, Infallible>);
        body(method, path, media_type, Body::from_stream(all))
    };
    let json = |method, path| begin(method, path, "application/json", "{\"password\": \"");
    vec![
        json("POST", "/register"),
        json("PUT", "/users/1"),
        json("POST", "/users/1/reset-password"),
        begin("POST", "/login", FORM, "username="),
        begin("POST", "/cookie/login", FORM, "username="),
    ]
}

#[tokio::test(start_paused = true)]
async fn slow_body_is_408() {
    let server = Server::over(InMemoryAccountStore::new());
    let (_, admin) = server.admin().await;
    let tails: [(Tail, u16); 4] = [
        (|| stream::pending().boxed(), 408),
        (byte_by_byte, 408),
        (|| pause_after(8 * 1024), 413),
        (|| pause_after(64 * 1024), 413),
    ];
    for (tail, status) in tails {
        for request in with_body_tail(tail) {
            let case = format!("{} {}", request.method(), request.uri());
            let start = Instant::now();
            let answer = server.send(by(&admin, request)).await;
            assert_eq!(answer.status, status, "{case}");
            assert_eq!(start.elapsed(), Duration::from_secs(10), "{case}");
            if status == 408 {
                assert_eq!(answer.json()["code"], "request_timeout");
                assert_eq!(answer.header("connection"), Some("close"));
            }
        }
    }
}

#[tokio::test]
async fn interrupted_body_is_400() {
    let server = Server::new().await;
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err("connection lost")]);
    let request = body(
        "POST",
        "/register",
        "application/json",
        Body::from_stream(broken),
    );
    assert_eq!(server.send(request).await.status, 400);
}

#[tokio::test]
async fn unknown_members_assign_nothing() {
    let server = Server::new().await;
    let (root, admin) = server.admin().await;
    let extra = json!({
        "email": "jane@example.org",
        "password": PASSWORD,
        "id": 77,
        "is_admin": true,
        "status": "approved",
        "token_generation": 5,
        "created_at": "1999-01-01T00:00:00Z",
        "approved_by": 1,
        "hashed_password": "mine",
    });
    let registered = server
        .send(json_to("POST", "/register", &extra))
        .await
        .json();
    let jane = server.stored(root.id + 1).await;
    assert_eq!(registered["id"], jane.id);
    assert_eq!(registered["is_admin"], false);
    assert_eq!(registered["status"], "pending");
    assert_eq!((jane.token_generation, jane.approved_by), (0, None));
    assert_eq!(jane.created_at, server.clock.now());

    for update in [
        json!({}),
        json!({"email": null, "is_admin": null, "status": null}),
        json!({"id": 5, "token_generation": 9, "hashed_password": "x", "password": "y", "approved_at": 1}),
    ] {
        let answer = server.put(&admin, jane.id, update.clone()).await;
        assert_eq!(answer.status, 200, "{update}");
        assert_eq!(server.stored(jane.id).await, jane, "{update}");
    }
    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 403);
}
