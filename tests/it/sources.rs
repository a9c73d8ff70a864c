//! Credential sources.

use axum::Router;
use axum::body::Body;
use axum::routing::{any as on_any, get as on_get};
use futures_util::FutureExt;
use http::header::{
    AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL,
};
use http::{Method, Request};
use proptest::prelude::*;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::error::ConfigError;
use tower_warder::policy::Approved;
use tower_warder::testing::{self, FixedClock, TestUser};
use tower_warder::{AdminUser, Claims, CurrentUser, HmacSecret, JwtIssuer, Require};

use crate::support::{Mood, Store, get, get_with, layer, send};

#[tokio::test]
async fn default_layer_reads_only_the_authorization_header() {
    let token = testing::token("jane");
    for source in [CredentialSource::default(), CredentialSource::header()] {
        let app = app(source);
        assert_eq!(
            send(&app, get(&format!("/events?token={token}")))
                .await
                .status,
            401
        );
        for (name, value) in everywhere(&token) {
            let mut request = get("/events");
            request.headers_mut().insert(name, value);
            assert_eq!(send(&app, request).await.status, 401);
        }
        let request = get_with("/events", &token);
        assert_eq!(send(&app, request).await.status, 200);
    }
}

#[tokio::test]
async fn optional_user_of_a_cross_origin_cookie_is_rejected() {
    let app = app(CredentialSource::header().with_cookie(cookie()));
    let post = |cookie: Option<String>| {
        let mut request = Request::post("/option").header("sec-fetch-site", "cross-site");
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        request.body(Body::empty()).unwrap()
    };
    let token = testing::token("jane");
    let rejected = send(&app, post(Some(format!("__Host-id={token}")))).await;
    assert_eq!(
        (rejected.status.as_u16(), rejected.detail().as_str()),
        (403, CROSS_ORIGIN)
    );
    let anonymous = send(&app, post(None)).await;
    assert_eq!(
        (anonymous.status.as_u16(), anonymous.body.as_str()),
        (200, "nobody")
    );
    let public = Request::post("/public").header("sec-fetch-site", "cross-site");
    let public = public.header(COOKIE, format!("__Host-id={token}"));
    assert_eq!(
        send(&app, public.body(Body::empty()).unwrap()).await.status,
        200
    );
}

#[tokio::test]
async fn invalid_cookie_is_anonymous_for_optional_user_unlike_header() {
    let secret = HmacSecret::generate();
    let forged = JwtIssuer::hs256(&secret).issue("jane").unwrap();
    let long_ago = FixedClock::at(std::time::UNIX_EPOCH).clock();
    let expired = testing::issuer().clock(long_ago).issue("jane").unwrap();
    let token = testing::token;
    let disclosing =
        || around(CredentialSource::header().with_cookie(cookie())).disclose_account_status(true);
    let only_cookie = || around(CredentialSource::cookie(cookie()));
    for (app, source) in [
        (optional(around(everything())), "everything"),
        (optional(disclosing()), "disclosing"),
        (optional(only_cookie()), "cookie"),
    ] {
        // Value of the cookie, whether its claims are valid, whether its user is authorized.
        for (value, claims, user) in [
            (token("jane"), true, true),
            (token("dora"), true, false),
            (token("paul"), true, false),
            (token("nobody"), true, false),
            (forged.clone(), false, false),
            (expired.clone(), false, false),
            ("abc".to_owned(), false, false),
            (String::new(), false, false),
            ("a.b.c; __Host-id=d.e.f".to_owned(), false, false),
        ] {
            for (path, found) in [("/user", user), ("/guarded", user), ("/claims", claims)] {
                let place = format!("{source} {path} {value}");
                let mut request = get(path);
                let line = format!("__Host-id={value}").parse().unwrap();
                request.headers_mut().insert(COOKIE, line);
                let answer = send(&app, request).await;
                let expected = if found { "somebody" } else { "nobody" };
                assert_eq!(answer.status, 200, "{place}");
                assert_eq!(answer.body, expected, "{place}");

                if !value.contains(';') && source != "cookie" {
                    let answer = send(&app, get_with(path, &value)).await;
                    assert_eq!(answer.status == 200, found, "{place}");
                    assert_eq!(answer.header("set-cookie"), None, "{place}");
                }
            }
        }
        // Authenticated but not authorized.
        let mut request = get("/admin");
        let line = format!("__Host-id={}", token("jane")).parse().unwrap();
        request.headers_mut().insert(COOKIE, line);
        let answer = send(&app, request).await;
        assert_eq!(answer.status, 403, "{source}");
        assert_eq!(answer.header("set-cookie"), None, "{source}");
    }
}

#[tokio::test]
async fn outage_is_503_for_optional_user_and_keeps_the_cookie() {
    let source = CredentialSource::header().with_cookie(cookie());
    let app = optional(layer(&Store::is(Mood::Fails)).credentials(source));
    for (path, status) in [
        ("/user", 503),
        ("/guarded", 503),
        ("/admin", 503),
        ("/claims", 200),
    ] {
        let mut request = get(path);
        let line = format!("__Host-id={}", testing::token("jane"))
            .parse()
            .unwrap();
        request.headers_mut().insert(COOKIE, line);
        let answer = send(&app, request).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
}

#[tokio::test]
async fn rejected_cookie_is_cleared_with_its_own_attributes() {
    let plain = AuthCookie::dangerous_without_tls("id").unwrap();
    for cookie in [
        cookie(),
        cookie().same_site_strict(),
        plain.clone(),
        plain.same_site_strict(),
    ] {
        let app = app(CredentialSource::header().with_cookie(cookie.clone()));
        let mut request = get("/events");
        let line = format!("{}=abc", cookie.name()).parse().unwrap();
        request.headers_mut().insert(COOKIE, line);
        let answer = send(&app, request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.headers["set-cookie"], cookie.clear());
    }
}

#[tokio::test]
async fn used_cookie_is_that_of_the_credential() {
    let source = CredentialSource::header().with_cookie(cookie());
    let token = testing::token("jane");
    let mut by_cookie = get("/");
    let line = format!("__Host-id={token}").parse().unwrap();
    by_cookie.headers_mut().insert(COOKIE, line);
    for (request, used) in [
        (by_cookie, Some("__Host-id")),
        (get_with("/", &token), None),
        (get("/"), None),
    ] {
        let identity = crate::support::identity(&around(source.clone()), request).await;
        let cookie = tower_warder::private::used_cookie(&identity);
        assert_eq!(cookie.map(AuthCookie::name), used);
    }
}

#[tokio::test]
async fn invalid_cookie_is_not_anonymous_to_identity() {
    let source = CredentialSource::header().with_cookie(cookie());
    for (value, clears_cookie) in [("abc", true), (&*testing::token("dora"), true)] {
        let mut request = get("/");
        let line = format!("__Host-id={value}").parse().unwrap();
        request.headers_mut().insert(COOKIE, line);
        let identity = crate::support::identity(&around(source.clone()), request).await;
        assert!(!identity.is_anonymous());
        let rejected = identity.require(&Approved).await.unwrap_err();
        assert_eq!(rejected.clears_cookie(), clears_cookie);
    }
    let identity = crate::support::identity(&around(source), get_with("/", "abc")).await;
    let rejected = identity.require(&Approved).await.unwrap_err();
    assert!(!rejected.clears_cookie());
}

#[tokio::test]
async fn cross_site_link_is_accepted_and_form_or_socket_is_rejected() {
    let app = app(CredentialSource::cookie(cookie()));
    for (method, upgrade, status) in [
        (Method::GET, false, 200),
        (Method::HEAD, false, 200),
        (Method::POST, false, 403),
        (Method::PUT, false, 403),
        (Method::PATCH, false, 403),
        (Method::DELETE, false, 403),
        (Method::GET, true, 403),
        (Method::CONNECT, false, 403),
    ] {
        for (site, status) in [("cross-site", status), ("same-origin", 200)] {
            let mut request = Request::builder()
                .method(&method)
                .uri("/events")
                .header("sec-fetch-site", site)
                .header(COOKIE, format!("__Host-id={}", testing::token("jane")));
            if upgrade {
                request = request
                    .header("connection", "upgrade")
                    .header("upgrade", "websocket");
            }
            let answer = send(&app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, status, "{method} {site} {upgrade}");
        }
    }
}

#[tokio::test]
async fn nested_layer_sees_the_remaining_path() {
    let token = testing::token("jane");
    let source = |path| CredentialSource::header().with_query_token(path).unwrap();
    let routes = || Router::new().route("/events", on_get(async |_: CurrentUser<TestUser>| "in"));
    let outside = |path| {
        Router::new()
            .nest("/api", routes())
            .layer(around(source(path)))
    };
    let inside = |path| Router::new().nest("/api", routes().layer(around(source(path))));
    for (app, status) in [
        (outside("/api/events"), 200),
        (outside("/events"), 401),
        (inside("/events"), 200),
        (inside("/api/events"), 401),
    ] {
        let request = get(&format!("/api/events?token={token}"));
        assert_eq!(send(&app, request).await.status, status);
    }
}

#[tokio::test]
async fn header_only_inner_layer_ignores_the_cookie() {
    let bearer_only = Router::new()
        .route("/bearer", on_get(async |_: CurrentUser<TestUser>| "in"))
        .layer(around(CredentialSource::header()));
    let app = app(CredentialSource::header().with_cookie(cookie()))
        .merge(bearer_only.layer(around(CredentialSource::cookie(cookie()))));
    let token = testing::token("jane");
    for (path, status) in [("/bearer", 401), ("/events", 200)] {
        let mut request = get(path);
        let cookie = format!("__Host-id={token}").parse().unwrap();
        request.headers_mut().insert(COOKIE, cookie);
        assert_eq!(send(&app, request).await.status, status, "{path}");
    }
    assert_eq!(send(&app, get_with("/bearer", &token)).await.status, 200);
}

#[tokio::test]
async fn credential_headers_are_marked_sensitive() {
    let cookie_alone = || CredentialSource::cookie(cookie());
    for (source, expected) in [
        (CredentialSource::header(), [false, false]),
        (cookie_alone(), [true, false]),
        (
            cookie_alone().with_websocket_subprotocol("/other").unwrap(),
            [true, false],
        ),
        // The subprotocol is the credential; the cookie is not read.
        (
            cookie_alone()
                .with_websocket_subprotocol("/events")
                .unwrap(),
            [false, true],
        ),
    ] {
        let [cookie, subprotocol] = expected;
        let check = async move |headers: HeaderMap| {
            for (name, expected) in [(COOKIE, cookie), (SEC_WEBSOCKET_PROTOCOL, subprotocol)] {
                let lines: Vec<_> = headers.get_all(&name).iter().collect();
                assert_eq!(lines.len(), 2);
                assert!(
                    lines.iter().all(|line| line.is_sensitive() == expected),
                    "{name}"
                );
            }
        };
        let app = Router::new()
            .route("/events", on_get(check))
            .layer(around(source));
        let mut request = get("/events");
        for (name, value) in everywhere("a-token-of-somebody") {
            request.headers_mut().append(name.clone(), value);
            request
                .headers_mut()
                .append(name, HeaderValue::from_static("a-second-line"));
        }
        assert_eq!(send(&app, request).await.status, 200);
    }
}

#[test]
fn unsuitable_header_name_is_a_config_error() {
    for name in [
        "",
        "a b",
        "Authorization",
        "cookie",
        "sec-websocket-protocol",
    ] {
        for rejected in [
            CredentialSource::named_header(name),
            CredentialSource::header().with_named_header(name),
        ] {
            let error = rejected.unwrap_err();
            assert!(matches!(error, ConfigError::InvalidHeaderName(_)), "{name}");
        }
    }
    let rejected = CredentialSource::named_header("x-token")
        .unwrap()
        .trusted_origin("*");
    assert!(matches!(rejected, Err(ConfigError::InvalidOrigin(_))));
}

#[tokio::test]
async fn several_named_headers_are_read_and_marked_sensitive() {
    let source = CredentialSource::named_header("X-Forwarded-Access-Token").unwrap();
    let source = source
        .with_named_header("x-goog-iap-jwt-assertion")
        .unwrap();
    let names = ["x-forwarded-access-token", "x-goog-iap-jwt-assertion"];
    let check = async move |headers: HeaderMap, _: CurrentUser<TestUser>| {
        let sent = names.iter().filter_map(|name| headers.get(*name));
        assert!(sent.clone().count() == 1 && sent.clone().all(HeaderValue::is_sensitive));
    };
    let app = Router::new()
        .route("/events", on_get(check))
        .layer(around(source));
    let token: HeaderValue = testing::token("jane").parse().unwrap();
    for name in names {
        let mut request = get("/events");
        request.headers_mut().insert(name, token.clone());
        assert_eq!(send(&app, request).await.status, 200, "{name}");
    }
    let mut both = get("/events");
    for name in names {
        both.headers_mut().insert(name, token.clone());
    }
    assert_eq!(send(&app, both).await.status, 400);
    assert_eq!(send(&app, get_with("/events", "abc")).await.status, 401);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_rejected_without_a_panic(
        query in "[ -\"$-~]{0,40}",
        pieces in proptest::collection::vec((0..7usize, value()), 0..6),
    ) {
        let names = [
            HeaderName::from_static("origin"),
            HeaderName::from_static("sec-fetch-site"),
            HeaderName::from_static("host"),
            COOKIE,
            SEC_WEBSOCKET_PROTOCOL,
            AUTHORIZATION,
            HeaderName::from_static(NAMED),
        ];
        let query: String = query.chars().filter(|c| !"\"<>\\^`{|} ".contains(*c)).collect();
        let mut request = Request::post(format!("/events?{query}")).body(Body::empty()).unwrap();
        for (name, value) in pieces {
            request.headers_mut().append(names[name].clone(), value);
        }
        let answer = send(&app(everything()), request).now_or_never().unwrap();
        prop_assert!([400, 401, 403].contains(&answer.status.as_u16()), "{}", answer.status);
    }

    // axum-extra uses this crate.
    #[test]
    fn cookie_crate_reads_the_same_cookie(
        before in "[a-zA-Z_-]{1,8}=[a-z0-9\"=]{0,6}",
        after in "( ?[a-z]{1,4}(=[a-z ,]{0,5})?;){0,3}",
        gap in "[ \t]{0,2}",
    ) {
        let token = testing::token("jane");
        let line = format!("{before};{gap}__Host-id={token}{gap}; {after}");
        let theirs = ::cookie::Cookie::split_parse(line.clone()).flatten();
        let theirs: Vec<_> = theirs.filter(|cookie| cookie.name() == "__Host-id").collect();
        prop_assert_eq!(theirs.len(), 1);
        prop_assert_eq!(theirs[0].value(), token);

        let mut request = get("/events");
        request.headers_mut().insert(COOKIE, line.parse().unwrap());
        let answer = send(&app(everything()), request).now_or_never().unwrap();
        prop_assert_eq!(answer.status.as_u16(), 200);
    }
}

fn value() -> impl Strategy<Value = HeaderValue> {
    let words = prop_oneof![
        Just(b"__Host-id=".to_vec()),
        Just(b"bearer".to_vec()),
        Just(b"; ".to_vec()),
        Just(b", ".to_vec()),
        Just(b"https://shop.example:443".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    let bytes = proptest::collection::vec(words, 0..5).prop_map(|words| words.concat());
    bytes.prop_filter_map("a header value", |bytes| {
        HeaderValue::from_bytes(&bytes).ok()
    })
}

/// The token in every header except `Authorization`.
fn everywhere(token: &str) -> [(HeaderName, HeaderValue); 2] {
    let value = |text: String| HeaderValue::try_from(text).unwrap();
    [
        (
            COOKIE,
            value(format!("__Host-id={token}; id={token}; token={token}")),
        ),
        (SEC_WEBSOCKET_PROTOCOL, value(format!("bearer, {token}"))),
    ]
}

fn app(source: CredentialSource) -> Router {
    Router::new()
        .route("/events", on_any(async |_: CurrentUser<TestUser>| "in"))
        .route(
            "/option",
            on_any(async |user: Option<CurrentUser<TestUser>>| match user {
                Some(_) => "somebody",
                None => "nobody",
            }),
        )
        .route("/public", on_any("public"))
        .layer(around(source))
}

/// Routes with an optional user.
fn optional(layer: tower_warder::AuthLayer<TestUser>) -> Router {
    fn said<T>(found: Option<T>) -> &'static str {
        found.map_or("nobody", |_| "somebody")
    }
    Router::new()
        .route(
            "/user",
            on_get(async |user: Option<CurrentUser<TestUser>>| said(user)),
        )
        .route(
            "/guarded",
            on_get(async |user: Option<Require<Approved, TestUser>>| said(user)),
        )
        .route(
            "/admin",
            on_get(async |user: Option<AdminUser<TestUser>>| said(user)),
        )
        .route(
            "/claims",
            on_get(async |claims: Option<Claims>| said(claims)),
        )
        .layer(layer)
}

fn around(source: CredentialSource) -> tower_warder::AuthLayer<TestUser> {
    layer(&Store::new()).credentials(source)
}

fn everything() -> CredentialSource {
    let source = CredentialSource::header().with_cookie(cookie());
    let source = source.with_named_header(NAMED).unwrap();
    let source = source.with_query_token("/events").unwrap();
    source.with_websocket_subprotocol("/events").unwrap()
}

fn cookie() -> AuthCookie {
    AuthCookie::new("id").unwrap()
}

const NAMED: &str = "cf-access-jwt-assertion";
const CROSS_ORIGIN: &str = "Cross-origin request refused";
