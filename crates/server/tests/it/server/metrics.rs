//! What it counts, and to whom it says so.

use tempfile::tempdir;

use super::Start;

#[cfg(feature = "metrics")]
#[tokio::test]
async fn what_happened_is_counted_at_an_address_of_its_own() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("METRICS_ADDR", "127.0.0.1:0");
    let server = start.with("USER_CACHE_TTL", "60s").server().await;
    let said = server.has_said("metrics on ", 1).await;
    let mut lines = said.lines();
    let url = lines
        .find_map(|line| line.strip_prefix("metrics on "))
        .unwrap();

    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;
    server.login("ada@example.com", "wrong-horse").await;
    for _ in 0..3 {
        assert_eq!(server.me(&token).await.status, 200);
    }
    for _ in 0..2 {
        assert_eq!(server.me("a.b.c").await.status, 401);
    }

    let (status, media_type, text) = scrape(url).await;
    assert_eq!(
        (status, &*media_type),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    for line in [
        r#"# TYPE tower_warder_rejections_total counter"#,
        r#"# HELP tower_warder_rejections_total Requests that were refused"#,
        r#"tower_warder_rejections_total{code="invalid_token",reason="base64"} 2"#,
        r#"tower_warder_logins_total{outcome="ok"} 1"#,
        r#"tower_warder_logins_total{outcome="wrong_credentials"} 1"#,
        r#"tower_warder_loads_total{outcome="found"} 1"#,
        r#"tower_warder_load_duration_seconds_bucket{le="+Inf"} 1"#,
        r#"tower_warder_user_cache_lookups_total{outcome="hit"} 2"#,
        r#"tower_warder_user_cache_lookups_total{outcome="miss"} 1"#,
        r#"tower_warder_password_hash_duration_seconds_count 3"#,
        "# TYPE tower_warder_password_hashes_running gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    let public = server.get("/metrics", &token).await;
    assert_eq!(public.status, 404);
    server.stop().await;
}

#[cfg(feature = "metrics")]
#[tokio::test]
async fn an_address_for_metrics_that_is_taken_is_refused() {
    let directory = tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = Start::in_directory(directory.path()).with("METRICS_ADDR", address);
    let said = start.refusal().await;
    assert!(said.contains("METRICS_ADDR"), "{said}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[cfg(not(feature = "metrics"))]
#[tokio::test]
async fn without_metrics_an_address_for_them_is_refused() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("METRICS_ADDR", "127.0.0.1:0");
    let said = start.refusal().await;
    assert!(
        said.starts_with("METRICS_ADDR: ") && said.contains("--features"),
        "{said}"
    );
}

#[tokio::test]
async fn by_default_nothing_is_said_of_metrics() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    assert_eq!(server.get("/metrics", "").await.status, 404);
    let said = server.stop().await;
    assert!(!said.contains("metrics"), "{said}");
}

#[tokio::test]
async fn an_address_for_metrics_that_is_none_is_refused() {
    for address in ["", "9000", "nonsense:9000"] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path()).with("METRICS_ADDR", address);
        let said = start.refusal().await;
        assert!(said.starts_with("METRICS_ADDR: "), "{said}");
    }
}

#[cfg(feature = "metrics")]
async fn scrape(url: &str) -> (u16, String, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    let media_type = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    (
        answer.status().as_u16(),
        media_type,
        answer.text().await.unwrap(),
    )
}
