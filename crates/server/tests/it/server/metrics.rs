//! Metrics, and the address that serves them.

use tempfile::tempdir;

use super::Start;

#[cfg(feature = "metrics")]
#[tokio::test]
async fn metrics_are_served_at_their_own_address() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("METRICS_ADDR", "127.0.0.1:0");
    let server = start.with("USER_CACHE_TTL", "60s").server().await;
    let log = server.wait_for_log("metrics on ", 1).await;
    let mut lines = log.lines();
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
        r#"# HELP tower_warder_rejections_total Requests that were rejected"#,
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
async fn used_metrics_address_is_rejected() {
    let directory = tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = Start::in_directory(directory.path()).with("METRICS_ADDR", address);
    let error = start.startup_error().await;
    assert!(error.contains("METRICS_ADDR"), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[cfg(not(feature = "metrics"))]
#[tokio::test]
async fn metrics_address_is_rejected_without_the_feature() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("METRICS_ADDR", "127.0.0.1:0");
    let error = start.startup_error().await;
    assert!(
        error.starts_with("METRICS_ADDR: ") && error.contains("--features"),
        "{error}"
    );
}

#[tokio::test]
async fn metrics_are_off_by_default() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    assert_eq!(server.get("/metrics", "").await.status, 404);
    let log = server.stop().await;
    assert!(!log.contains("metrics"), "{log}");
}

#[tokio::test]
async fn invalid_metrics_address_is_rejected() {
    for address in ["", "9000", "nonsense:9000"] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path()).with("METRICS_ADDR", address);
        let error = start.startup_error().await;
        assert!(error.starts_with("METRICS_ADDR: "), "{error}");
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
