//! Code of the application in the transactions of both stores.

use std::future::pending;
use std::sync::{Arc, Mutex};

use tower_warder_accounts::{AccountStore, Actor, AdminGrant, HookError, StoreError, UserAction};
use tower_warder_sqlx::SqliteStore;

use crate::place::{Place, change, new};

/// What the hooks do after their statement.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Completes,
    Vetoes,
    Fails,
    Panics,
    Hangs,
}

type SharedMood = Arc<Mutex<Mood>>;

async fn finish(mood: SharedMood) -> Result<(), HookError> {
    let mood = *mood.lock().unwrap();
    match mood {
        Mood::Completes => Ok(()),
        Mood::Vetoes => Err(HookError::veto("Not today")),
        Mood::Fails => Err("the hook failed".into()),
        Mood::Panics => panic!("the hook panicked"),
        Mood::Hangs => pending().await,
    }
}

/// Adds a profile with each account, and deletes it before the account.
macro_rules! with_profiles {
    ($store:expr, $mood:expr) => {{
        let (inserting, deleting) = (Arc::clone($mood), Arc::clone($mood));
        $store
            .on_insert(move |connection, user| {
                let mood = Arc::clone(&inserting);
                Box::pin(async move {
                    sqlx::query("INSERT INTO profiles (user_id, name) VALUES ($1, $2)")
                        .bind(user.id)
                        .bind(&user.email)
                        .execute(connection)
                        .await?;
                    finish(mood).await
                })
            })
            .on_delete(move |connection, user| {
                let mood = Arc::clone(&deleting);
                Box::pin(async move {
                    sqlx::query("DELETE FROM profiles WHERE user_id = $1 AND name = $2")
                        .bind(user.id)
                        .bind(&user.email)
                        .execute(connection)
                        .await?;
                    finish(mood).await
                })
            })
    }};
}

async fn open(place: &Place, mood: &SharedMood) -> Arc<dyn AccountStore> {
    match place {
        Place::Sqlite(_) => {
            let store = SqliteStore::connect_with(place.sqlite_options())
                .await
                .unwrap();
            store.migrate().await.unwrap();
            Arc::new(with_profiles!(store, mood))
        }
        Place::Postgres(_) => {
            let store = place.postgres_store(place.postgres_options()).await;
            store.migrate().await.unwrap();
            Arc::new(with_profiles!(store, mood))
        }
    }
}

/// Without `CASCADE`, so that an account is not deleted before its profile.
const PROFILES: &str = "CREATE TABLE profiles (name TEXT NOT NULL,
    user_id BIGINT PRIMARY KEY REFERENCES users (id))";

const COUNT: &str = "SELECT COUNT(*) FROM users JOIN profiles ON user_id = users.id
    AND name = email";

#[tokio::test]
async fn failing_hook_rolls_the_account_back() {
    for place in Place::all().await {
        let mood = Arc::new(Mutex::new(Mood::Completes));
        let store = open(&place, &mood).await;
        let mut admin = place.connect().await;
        admin.run(PROFILES).await;
        let is_expected = |error: &StoreError, mood| match error {
            StoreError::Vetoed(text) => mood == Mood::Vetoes && text == "Not today",
            StoreError::Unavailable(_) => mood != Mood::Vetoes,
            _ => false,
        };
        let failing = [Mood::Vetoes, Mood::Fails, Mood::Panics, Mood::Hangs];

        let insert = async || store.insert(new("ada", AdminGrant::IfFirstAccount)).await;
        for failing in failing {
            *mood.lock().unwrap() = failing;
            let error = insert().await.unwrap_err();
            assert!(is_expected(&error, failing), "{failing:?}: {error:?}");
            let email = new("ada", AdminGrant::Never).email;
            assert_eq!(store.find_by_email(&email).await.unwrap(), None);
            let profiles = admin.number("SELECT COUNT(*) FROM profiles").await;
            assert_eq!(profiles, 0, "{failing:?}");
        }
        *mood.lock().unwrap() = Mood::Completes;
        let ada = insert().await.unwrap();
        assert!(ada.is_admin, "the admin grant was used up");
        let bob = store.insert(new("bob", AdminGrant::Never)).await.unwrap();
        assert_eq!(admin.number(COUNT).await, 2);

        let delete = async || {
            let deletion = change(bob.id, UserAction::Delete, Actor::System);
            store.change(&deletion).await
        };
        for failing in failing {
            *mood.lock().unwrap() = failing;
            let error = delete().await.unwrap_err();
            assert!(is_expected(&error, failing), "{failing:?}: {error:?}");
            assert_eq!(store.find(bob.id).await.unwrap().as_ref(), Some(&bob));
            assert_eq!(admin.number(COUNT).await, 2, "{failing:?}");
        }
        *mood.lock().unwrap() = Mood::Completes;
        assert_eq!(delete().await.unwrap(), None);
        assert_eq!(admin.number(COUNT).await, 1);
        // A change that is rejected anyway calls no hook.
        let deletion = change(ada.id, UserAction::Delete, Actor::System);
        *mood.lock().unwrap() = Mood::Vetoes;
        let error = store.change(&deletion).await.unwrap_err();
        assert!(matches!(error, StoreError::LastAdmin(_)), "{error:?}");
    }
}
