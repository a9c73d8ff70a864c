//! What the stores of the example have in common.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use tower_warder::accounts::Session;

use crate::support::Place;

async fn databases() -> Vec<Place> {
    let places = [Some(Place::sqlite()), Place::postgres().await];
    places.into_iter().flatten().collect()
}

/// Node by node, and back again.
#[tokio::test]
async fn a_node_of_before_starts_on_tables_of_a_later_version() {
    for place in databases().await {
        let store = place.open().await;
        let later = "INSERT INTO _sqlx_migrations
             (version, description, success, checksum, execution_time)
             SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
        match place.postgres_url() {
            Some(url) => {
                let mut admin = PgConnection::connect(url).await.unwrap();
                admin.execute(later).await.unwrap();
            }
            None => {
                let file = SqliteConnectOptions::new().filename(place.sqlite_file());
                let mut admin = file.connect().await.unwrap();
                admin.execute(later).await.unwrap();
            }
        }
        let again = place.open().await;
        store.ping().await.unwrap();
        again.ping().await.unwrap();
    }
}

pub(super) fn session(n: i64, user_id: i64) -> Session {
    Session {
        id: format!("{n:-<22}"),
        user_id,
        generation: 0,
        device: String::new(),
        created_at: time(0),
        last_used_at: time(0),
        expires_at: time(100),
        token: [0; 32],
        spent: None,
    }
}

pub(super) fn time(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600 + second)
}
