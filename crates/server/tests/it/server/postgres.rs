//! The process with PostgreSQL.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::json;
use sqlx::Executor;
use tempfile::tempdir;
use tokio::net::TcpListener;

use super::configuration::assert_one_line;
use super::{PASSWORD, SECRET, Server, Start};
use crate::support::{OwnServer, Place, PostgresDatabase};

/// Password of a database.
const HIDDEN: &str = "hidden-4dgQ";

#[tokio::test]
async fn missing_secret_is_rejected_with_the_remedy() {
    let directory = tempdir().unwrap();
    for scheme in ["postgres", "postgresql"] {
        let url = format!("{scheme}://ada:{HIDDEN}@127.0.0.1:1/accounts");
        let start = Start::in_directory(directory.path()).with("DATABASE_URL", &url);
        let error = start.startup_error().await;
        assert_one_line(&error);
        assert!(error.starts_with("JWT_SECRET: "), "{error}");
        assert!(error.contains("openssl rand -hex 32"), "{error}");
        assert!(!error.contains(HIDDEN), "{error}");
    }
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn ambiguous_database_url_is_rejected() {
    for url in [
        "postgres:",
        "postgres:accounts",
        "postgres://[::1",
        "postgres://host:port/accounts",
        // A password with `/`, `?` or `#` in it, not encoded.
        "postgres://ada:12/hidden-4dgQ@host/accounts",
        "postgres://ada:12?hidden-4dgQ@host/accounts",
        "postgres://ada:12#hidden-4dgQ@host/accounts",
        "postgres://ada:12#hidden-4dgQ",
        "postgres://host/accounts?pasword=hidden-4dgQ",
        "postgres://host/accounts?sslmode=hidden-4dgQ",
        "postgres://host/accounts?port=hidden-4dgQ",
    ] {
        let error = startup_error(url).await;
        assert!(error.starts_with("DATABASE_URL: give "), "{url}: {error}");
    }
    for connections in ["", "0", "-1", "1001", "many"] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path());
        let error = start
            .with("DATABASE_CONNECTIONS", connections)
            .startup_error();
        let error = error.await;
        assert!(error.starts_with("DATABASE_CONNECTIONS: "), "{error}");
    }
}

#[tokio::test]
async fn unreachable_server_is_named_without_the_password() {
    // One rejects connections; the other accepts them and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_address = silent.local_addr().unwrap().to_string();
    for address in ["127.0.0.1:1", &silent_address] {
        let begin = Instant::now();
        let error = startup_error(&format!("postgres://ada:{HIDDEN}@{address}/accounts")).await;
        let expected = format!("DATABASE_URL: postgres://{address}/accounts cannot be opened");
        assert!(error.starts_with(&expected), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn connection_errors_are_reported_without_the_password() {
    let Some(database) = PostgresDatabase::new().await else {
        return;
    };
    let role = database.name();
    let url = |password: &str, database: &PostgresDatabase| {
        let url = database.url();
        url.replace("postgres@", &format!("{role}:{password}@"))
    };
    let mut admin = database.connect().await;
    let create =
        format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' IN ROLE password_required");
    admin.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
    let grant = format!("GRANT ALL ON SCHEMA public TO {role}");
    admin.execute(sqlx::AssertSqlSafe(grant)).await.unwrap();

    let error = startup_error(&url(HIDDEN, &database)).await;
    assert!(error.contains("password authentication failed"), "{error}");
    let missing = url(PASSWORD, &database) + "_missing";
    let error = startup_error(&missing).await;
    assert!(
        error.contains("does not exist") && !error.contains(PASSWORD),
        "{error}"
    );

    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path())
        .with("JWT_SECRET", SECRET)
        .with("RUST_LOG", "trace")
        .with("DATABASE_URL", url(PASSWORD, &database));
    let server = start.server().await;
    let answer = server.me("nonsense").await;
    assert_eq!(answer.status, 401);
    let log = server.stop().await;
    assert!(log.contains("DEBUG sqlx"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");

    let drop = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    admin
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(drop)))
        .await
        .unwrap();
}

/// Returns the error of a start with this database and a secret.
async fn startup_error(url: &str) -> String {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("JWT_SECRET", SECRET);
    let error = start.with("DATABASE_URL", url).startup_error().await;
    assert_one_line(&error);
    assert!(
        error.starts_with("DATABASE_URL: ") && !error.contains(HIDDEN),
        "{error}"
    );
    assert_eq!(directory.path().read_dir().unwrap().count(), 0, "{error}");
    error
}

#[tokio::test]
async fn concurrent_first_starts_create_the_tables_once() {
    for _ in 0..3 {
        let Some(accounts) = Place::postgres().await else {
            return;
        };
        let servers = join_all((0..4).map(|_| Start::at(&accounts).server())).await;
        servers[0].register("ada@example.com").await;
        let token = servers[1].token("ada@example.com").await;
        for server in &servers {
            assert_eq!(server.me(&token).await.status, 200);
        }
    }
}

#[tokio::test]
async fn outage_is_503_in_time_and_ends_without_a_restart() {
    let Some(service) = OwnServer::postgres() else {
        return;
    };
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("DATABASE_URL", service.url());
    let server = start.with("JWT_SECRET", SECRET).server().await;
    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;
    let cookie = waiting_cookie(&server).await;

    service.freeze();
    assert_unavailable(&server, &token).await;
    assert_public_pages_do_not_wait(&server, &token, &cookie).await;
    service.thaw();
    wait_until_served(&server, &token).await;

    service.kill();
    assert_unavailable(&server, &token).await;
    service.start();
    wait_until_served(&server, &token).await;

    // Requests that wait for the database do not delay the end.
    service.freeze();
    let begin = Instant::now();
    server.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(9));
}

/// Asserts that every route responds with 503, and none with 401.
async fn assert_unavailable(server: &Server, token: &str) {
    let status = json!({"status": "disabled"});
    let answers = async {
        let begin = Instant::now();
        let answers = tokio::join!(
            server.me(token),
            server.get("/api/auth/users", token),
            server.put("/api/auth/users/1", token, &status),
            server.register("new@example.com"),
            server.login("ada@example.com", PASSWORD),
        );
        (answers.into(), begin.elapsed())
    };
    let (answers, took): ([_; 5], _) = answers.await;
    for answer in answers {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert!(took < Duration::from_secs(6), "{took:?}");
}

/// Registers with the form, and returns the cookie of the waiting page.
async fn waiting_cookie(server: &Server) -> String {
    let client = Client::builder().no_proxy().redirect(Policy::none());
    let request = client.build().unwrap();
    let request = request
        .post(format!("http://{}/register", server.address()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("email=gus@example.com&password={PASSWORD}"));
    let answer = request.send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn assert_public_pages_do_not_wait(server: &Server, token: &str, cookie: &str) {
    let begin = Instant::now();
    let answers = tokio::join!(
        server.get("/login", token),
        server.get("/register", token),
        server.by_cookie(Method::GET, "/register", ""),
        server.by_cookie(Method::GET, "/waiting", cookie),
    );
    let took = begin.elapsed();
    for answer in <[_; 4]>::from(answers) {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert!(took < Duration::from_secs(2), "{took:?}");
}

async fn wait_until_served(server: &Server, token: &str) {
    let begin = Instant::now();
    while server.me(token).await.status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200);
}
