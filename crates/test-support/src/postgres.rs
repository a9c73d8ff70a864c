//! A database in PostgreSQL.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::{process, thread};

use reqwest::Url;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::servers::postgres_url;

/// Empty, and dropped with this.
pub struct PostgresDatabase {
    server: String,
    name: String,
    url: String,
}

impl PostgresDatabase {
    /// A new one on the server of all tests, if there is one.
    pub async fn new() -> Option<Self> {
        Some(Self::on(&postgres_url()?).await)
    }

    /// A new one on this server.
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

    /// Nobody else on the server has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection past every store, as an admin has it with `psql`.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        // Not on the runtime of the test, which waits for this.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(run(&server, &drop));
        });
        if dropping.join().is_err() && !thread::panicking() {
            panic!("{} is not dropped", self.name);
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
