//! Accepted hosts, and headers of every response.

use std::net::IpAddr;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use http::{Request, Version};
use proptest::prelude::*;
use reqwest::Url;
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier, UserStatus};
use tower_warder_accounts::{
    Accounts, Actor, Email, InMemoryAccountStore, Password, UserCreate, UserUpdate,
};
use tower_warder_server::bootstrap::Bootstrap;
use tower_warder_server::origin::{self, PublicOrigin};
use tower_warder_server::site::Site;

use crate::support::{Answer, send};

const HTTPS: &str = "https://login.example";

fn origin(text: &str) -> PublicOrigin {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The whole server with one approved account, `1`, and a token for it.
async fn server(public_origin: Option<&str>) -> (Router, String) {
    let public_origin = public_origin.map(origin);
    let secret = HmacSecret::generate();
    let issuer = JwtIssuer::hs256(&secret);
    let accounts = Accounts::new(InMemoryAccountStore::new(), issuer.clone());
    let email = Email::new("ada@example.com").unwrap();
    let new = UserCreate::new(email, Password::new("correct horse").unwrap());
    let ada = accounts.register(new).await;
    let approved = UserUpdate {
        status: Some(UserStatus::Approved),
        ..UserUpdate::default()
    };
    let ada = accounts
        .update(ada.unwrap().id, approved, Actor::System)
        .await;
    let token = issuer.issue(&ada.unwrap().id.to_string()).unwrap();

    let cookie = origin::cookie(public_origin.as_ref()).unwrap();
    let app = tower_warder_server::app(
        accounts,
        JwtIssuer::hs256(&secret),
        JwtVerifier::hs256(&secret),
        cookie,
        None,
        &Site::default(),
    );
    let health = ["/healthz", "/readyz"]
        .into_iter()
        .fold(Router::new(), |router, path| {
            router.route(path, get(StatusCode::OK))
        });
    (origin::guarded(app, health, public_origin), token)
}

async fn response_for(app: &Router, path: &str, hosts: &[&str]) -> Answer {
    let mut request = Request::get(path);
    for host in hosts {
        request = request.header("host", *host);
    }
    send(app, request.body(Body::empty()).unwrap()).await
}

#[test]
fn public_origin_is_parsed_as_browsers_serialize_it() {
    for text in [
        "https://login.example",
        "https://login.example:8443",
        "https://login",
        "https://xn--lgin-6qa.example",
        "https://my_host.a1-b.example",
        "https://10.0.0.1",
        "https://[2001:db8::1]:8443",
        "http://localhost",
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://127.3.2.1",
        "http://[::1]:8000",
    ] {
        assert_eq!(origin(text).to_string(), text);
    }
    for text in [
        "",
        "login.example",
        "//login.example",
        "null",
        "*",
        "https://",
        "https://*",
        "https://*.example",
        "https://login.example/",
        "https://login.example/path",
        "https://login.example?a",
        "https://login.example#a",
        "https://login.example\\",
        "https://Login.example",
        "HTTPS://login.example",
        "https:login.example",
        "https://login.example:443",
        "https://login.example:",
        "https://login.example:0443",
        "https://login.example:08443",
        "https://login.example:+8443",
        "https://login.example:65536",
        "https://login.example:1:2",
        "https://login.example.",
        "https://.login.example",
        "https://login..example",
        "https://me@login.example",
        "https://login.example@evil.example",
        "https://login.example,https://evil.example",
        "https://löin.example",
        "https://login.exa%6dple",
        " https://login.example",
        "https://login.example ",
        "https://login.example\n",
        "https://1.2.3",
        "https://0x7f.1",
        "https://login.0x7f",
        "https://010.0.0.1",
        "https://1.2.3.4.5",
        "https://[::1",
        "https://::1",
        "https://[0:0:0:0:0:0:0:1]",
        "https://[::1]x",
        "https://[fe80::1%25lo]",
        "http://localhost:80",
        "ftp://login.example",
        "javascript://login.example",
    ] {
        let error = text.parse::<PublicOrigin>().unwrap_err();
        assert!(error.starts_with("it is no origin"), "{text}: {error}");
    }
    // Not encrypted.
    for text in [
        "http://login.example",
        "http://10.0.0.1",
        "http://0.0.0.0:8000",
        "http://localhost.example",
        "http://[2001:db8::1]",
    ] {
        let error = text.parse::<PublicOrigin>().unwrap_err();
        assert!(error.contains("https"), "{text}: {error}");
    }
}

#[test]
fn public_origin_selects_the_cookie() {
    for (public_origin, name, is_secure) in [
        (None, "tower_warder", false),
        (Some("http://localhost:8000"), "tower_warder", false),
        (Some(HTTPS), "__Host-tower_warder", true),
        (Some("https://localhost"), "__Host-tower_warder", true),
    ] {
        let cookie = origin::cookie(public_origin.map(origin).as_ref()).unwrap();
        assert_eq!(cookie.name(), name, "{public_origin:?}");
        let line = cookie.clear();
        let line = line.to_str().unwrap();
        assert_eq!(line.contains("; Secure"), is_secure, "{line}");
    }
}

#[test]
fn bootstrap_secret_is_required_on_public_addresses() {
    for (address, public_origin, expected) in [
        ("127.0.0.1", None, Bootstrap::FirstUser),
        ("127.3.0.1", None, Bootstrap::FirstUser),
        ("::1", None, Bootstrap::FirstUser),
        (
            "127.0.0.1",
            Some("http://localhost:8000"),
            Bootstrap::FirstUser,
        ),
        ("127.0.0.1", Some(HTTPS), Bootstrap::Secret),
        ("0.0.0.0", None, Bootstrap::Secret),
        ("0.0.0.0", Some("http://localhost:8000"), Bootstrap::Secret),
        ("::", None, Bootstrap::Secret),
        ("192.168.0.1", None, Bootstrap::Secret),
        ("192.168.0.1", Some(HTTPS), Bootstrap::Secret),
    ] {
        let public_origin = public_origin.map(origin);
        let found = Bootstrap::by_default(address.parse().unwrap(), public_origin.as_ref());
        assert_eq!(found, expected, "{address} {public_origin:?}");
    }
}

const PATHS: [&str; 8] = [
    "/",
    "/login",
    "/pages/style.css",
    "/nothing",
    "/api/auth/me",
    "/api/events",
    "/api/docs/",
    "/api/openapi.json",
];

#[tokio::test]
async fn only_the_host_of_the_public_origin_is_served() {
    let (app, _) = server(Some(HTTPS)).await;
    for (host, is_served) in [
        ("login.example", true),
        ("login.example:443", true),
        ("LOGIN.Example", true),
        ("login.example.", true),
        ("login.example.:443", true),
        ("login.example:", true),
        ("login.example:80", false),
        ("login.example:8443", false),
        ("login.example:443:443", false),
        ("login.example:+443", false),
        ("login.example:65979", false),
        ("login.example..", false),
        ("evil.login.example", false),
        ("login.example.evil.example", false),
        ("evil.example", false),
        ("me@login.example", false),
        ("login.example@evil.example", false),
        ("login.example, evil.example", false),
        ("login.example/", false),
        ("localhost", false),
        ("127.0.0.1:8000", false),
        ("[::1]", false),
        ("", false),
        (".", false),
        (":443", false),
    ] {
        for path in PATHS {
            let answer = response_for(&app, path, &[host]).await;
            assert_eq!(answer.status != 421, is_served, "{host} {path}");
            if !is_served {
                assert_eq!(answer.json()["code"], "misdirected_request");
                assert_eq!(
                    answer.header("content-type"),
                    Some("application/problem+json")
                );
            }
        }
        for path in ["/healthz", "/readyz"] {
            assert_eq!(
                response_for(&app, path, &[host]).await.status,
                200,
                "{host}"
            );
        }
    }
    let (app, _) = server(Some("https://login.example:8443")).await;
    for (host, status) in [
        ("login.example:8443", 200),
        ("login.example", 421),
        ("login.example:443", 421),
    ] {
        assert_eq!(response_for(&app, "/login", &[host]).await.status, status);
    }
}

#[tokio::test]
async fn only_loopback_hosts_are_served_without_a_public_origin() {
    let (app, _) = server(None).await;
    for (host, is_served) in [
        ("localhost", true),
        ("LocalHost:8000", true),
        ("localhost.:1", true),
        ("127.0.0.1:8000", true),
        ("127.255.0.9", true),
        ("[::1]", true),
        ("[::1]:8000", true),
        ("[0:0:0:0:0:0:0:1]:8000", true),
        ("::1", false),
        ("[::1", false),
        ("[::1]8000", false),
        ("[127.0.0.1]", false),
        ("[::2]", false),
        ("0.0.0.0:8000", false),
        ("[::]", false),
        ("10.0.0.1", false),
        ("127.0.0.1.evil.example", false),
        ("localhost.evil.example", false),
        ("evil.localhost.example:8000", false),
        ("rebound.evil.example:8000", false),
        ("localhost:evil.example", false),
        ("localhost:", true),
        ("localhost:99999", false),
        ("localhost ", false),
        ("2130706433", false),
        ("", false),
    ] {
        for path in PATHS {
            let answer = response_for(&app, path, &[host]).await;
            assert_eq!(answer.status != 421, is_served, "{host:?} {path}");
        }
    }
}

#[tokio::test]
async fn request_target_and_host_are_both_checked() {
    let (app, _) = server(Some(HTTPS)).await;
    for (target, hosts, status) in [
        // HTTP/2, and a proxy that sends both.
        ("https://login.example/login", &[][..], 200),
        ("http://login.example/login", &[], 200),
        ("https://login.example/login", &["login.example"], 200),
        ("https://evil.example/login", &[], 421),
        ("https://evil.example/login", &["login.example"], 421),
        ("https://login.example/login", &["evil.example"], 421),
        ("https://me@login.example/login", &[], 421),
        ("/login", &["login.example"], 200),
        ("/login", &[], 400),
        ("/login", &["login.example", "login.example"], 400),
        ("/login", &["login.example", "evil.example"], 400),
        (
            "https://login.example/login",
            &["login.example", "evil.example"],
            400,
        ),
    ] {
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            let mut request = Request::get(target).version(version);
            for host in hosts {
                request = request.header("host", *host);
            }
            let answer = send(&app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, status, "{target} {hosts:?} {version:?}");
            if status == 400 {
                assert_eq!(answer.json()["code"], "invalid_host");
            }
        }
    }
    let request = Request::get("/login").header("host", &b"login.example\xff"[..]);
    let answer = send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 421);
    // Headers of a proxy are ignored.
    let request = Request::get("/login")
        .header("host", "evil.example")
        .header("x-forwarded-host", "login.example")
        .header("forwarded", "host=login.example");
    let answer = send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 421);
}

#[tokio::test]
async fn rejected_host_changes_and_reads_nothing() {
    let (app, token) = server(Some(HTTPS)).await;
    for (host, status) in [("login.example", 200), ("evil.example", 421)] {
        let request = Request::get("/api/auth/me")
            .header("host", host)
            .header("authorization", format!("Bearer {token}"));
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.body.contains("ada@example.com"), status == 200);
    }
    let request = Request::post("/api/auth/cookie/login")
        .header("host", "evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(
            "username=ada@example.com&password=correct+horse",
        ));
    let answer = send(&app, request.unwrap()).await;
    assert_eq!(answer.status, 421);
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test]
async fn cookie_is_accepted_from_the_public_origin_only() {
    for (public_origin, host, others) in [
        (
            HTTPS,
            "login.example:443",
            [
                "http://login.example",
                "https://login.example:8443",
                "https://evil.example",
                "null",
            ],
        ),
        (
            "http://localhost:8000",
            "localhost:8000",
            [
                "https://localhost:8000",
                "http://localhost:8001",
                "http://127.0.0.1:8000",
                "null",
            ],
        ),
    ] {
        let (app, token) = server(Some(public_origin)).await;
        let cookie = origin::cookie(Some(&origin(public_origin))).unwrap();
        let ticket = async |page: &str| {
            let request = Request::post("/api/auth/stream-ticket")
                .header("host", host)
                .header("cookie", format!("{}={token}", cookie.name()))
                .header("origin", page);
            send(&app, request.body(Body::empty()).unwrap()).await
        };
        assert_eq!(ticket(public_origin).await.status, 200, "{public_origin}");
        for page in others {
            let answer = ticket(page).await;
            assert_eq!(answer.status, 403, "{public_origin} {page}");
            assert_eq!(answer.json()["code"], "cross_origin", "{page}");
        }
    }
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    for (public_origin, host) in [
        (None, "localhost"),
        (Some("http://localhost:8000"), "localhost:8000"),
        (Some(HTTPS), "login.example"),
    ] {
        let (app, token) = server(public_origin).await;
        let request = |method: &str, path: &str, host: &str| {
            let request = Request::builder().method(method).uri(path);
            let request = request.header("host", host).header("accept", "text/html");
            request.body(Body::empty()).unwrap()
        };
        let mut answers = Vec::new();
        for (method, path, host, status) in [
            ("GET", "/login", host, 200),
            ("GET", "/register", host, 200),
            ("GET", "/", host, 303),
            ("GET", "/users", host, 303),
            ("POST", "/login", host, 415),
            ("POST", "/waiting", host, 405),
            ("POST", "/logout", host, 303),
            ("GET", "/profile/", host, 308),
            ("GET", "/waiting/status", host, 200),
            ("GET", "/pages/style.css", host, 200),
            ("GET", "/nothing", host, 404),
            ("GET", "/api/docs", host, 303),
            ("GET", "/api/docs/", host, 200),
            ("GET", "/api/docs/nothing.js", host, 404),
            ("GET", "/api/openapi.json", host, 200),
            ("GET", "/api/auth/nothing", host, 404),
            ("GET", "/api/auth/login", host, 405),
            ("GET", "/api/auth/me", host, 401),
            ("POST", "/api/auth/login", host, 415),
            ("GET", "/api/events", host, 401),
            ("GET", "/api/ws", host, 401),
            ("GET", "/healthz", "any.example", 200),
            ("POST", "/readyz", "any.example", 405),
            ("GET", "/login", "evil.example", 421),
            ("OPTIONS", "/api/auth/me", host, 405),
        ] {
            let answer = send(&app, request(method, path, host)).await;
            assert_eq!(answer.status, status, "{method} {path}");
            answers.push((path, answer));
        }
        let no_host = Request::get("/").body(Body::empty()).unwrap();
        answers.push(("no host", send(&app, no_host).await));
        for (body, status) in [("{", 422), ("{}", 422)] {
            let request = Request::post("/api/auth/register")
                .header("host", host)
                .header("content-type", "application/json");
            let answer = send(&app, request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.status, status, "{body}");
            answers.push((body, answer));
        }
        let request = Request::get("/api/auth/me")
            .header("host", host)
            .header("authorization", format!("Bearer {token}"));
        let me = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(me.status, 200);
        answers.push(("me", me));

        let is_https = public_origin == Some(HTTPS);
        for (path, answer) in answers {
            for (name, value) in [
                ("x-content-type-options", Some("nosniff")),
                ("referrer-policy", Some("same-origin")),
                ("cross-origin-opener-policy", Some("same-origin")),
                ("cross-origin-resource-policy", Some("same-origin")),
                (
                    "strict-transport-security",
                    is_https.then_some("max-age=31536000"),
                ),
            ] {
                assert_eq!(answer.header(name), value, "{path} {name}");
                let lines = answer.headers.get_all(name).iter().count();
                assert_eq!(lines, usize::from(value.is_some()), "{path} {name}");
            }
        }
    }
}

/// Accepted hosts, hosts that differ from them in one character, and random combinations.
fn hosts() -> impl Strategy<Value = String> {
    let pieces = "login.example login example . : 443 8443 80 localhost 127.0.0 127 0 1 [ ] ::1 @ / \
        % x LOGIN \\ ? # + - _ 0x7f ß 。";
    let piece = prop::sample::select(pieces.split(' ').chain([" ", "\t"]).collect::<Vec<_>>());
    let random = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    let served = prop::sample::select(vec![
        "login.example",
        "LOGIN.example.:443",
        "login.example:8443",
        "localhost:8000",
        "Localhost.",
        "127.0.0.1:8000",
        "[::1]:8000",
    ]);
    let near = (served.clone(), any::<prop::sample::Index>(), "[!-~]|\\PC");
    let near = near.prop_map(|(host, at, other)| {
        let at = at.index(host.len());
        format!("{}{other}{}", &host[..at], &host[at + 1..])
    });
    prop_oneof![random, near, served.prop_map(str::to_owned)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// The other parser is that of the URL Standard, which browsers implement.
    #[test]
    fn served_host_is_the_same_for_another_parser(host in hosts()) {
        let parsed = || Url::parse(&format!("https://{host}/")).unwrap();
        for public_origin in [HTTPS, "https://login.example:8443", "https://[::1]"] {
            let own = Url::parse(public_origin).unwrap();
            if origin::is_served(Some(&origin(public_origin)), host.as_bytes()) {
                let url = parsed();
                let name = url.host_str().unwrap();
                prop_assert_eq!(name.strip_suffix('.').unwrap_or(name), own.host_str().unwrap());
                prop_assert_eq!(url.port_or_known_default(), own.port_or_known_default());
                prop_assert!(url.username().is_empty() && url.path() == "/");
            }
        }
        if origin::is_served(None, host.as_bytes()) {
            let url = parsed();
            let name = url.host_str().unwrap().trim_matches(['[', ']']);
            let is_loopback = match name.parse::<IpAddr>() {
                Ok(address) => address.is_loopback(),
                Err(_) => name.strip_suffix('.').unwrap_or(name) == "localhost",
            };
            prop_assert!(is_loopback && url.username().is_empty() && url.path() == "/");
        }
    }

    #[test]
    fn accepted_origin_is_valid_for_another_parser(host in hosts(), is_https: bool) {
        let scheme = if is_https { "https" } else { "http" };
        let text = format!("{scheme}://{host}");
        if text.parse::<PublicOrigin>().is_ok() {
            let url = Url::parse(&text).unwrap();
            prop_assert_eq!(url.origin().ascii_serialization(), text);
        }
    }
}
