//! What is PostgreSQL's own about the process.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use sqlx::Executor;
use tempfile::tempdir;
use tokio::net::TcpListener;

use super::configuration::assert_one_line;
use super::{PASSWORD, SECRET, Server, Start};
use crate::support::{OwnServer, Place, PostgresDatabase};

/// Of a database.
const HIDDEN: &str = "hidden-4dgQ";

#[tokio::test]
async fn without_a_secret_it_says_how_to_make_one() {
    let directory = tempdir().unwrap();
    for scheme in ["postgres", "postgresql"] {
        let url = format!("{scheme}://ada:{HIDDEN}@127.0.0.1:1/accounts");
        let start = Start::in_directory(directory.path()).with("DATABASE_URL", &url);
        let said = start.refusal().await;
        assert_one_line(&said);
        assert!(said.starts_with("JWT_SECRET: "), "{said}");
        assert!(said.contains("openssl rand -hex 32"), "{said}");
        assert!(!said.contains(HIDDEN), "{said}");
    }
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_url_that_says_something_else_than_it_seems_to_is_refused() {
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
        let said = refusal(url).await;
        assert!(said.starts_with("DATABASE_URL: give "), "{url}: {said}");
    }
    for connections in ["", "0", "-1", "1001", "many"] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path());
        let said = start.with("DATABASE_CONNECTIONS", connections).refusal();
        let said = said.await;
        assert!(said.starts_with("DATABASE_CONNECTIONS: "), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_or_silent_is_named_without_the_password() {
    // The one refuses; nobody ever takes up what the other lets in.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_address = silent.local_addr().unwrap().to_string();
    for address in ["127.0.0.1:1", &silent_address] {
        let begin = Instant::now();
        let said = refusal(&format!("postgres://ada:{HIDDEN}@{address}/accounts")).await;
        let place = format!("DATABASE_URL: postgres://{address}/accounts cannot be opened");
        assert!(said.starts_with(&place), "{said}");
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_database_are_told_without_the_password() {
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

    let said = refusal(&url(HIDDEN, &database)).await;
    assert!(said.contains("password authentication failed"), "{said}");
    let missing = url(PASSWORD, &database) + "_missing";
    let said = refusal(&missing).await;
    assert!(
        said.contains("does not exist") && !said.contains(PASSWORD),
        "{said}"
    );

    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path())
        .with("JWT_SECRET", SECRET)
        .with("RUST_LOG", "trace")
        .with("DATABASE_URL", url(PASSWORD, &database));
    let server = start.server().await;
    let answer = server.me("nonsense").await;
    assert_eq!(answer.status, 401);
    let said = server.stop().await;
    assert!(said.contains("DEBUG sqlx"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");

    let drop = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    admin
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(drop)))
        .await
        .unwrap();
}

/// What it says of this database, with a secret.
async fn refusal(url: &str) -> String {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("JWT_SECRET", SECRET);
    let said = start.with("DATABASE_URL", url).refusal().await;
    assert_one_line(&said);
    assert!(
        said.starts_with("DATABASE_URL: ") && !said.contains(HIDDEN),
        "{said}"
    );
    assert_eq!(directory.path().read_dir().unwrap().count(), 0, "{said}");
    said
}

#[tokio::test]
async fn first_starts_at_once_make_the_tables_once() {
    for _ in 0..3 {
        let Some(place) = Place::postgres().await else {
            return;
        };
        let servers = join_all((0..4).map(|_| Start::at(&place).server())).await;
        servers[0].register("ada@example.com").await;
        let token = servers[1].token("ada@example.com").await;
        for server in &servers {
            assert_eq!(server.me(&token).await.status, 200);
        }
    }
}

#[tokio::test]
async fn an_outage_is_503_in_time_and_over_without_a_restart() {
    let Some(service) = OwnServer::postgres() else {
        return;
    };
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("DATABASE_URL", service.url());
    let server = start.with("JWT_SECRET", SECRET).server().await;
    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;

    service.freeze();
    everybody_is_told(&server, &token).await;
    service.thaw();
    comes_back(&server, &token).await;

    service.kill();
    everybody_is_told(&server, &token).await;
    service.start();
    comes_back(&server, &token).await;

    // What waits for the database does not hold the end.
    service.freeze();
    let begin = Instant::now();
    server.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(9));
}

/// 503, and never that the token is no good.
async fn everybody_is_told(server: &Server, token: &str) {
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

async fn comes_back(server: &Server, token: &str) {
    let begin = Instant::now();
    while server.me(token).await.status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200);
}
