//! Concurrent requests, over each store.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use futures_util::future::join_all;
use http::Request;
use serde_json::json;
use tower_warder::password::LegacyFormats;
use tower_warder_accounts::{UserAction, UserFilter, UserQuery};

use super::server::{
    Approved, Disabled, PASSWORD, Pending, Server, bare, by, hasher, json_to, login,
};
use crate::support::Place;

/// One server for each kind of store.
async fn servers() -> Vec<Server> {
    let mut servers = Vec::new();
    for place in Place::all().await {
        servers.push(Server::at(Arc::new(place), |accounts| accounts).await);
    }
    servers
}

/// Sends each request from its own task and counts the responses by status.
async fn all_at_once(
    server: &Server,
    requests: impl IntoIterator<Item = Request<Body>>,
) -> BTreeMap<u16, usize> {
    let tasks = requests.into_iter().map(|request| {
        let server = server.clone();
        tokio::spawn(async move { server.send(request).await.status.as_u16() })
    });
    // Collected first, so that all tasks are spawned before the first is awaited.
    let tasks: Vec<_> = tasks.collect();
    let mut counts = BTreeMap::new();
    for status in join_all(tasks).await {
        *counts.entry(status.unwrap()).or_default() += 1;
    }
    counts
}

/// Of "grüße, wörld", by Django, pwdlib and Werkzeug.
const LEGACY_HASHES: [&str; 5] = [
    "pbkdf2_sha256$10$SUJdRMllUJCxB13y6G6RRJ$6S7kztZpSAsIkJXlz5lYR5TE60NMCzF1OPbyHghcwZk=",
    "bcrypt$$2b$04$b2TxDhyv5pChbxSRX27cju51P0cgARnT48Z9q/W2.PAq1zEsHWBO6",
    "$2b$04$JIqeLzAqCcePNvPXpEKlv.VheHCbDdAwYQIvUTDwfB/sLnbPrFh2m",
    "scrypt:1024:8:2$qmf4oXIJZb0i9eqK$d0dc9cd03ffe74b70032a3043e4684a48898857baf04092adf1b4bae1b2a\
     c67e2eaa3a3a33bb993aeaed710d53d94df45d725782f3bbf6f04e56323fb82376d6",
    "pbkdf2:sha1:10$qBp3OBta52FgOi2C$4868f2a80c47be486872a83df4111d07449e1048",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_logins_replace_a_legacy_hash() {
    for place in Place::all().await {
        let server = Server::at(Arc::new(place), |accounts| {
            accounts.hasher(hasher().legacy_format(LegacyFormats))
        });
        let server = server.await;
        for (number, stored) in LEGACY_HASHES.into_iter().enumerate() {
            let email = format!("jane{number}@example.org");
            let jane = server.add_with_hash(&email, false, Approved, stored).await;
            let hash = async || server.stored(jane.id).await.hashed_password;

            let answer = server.login(&email, "grüße, wörl").await;
            assert_eq!(answer.status, 401, "{stored}");
            assert_eq!(hash().await, stored);

            let both = [(); 2].map(|()| login(&email, "grüße, wörld"));
            let counts = all_at_once(&server, both).await;
            assert_eq!(counts, BTreeMap::from([(200, 2)]), "{stored}");
            let fresh = hash().await;
            assert!(fresh.starts_with("$argon2id$"), "{stored}");

            for (password, status) in [("grüße, wörl", 401), ("grüße, wörld", 200)] {
                assert_eq!(server.login(&email, password).await.status, status);
            }
            assert_eq!(hash().await, fresh);
            let token = server.token(&jane);
            assert_eq!(server.me(&token).await.status, 200, "the tokens stay valid");
        }
        for status in [Disabled, Pending] {
            let [stored, ..] = LEGACY_HASHES;
            let email = format!("{}@example.org", status.as_str());
            let user = server.add_with_hash(&email, false, status, stored).await;
            for (password, status) in [("grüße, wörl", 401), ("grüße, wörld", 403)] {
                assert_eq!(server.login(&email, password).await.status, status);
            }
            assert_eq!(server.stored(user.id).await.hashed_password, stored);
        }
    }
}

fn register(email: &str) -> Request<Body> {
    json_to(
        "POST",
        "/register",
        &json!({"email": email, "password": PASSWORD}),
    )
}

async fn admins(server: &Server) -> usize {
    let users = server.store.list(&UserQuery::default()).await.unwrap();
    users.iter().filter(|user| user.is_active_admin()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_first_registrations_make_one_admin() {
    for server in servers().await {
        let new = (0..50).map(|number| register(&format!("jane{number}@example.org")));
        assert_eq!(all_at_once(&server, new).await, BTreeMap::from([(201, 50)]));
        assert_eq!(admins(&server).await, 1);
        let pending = UserFilter {
            status: Some(Pending),
            ..UserFilter::default()
        };
        assert_eq!(server.store.count(&pending).await.unwrap(), 49);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_on_one_database_make_one_first_admin() {
    let new = |name: &str| {
        let emails = (0..20).map(|number| format!("{name}{number}@example.org"));
        emails.map(|email| register(&email)).collect::<Vec<_>>()
    };
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place.map(Arc::new) else {
            continue;
        };
        let one = Server::at(Arc::clone(&place), |accounts| accounts).await;
        let two = Server::at(place, |accounts| accounts).await;
        let (first, second) =
            tokio::join!(all_at_once(&one, new("a")), all_at_once(&two, new("b")));
        assert_eq!(
            [first, second],
            [BTreeMap::from([(201, 20)]), BTreeMap::from([(201, 20)])]
        );
        assert_eq!(admins(&one).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_registrations_of_one_email_make_one_account() {
    for server in servers().await {
        let new = (0..50).map(|number| {
            register(if number % 2 == 0 {
                "jane@example.org"
            } else {
                "JANE@example.org"
            })
        });
        assert_eq!(
            all_at_once(&server, new).await,
            BTreeMap::from([(201, 1), (409, 49)])
        );
        assert_eq!(
            server
                .store
                .list(&UserQuery::default())
                .await
                .unwrap()
                .len(),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_updates_to_one_email_succeed_once() {
    for server in servers().await {
        let (_, admin) = server.admin().await;
        let mut updates = Vec::new();
        for number in 0..20 {
            let user = server
                .add(&format!("jane{number}@example.org"), false, Approved)
                .await;
            let path = format!("/users/{}", user.id);
            updates.push(by(
                &admin,
                json_to("PUT", &path, &json!({"email": "x@example.org"})),
            ));
        }
        assert_eq!(
            all_at_once(&server, updates).await,
            BTreeMap::from([(200, 1), (409, 19)])
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_admins_removing_each_other_leave_one() {
    for server in servers().await {
        for round in 0..20 {
            let one = server
                .add(&format!("one{round}@example.org"), true, Approved)
                .await;
            let two = server
                .add(&format!("two{round}@example.org"), true, Approved)
                .await;
            for user in server.store.list(&UserQuery::default()).await.unwrap() {
                if user.id != one.id && user.id != two.id {
                    server.act(user.id, UserAction::Delete).await.unwrap();
                }
            }
            let remove = |admin, id| {
                let (token, path) = (server.token(admin), format!("/users/{id}"));
                by(
                    &token,
                    match round % 3 {
                        0 => json_to("PUT", &path, &json!({"is_admin": false})),
                        1 => json_to("PUT", &path, &json!({"status": "disabled"})),
                        _ => bare("DELETE", &path),
                    },
                )
            };
            let counts = all_at_once(&server, [remove(&one, two.id), remove(&two, one.id)]).await;
            assert_eq!(admins(&server).await, 1, "{counts:?}");
            assert!(counts.keys().all(|status| *status < 500), "{counts:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_deletions_succeed_once() {
    for server in servers().await {
        let (_, admin) = server.admin().await;
        let jane = server.add("jane@example.org", true, Approved).await;
        let path = format!("/users/{}", jane.id);
        let deletions = (0..20).map(|_| by(&admin, bare("DELETE", &path)));
        let counts = all_at_once(&server, deletions).await;
        assert_eq!(counts, BTreeMap::from([(204, 1), (404, 19)]));

        // The account deletes itself: later requests are rejected by the layer or by the store.
        let jane = server.add("jane@example.org", true, Approved).await;
        let (token, path) = (server.token(&jane), format!("/users/{}", jane.id));
        let deletions = (0..20).map(|_| by(&token, bare("DELETE", &path)));
        let counts = all_at_once(&server, deletions).await;
        assert_eq!(counts.get(&204), Some(&1), "{counts:?}");
        assert!(
            counts.keys().all(|status| [204, 401].contains(status)),
            "{counts:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_logins_all_succeed() {
    for server in servers().await {
        server.jane().await;
        let log_ins = (0..64).map(|_| login("jane@example.org", PASSWORD));
        assert_eq!(
            all_at_once(&server, log_ins).await,
            BTreeMap::from([(200, 64)])
        );
    }
}
