//! Behavior that the stores of the server have in common.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use tower_warder::UserStatus;
use tower_warder_accounts::{self as accounts, AdminGrant, Email, NewUser, Session, SessionStore};

use crate::support::Place;

async fn databases() -> Vec<Place> {
    let places = [Some(Place::sqlite()), Place::postgres().await];
    places.into_iter().flatten().collect()
}

/// As in a rolling update, and its rollback.
#[tokio::test]
async fn old_node_starts_on_tables_of_a_later_version() {
    for place in databases().await {
        let store = place.open().await;
        let later = "INSERT INTO tower_warder_migrations
             (version, description, success, checksum, execution_time)
             SELECT 9999, 'later', success, checksum, 0 FROM tower_warder_migrations WHERE version = 1";
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

#[tokio::test]
async fn disabling_with_sql_revokes_the_tokens() {
    for place in databases().await {
        let store = place.open().await;
        for id in [1, 2] {
            let new = NewUser {
                email: Email::new(&format!("user{id}@example.org")).unwrap(),
                hashed_password: "none".to_owned(),
                is_admin: false,
                status: UserStatus::Pending,
                created_at: time(0),
                admin_grant: AdminGrant::Never,
            };
            let added = accounts::AccountStore::insert(&store, new).await;
            assert_eq!(added.unwrap().id, id);
        }
        for (update, generation) in [
            ("UPDATE users SET status = 'approved'", 0),
            ("UPDATE users SET status = 'disabled' WHERE id = 1", 1),
            ("UPDATE users SET status = 'pending' WHERE id = 1", 1),
            ("UPDATE users SET status = 'approved' WHERE id = 1", 1),
            ("UPDATE users SET is_admin = TRUE WHERE id = 1", 1),
            (
                "UPDATE users SET status = 'pending', token_generation = 7 WHERE id = 1",
                7,
            ),
        ] {
            match place.postgres_url() {
                Some(url) => {
                    let mut admin = PgConnection::connect(url).await.unwrap();
                    admin.execute(update).await.unwrap();
                }
                None => {
                    let file = SqliteConnectOptions::new().filename(place.sqlite_file());
                    let mut admin = file.connect().await.unwrap();
                    admin.execute(update).await.unwrap();
                }
            }
            let mut found = Vec::new();
            for id in [1, 2] {
                let user = accounts::AccountStore::find(&store, id).await.unwrap();
                found.push(user.unwrap().token_generation);
            }
            assert_eq!(found, [generation, 0], "{update}");
        }
    }
}

#[tokio::test]
async fn login_removes_at_most_100_expired_sessions() {
    for place in databases().await {
        let store = place.open().await;
        for n in 0..130 {
            // Each of another account; none has expired when it is opened.
            let session = session(n, 1000 + n);
            store.open(session, 10).await.unwrap();
        }
        let left = async || {
            let mut left = 0;
            for n in 0..130 {
                left += store.list(1000 + n).await.unwrap().len();
            }
            left
        };
        for rest in [30, 0] {
            let late = Session {
                created_at: time(1000),
                expires_at: time(2000),
                ..session(500 + rest, 7)
            };
            store.open(late, 10).await.unwrap();
            assert_eq!(left().await, usize::try_from(rest).unwrap());
        }
        assert_eq!(store.list(7).await.unwrap().len(), 2);
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
        previous: None,
    }
}

pub(super) fn time(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600 + second)
}
