//! The pages, without a browser.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use http::Request;
use tower::ServiceExt;
use tower_warder::testing::FixedClock;
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier, UserStatus};
use tower_warder_accounts::{Accounts, Actor, Email, Password, UserCreate, UserUpdate};
use tower_warder_server::site::Site as Appearance;

use super::Store;
use crate::support::{Answer, Place, get, send};

/// Ada is the admin, Bob is approved, Eve is disabled.
pub(super) struct Site {
    pub(super) app: Router,
    pub(super) store: Arc<dyn Store>,
    pub(super) issuer: JwtIssuer,
    _place: Place,
}

impl Site {
    pub(super) async fn new() -> Self {
        Self::with(&Appearance::default()).await
    }

    async fn with(appearance: &Appearance) -> Self {
        let place = Place::shared().await;
        let store = place.open().await;
        let secret = HmacSecret::generate();
        let issuer = JwtIssuer::hs256(&secret);
        let accounts = Accounts::new(store.clone(), issuer.clone());
        for (id, name, status) in [
            (ADA, "ada", UserStatus::Approved),
            (BOB, "bob", UserStatus::Approved),
            (EVE, "eve", UserStatus::Disabled),
        ] {
            let email = Email::new(&format!("{name}@example.com")).unwrap();
            let new = UserCreate::new(email, Password::new("correct horse").unwrap());
            let user = accounts.register(new).await.unwrap();
            let status = UserUpdate {
                status: Some(status),
                ..UserUpdate::default()
            };
            let user = accounts.update(user.id, status, Actor::System).await;
            assert_eq!(user.unwrap().id.to_string(), id);
        }
        let cookie = tower_warder_server::origin::cookie(None).unwrap();
        Self {
            app: tower_warder_server::app(
                accounts,
                JwtIssuer::hs256(&secret),
                JwtVerifier::hs256(&secret),
                cookie,
                None,
                appearance,
            ),
            store,
            issuer,
            _place: place,
        }
    }

    /// Sends a request with the cookie of this account, or without one.
    pub(super) async fn get(&self, path: &str, account: Option<&str>, accept: &str) -> Answer {
        let mut request = Request::get(path).header("accept", accept);
        if let Some(id) = account {
            let token = self.issuer.issue(id).unwrap();
            request = request.header("cookie", format!("tower_warder={token}"));
        }
        send(&self.app, request.body(Body::empty()).unwrap()).await
    }
}

pub(super) const ADA: &str = "1";
const BOB: &str = "2";
const EVE: &str = "3";

const PUBLIC: [&str; 3] = ["/login", "/register", "/waiting"];
const PRIVATE: [&str; 3] = ["/", "/profile", "/users"];

/// The log-in page to which a page behind it redirects.
fn log_in_for(path: &str, query: &str) -> String {
    match (path, query) {
        ("/users", "") => "/login?next=%2Fusers".to_owned(),
        ("/users", _) => format!("/login?{query}&next=%2Fusers"),
        (_, "") => "/login".to_owned(),
        _ => format!("/login?{query}"),
    }
}

/// `Accept` of a browser that opens a page.
pub(super) const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn anonymous_browsers_are_redirected_to_login() {
    let site = Site::new().await;
    for path in PRIVATE {
        for accept in [
            BROWSER,
            "text/html",
            "TEXT/HTML;charset=utf-8",
            "application/json, text/html ;q=0.1",
        ] {
            let answer = site.get(path, None, accept).await;
            assert_eq!(answer.status, 303, "{path} {accept}");
            let login = log_in_for(path, "");
            assert_eq!(answer.header("location"), Some(&*login), "{path}");
        }
    }
}

#[tokio::test]
async fn ended_login_is_redirected_with_a_notice() {
    let site = Site::new().await;
    for (account, case) in [(EVE, "disabled"), ("99", "deleted"), ("x", "unknown")] {
        for path in PRIVATE {
            let answer = site.get(path, Some(account), BROWSER).await;
            assert_eq!(answer.status, 303, "{path} {case}");
            let login = log_in_for(path, "ended");
            assert_eq!(answer.header("location"), Some(&*login), "{case}");
        }
    }
}

#[tokio::test]
async fn rejected_cookies_are_cleared_by_every_page() {
    let site = Site::new().await;
    let other = JwtIssuer::hs256(&HmacSecret::generate());
    let long_ago = FixedClock::at(UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    let expired = site.issuer.clone().clock(long_ago.clock());
    let expired = expired.issue(ADA).unwrap();
    let good = site.issuer.issue(ADA).unwrap();
    let disabled = site.issuer.issue(EVE).unwrap();
    let deleted = site.issuer.issue("99").unwrap();
    let foreign = other.issue(ADA).unwrap();
    for (case, cookies) in [
        ("expired", vec![format!("tower_warder={expired}")]),
        ("other secret", vec![format!("tower_warder={foreign}")]),
        ("no token", vec!["tower_warder=nonsense".to_owned()]),
        ("empty", vec!["tower_warder=".to_owned()]),
        ("disabled", vec![format!("tower_warder={disabled}")]),
        ("deleted", vec![format!("tower_warder={deleted}")]),
        // Either may have been set by another site.
        (
            "two",
            vec![format!("tower_warder={good}; tower_warder={good}")],
        ),
        ("two", vec![format!("tower_warder={good}; tower_warder=x")]),
        (
            "two lines",
            vec![
                "tower_warder=x".to_owned(),
                format!("a=b; tower_warder={good}"),
            ],
        ),
    ] {
        for path in PUBLIC.into_iter().chain(PRIVATE) {
            let mut request = Request::get(path).header("accept", BROWSER);
            for line in &cookies {
                request = request.header("cookie", line);
            }
            let answer = send(&site.app, request.body(Body::empty()).unwrap()).await;
            if PUBLIC.contains(&path) {
                assert_eq!(answer.status, 200, "{case} {path}");
                continue;
            }
            assert_eq!(answer.status, 303, "{case} {path}");
            let login = log_in_for(path, "ended");
            assert_eq!(answer.header("location"), Some(&*login), "{case}");
            let lines: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
            let [line] = lines[..] else {
                panic!("{case} {path}: {lines:?}");
            };
            let line = line.to_str().unwrap();
            assert!(line.starts_with("tower_warder=; "), "{case} {path}: {line}");
            assert!(line.contains("Max-Age=0"), "{case} {path}: {line}");
        }
    }
}

#[tokio::test]
async fn rejected_header_does_not_clear_the_cookie() {
    let site = Site::new().await;
    let good = site.issuer.issue(ADA).unwrap();
    for (status, tokens) in [(303, vec!["x"]), (400, vec!["x", "y"])] {
        for path in PRIVATE {
            let mut request = Request::get(path)
                .header("accept", BROWSER)
                .header("cookie", format!("tower_warder={good}"));
            for token in &tokens {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let answer = send(&site.app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, status, "{path} {tokens:?}");
            assert_eq!(answer.header("set-cookie"), None, "{path} {tokens:?}");
        }
    }
}

#[tokio::test]
async fn other_clients_are_not_redirected() {
    let site = Site::new().await;
    for path in PRIVATE {
        for accept in [
            "*/*",
            "",
            "application/json",
            "text/*",
            "text/html;q=0",
            "text/html; Q=0.0, */*",
            "text/htmlx",
            "x-text/html",
            "\"text/html\"",
        ] {
            let answer = site.get(path, None, accept).await;
            assert_eq!(answer.status, 401, "{path} {accept}");
            assert_eq!(answer.header("location"), None, "{path} {accept}");
            assert_eq!(answer.json()["code"], "not_authenticated");
        }
        assert_eq!(send(&site.app, get(path)).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn api_routes_do_not_redirect() {
    let site = Site::new().await;
    for account in [None, Some(EVE)] {
        for path in ["me", "users", "users/pending/count"] {
            let path = format!("/api/auth/{path}");
            let answer = site.get(&path, account, BROWSER).await;
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(answer.header("location"), None, "{path}");
        }
    }
}

#[tokio::test]
async fn unknown_paths_are_404_for_every_client() {
    let site = Site::new().await;
    for path in [
        "/nothing",
        "/users/1",
        "/login//",
        "/profile/x",
        "//profile",
        "//profile/",
        "/logout/",
        "/index.html",
        "/login.html",
        "/pages",
        "/pages/",
        "/pages/nothing.js",
        "/pages/login.html",
        "/pages/..%2Fmain.rs",
        "/api/nothing",
        "/api/auth/nothing",
    ] {
        for accept in [BROWSER, "*/*"] {
            for account in [None, Some(ADA)] {
                let answer = site.get(path, account, accept).await;
                assert_eq!(answer.status, 404, "{path} {accept}");
                assert_eq!(answer.header("location"), None, "{path} {accept}");
            }
        }
    }
}

#[tokio::test]
async fn pages_are_served_by_role() {
    let site = Site::new().await;
    for (path, account, status) in [
        ("/login", None, 200),
        ("/register", None, 200),
        ("/waiting", None, 200),
        ("/login", Some(EVE), 200),
        ("/profile", Some(BOB), 200),
        ("/profile", Some(ADA), 200),
        ("/users", Some(BOB), 403),
        ("/users", Some(ADA), 200),
    ] {
        let answer = site.get(path, account, BROWSER).await;
        assert_eq!(answer.status, status, "{path} {account:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    }
    let home = site.get("/", Some(BOB), BROWSER).await;
    assert_eq!(home.status, 303);
    assert_eq!(home.header("location"), Some("/profile"));

    let rejected = site.get("/users", Some(BOB), BROWSER).await;
    assert!(rejected.body.contains("Only for admins") && !rejected.body.contains("<table"));
    let rejected = site.get("/users", Some(BOB), "*/*").await;
    assert_eq!(rejected.status, 403);
    assert_eq!(rejected.detail(), "Admin access required");
}

#[tokio::test]
async fn pages_show_the_product_name_escaped() {
    for (name, shown) in [
        ("tower-warder", "tower-warder"),
        (
            "<b>\"Ada's\" & Co</b>",
            "&lt;b&gt;&quot;Ada&#39;s&quot; &amp; Co&lt;/b&gt;",
        ),
        ("{{product_name}}", "{{product_name}}"),
    ] {
        let site = Site::with(&Appearance {
            product_name: name.parse().unwrap(),
            ..Appearance::default()
        })
        .await;
        let refused = ("/users", Some(BOB));
        let public = PUBLIC.into_iter().chain(["/nothing"]);
        let private = ["/profile", "/users"].map(|path| (path, Some(ADA)));
        let pages = public.map(|path| (path, None)).chain(private);
        let pages = pages.chain([refused]);
        for (path, account) in pages {
            let page = site.get(path, account, BROWSER).await.body;
            let title = format!("\u{b7} {shown}</title>");
            assert_eq!(page.matches(&title).count(), 1, "{path}");
            assert!(!page.contains("<b>"), "{path}");
        }
        site.store.close().await;
        let outage = site.get("/profile", Some(ADA), BROWSER).await;
        assert_eq!(outage.status, 503);
        assert!(outage.body.contains(&format!("\u{b7} {shown}</title>")));
    }
}

#[tokio::test]
async fn outage_does_not_look_like_a_logout() {
    let site = Site::new().await;
    site.store.close().await;
    for path in PRIVATE {
        let answer = site.get(path, Some(ADA), BROWSER).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.header("location"), None, "{path}");
        assert_eq!(answer.header("set-cookie"), None, "{path}");
        assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
        assert!(answer.body.contains("still logged in"), "{path}");
        let answer = site.get(path, Some(ADA), "*/*").await;
        assert_eq!(answer.json()["code"], "unavailable", "{path}");
    }
    for path in PUBLIC {
        assert_eq!(site.get(path, Some(ADA), BROWSER).await.status, 200);
    }
}

#[tokio::test]
async fn responses_have_a_csp_and_are_not_cached() {
    let site = Site::new().await;
    let mut answers = Vec::new();
    for path in PUBLIC.into_iter().chain(PRIVATE) {
        for account in [None, Some(ADA), Some(BOB), Some(EVE)] {
            for accept in [BROWSER, "*/*"] {
                answers.push(site.get(path, account, accept).await);
            }
        }
    }
    site.store.close().await;
    answers.push(site.get("/profile", Some(ADA), BROWSER).await);
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        let mut rules = policy.split("; ");
        assert_eq!(rules.next(), Some("default-src 'none'"));
        let mut sources = rules.map(|rule| rule.split_once(' ').unwrap().1);
        assert!(
            sources.all(|it| ["'self'", "'none'", "'script'"].contains(&it)),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn pages_and_scripts_load_existing_files() {
    let site = Site::new().await;
    let mut files = vec!["/pages/icon.svg".to_owned()];
    // Of pages that are off here.
    files.extend(["verify_email", "change_email"].map(|name| format!("/pages/{name}.js")));
    for (path, account) in [
        ("/login", None),
        ("/register", None),
        ("/reset-password", None),
        ("/accept-invitation", None),
        ("/waiting", None),
        ("/nothing", None),
        ("/profile", Some(ADA)),
        ("/users", Some(ADA)),
    ] {
        let page = site.get(path, account, BROWSER).await.body;
        assert!(
            page.contains("<meta name=\"description\"") || path == "/users",
            "{path}"
        );
        assert!(!page.contains("{{"), "{path}");
        for attribute in ["src=\"", "href=\""] {
            for link in page.split(attribute).skip(1) {
                files.push(link.split('"').next().unwrap().to_owned());
            }
        }
        // The policy blocks them.
        for inline in [
            "<style",
            " style=",
            "<script>",
            " onclick=",
            " onsubmit=",
            "javascript:",
        ] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
    }
    files.retain(|file| file.starts_with("/pages/"));
    let mut seen = Vec::new();
    while let Some(file) = files.pop() {
        if seen.contains(&file) {
            continue;
        }
        let answer = site.get(&file, None, "*/*").await;
        assert_eq!(answer.status, 200, "{file}");
        let content_type = answer.header("content-type").unwrap();
        match file.rsplit('.').next().unwrap() {
            "js" => assert_eq!(content_type, "text/javascript; charset=utf-8"),
            "css" => assert_eq!(content_type, "text/css; charset=utf-8"),
            _ => assert_eq!(content_type, "image/svg+xml"),
        }
        for import in answer.body.split("from './").skip(1) {
            files.push(format!("/pages/{}", import.split('\'').next().unwrap()));
        }
        for api in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage",
            "sessionStorage",
            "document.cookie",
            "access_token",
        ] {
            assert!(!answer.body.contains(api), "{file}: {api}");
        }
        seen.push(file);
    }
    assert_eq!(seen.len(), 26);
}

#[tokio::test]
async fn pages_without_a_form_reject_post() {
    let site = Site::new().await;
    let cookie = format!("tower_warder={}", site.issuer.issue(ADA).unwrap());
    for path in ["/waiting"].into_iter().chain(PRIVATE) {
        // On private pages the CSRF check comes first.
        let cross_site = if PUBLIC.contains(&path) { 405 } else { 403 };
        for (fetched_by, status) in [("same-origin", 405), ("cross-site", cross_site)] {
            let request = Request::post(path)
                .header("accept", BROWSER)
                .header("cookie", &cookie)
                .header("sec-fetch-site", fetched_by);
            let answer = send(&site.app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, status, "{path} {fetched_by}");
        }
    }
    assert_eq!(site.get("/logout", Some(ADA), BROWSER).await.status, 405);
}

#[tokio::test]
async fn path_with_a_slash_at_its_end_is_redirected() {
    let site = Site::new().await;
    let links = [
        "/forgot-password",
        "/reset-password",
        "/verify-email",
        "/change-email",
        "/accept-invitation",
        "/complete-registration",
    ];
    let behind = ["/profile", "/users"];
    for path in PUBLIC.into_iter().chain(behind).chain(links) {
        for (query, account) in [("", None), ("?a=b&next=%2F%2Fevil.example", Some(ADA))] {
            let answer = site.get(&format!("{path}/{query}"), account, BROWSER).await;
            assert_eq!(answer.status, 308, "{path}");
            let expected = format!("{path}{query}");
            assert_eq!(answer.header("location"), Some(&*expected), "{path}");
        }
    }
}

#[tokio::test]
async fn unknown_path_has_a_page_for_browsers_only() {
    let site = Site::new().await;
    for account in [None, Some(ADA), Some(EVE)] {
        let answer = site.get("/nothing", account, BROWSER).await;
        assert_eq!(answer.status, 404);
        let html = Some("text/html; charset=utf-8");
        assert_eq!(answer.header("content-type"), html);
        assert!(answer.header("content-security-policy").is_some());
        assert!(answer.body.contains("href=\"/\""));
        assert!(
            !answer.body.contains("nothing"),
            "the path is not in the page"
        );
        assert_eq!(site.get("/nothing", account, "*/*").await.body, "");
    }
    let answer = site.get("/api/auth/nothing", None, BROWSER).await;
    assert_eq!(answer.json()["code"], "not_found");
}

#[tokio::test]
async fn logged_in_user_is_led_on() {
    let site = Site::new().await;
    for path in ["/login", "/register"] {
        for (query, expected) in [
            ("", "/profile"),
            ("?ended", "/profile"),
            ("?next=%2Fusers", "/users"),
            ("?next=//evil.example", "/profile"),
            ("?next=/%5Cevil.example", "/profile"),
            ("?next=https:%2F%2Fevil.example", "/profile"),
            ("?next=%252F%252Fevil.example", "/profile"),
            ("?next=/%0D%0Aset-cookie:a=b", "/profile"),
        ] {
            let answer = site
                .get(&format!("{path}{query}"), Some(BOB), BROWSER)
                .await;
            assert_eq!(answer.status, 303, "{path}{query}");
            assert_eq!(answer.header("location"), Some(expected), "{path}{query}");
            // Others see the page: it does not redirect in a circle.
            for account in [None, Some(EVE), Some("99")] {
                let answer = site.get(&format!("{path}{query}"), account, BROWSER).await;
                assert_eq!(answer.status, 200, "{path}{query}");
                assert!(!answer.body.contains("evil"), "{path}{query}");
            }
        }
    }
}

#[tokio::test]
async fn logged_in_user_can_log_in_again() {
    let site = Site::new().await;
    for account in [None, Some(ADA)] {
        let answer = site.get("/login?again&next=%2Fusers", account, BROWSER);
        let answer = answer.await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("Log in again"));
    }
    // Only if it is required.
    let answer = site.get("/login?next=again", Some(ADA), BROWSER).await;
    assert_eq!(answer.header("location"), Some("/profile"));
}

#[tokio::test]
async fn only_pages_and_scripts_are_compressed() {
    let site = Site::new().await;
    let token = site.issuer.issue(ADA).unwrap();
    let ask = async |method: &str, path: &str, body: &'static str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", BROWSER)
            .header("accept-encoding", "gzip")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", format!("tower_warder={token}"));
        let answered = site
            .app
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap());
        answered
            .await
            .unwrap()
            .headers()
            .get("content-encoding")
            .cloned()
    };
    for path in [
        "/profile",
        "/users",
        "/pages/style.css",
        "/pages/api.js",
        "/waiting",
    ] {
        assert_eq!(ask("GET", path, "").await.unwrap(), "gzip", "{path}");
    }
    for path in [
        "/api/auth/me",
        "/api/auth/users",
        "/pages/nothing",
        "/favicon.ico",
    ] {
        assert_eq!(ask("GET", path, "").await, None, "{path}");
    }
    let login = "username=ada@example.com&password=correct+horse";
    for (path, body) in [
        ("/login", login),
        ("/login", "username=ada@example.com&password=wrong"),
        ("/register", "email=x&password=y"),
        ("/logout", ""),
        ("/api/auth/login", login),
        ("/api/auth/cookie/login", login),
        ("/api/auth/stream-ticket", ""),
    ] {
        assert_eq!(ask("POST", path, body).await, None, "{path}");
    }
}

#[tokio::test]
async fn favicon_is_an_icon() {
    let site = Site::new().await;
    let request = Request::get("/favicon.ico").body(Body::empty()).unwrap();
    let answer = site.app.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "image/vnd.microsoft.icon");
    let bytes = axum::body::to_bytes(answer.into_body(), 10_000)
        .await
        .unwrap();
    assert_eq!(bytes[..4], [0, 0, 1, 0]);
}
