//! Database in PostgreSQL.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::{process, thread};

use reqwest::Url;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::servers::postgres_url;

/// Empty database, dropped with this value.
pub struct PostgresDatabase {
    server: String,
    name: String,
    url: String,
}

impl PostgresDatabase {
    /// Creates one on the shared server, if there is one.
    pub async fn new() -> Option<Self> {
        Some(Self::on(&postgres_url()?).await)
    }

    /// Creates one on this server.
    pub async fn on(server: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("it_{}_{count}", process::id());
        run(server, &format!("CREATE DATABASE {name}")).await;
        let mut url: Url = server.parse().unwrap();
        url.set_path(&name);
        Self {
            server: server.to_owned(),
            name,
            url: url.into(),
        }
    }

    /// Name of the database, unique on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Opens a connection that bypasses every store, as an admin does with `psql`.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        // Not on the runtime of the test, which blocks here.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(run(&server, &drop));
        });
        if dropping.join().is_err() && !thread::panicking() {
            panic!("database {} could not be dropped", self.name);
        }
    }
}

async fn run(server: &str, statement: &str) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
