//! Concurrent requests from two nodes, over each store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::future::join_all;
use http::Request;
use tower_warder_accounts::testing::session_store_contract;
use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore, Sessions};

use super::super::server::{PASSWORD, Server, bare, by};
use super::client::{
    GRACE, Tokens, assert_invalid_grant, changing, jane, log_in, logging_out, over, refresh,
    refreshing, renewed, sessions, with,
};
use crate::support::{Answer, Place};

/// Two nodes over each kind of store; a place has to live as long as its nodes.
async fn nodes() -> Vec<(Option<Place>, [Server; 2])> {
    let memory = over(InMemoryAccountStore::new(), InMemorySessionStore::new());
    let mut nodes = vec![(None, [memory.clone(), memory])];
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place else { continue };
        let one = place.open().await;
        let one = with(Arc::clone(&one), Sessions::new(one));
        let two = place.open().await;
        let two = Server {
            clock: one.clock.clone(),
            ..Server::over(Arc::clone(&two))
        };
        let two = super::client::node(&two, place.open().await);
        nodes.push((Some(place), [one, two]));
    }
    nodes
}

/// Sends each request from its own task, alternating between the nodes.
async fn all_at_once(
    nodes: &[Server; 2],
    requests: impl IntoIterator<Item = Request<Body>>,
) -> Vec<Answer> {
    let nodes = nodes.iter().cycle();
    let tasks = requests.into_iter().zip(nodes).map(|(request, node)| {
        let node = node.clone();
        tokio::spawn(async move { node.send(request).await })
    });
    // Collected first, so that all tasks are spawned before the first is awaited.
    let tasks: Vec<_> = tasks.collect();
    let answers = join_all(tasks).await.into_iter();
    answers.map(|answer| answer.unwrap()).collect()
}

fn counts_by_status(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status.as_u16()).or_default() += 1;
    }
    counts
}

fn successors(answers: &[Answer]) -> BTreeSet<String> {
    let tokens = answers.iter().map(|answer| Tokens::of(answer).refresh);
    tokens.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_refreshes_share_one_successor_in_200_rounds() {
    for (_place, nodes) in nodes().await {
        let mut tokens = jane(&nodes[0]).await;
        for round in 0..200 {
            let twice = [refreshing(&tokens.refresh), refreshing(&tokens.refresh)];
            let answers = all_at_once(&nodes, twice).await;
            let successors = successors(&answers);
            assert_eq!(successors.len(), 1, "round {round}");
            assert!(!successors.contains(&tokens.refresh));
            tokens = Tokens::of(&answers[0]);
            // The next round uses the successor at both nodes.
        }
        nodes[0].clock.advance(GRACE);
        let last = renewed(&nodes[1], &tokens.refresh).await;
        nodes[0].clock.advance(GRACE);
        assert_invalid_grant(&refresh(&nodes[0], &tokens.refresh).await);
        assert_invalid_grant(&refresh(&nodes[1], &last.refresh).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_reuse_without_grace_ends_the_session() {
    let strict = |sessions: Sessions| sessions.reuse_grace(Duration::ZERO);
    let memory = strict(Sessions::new(InMemorySessionStore::new()));
    let mut servers = vec![(None, with(InMemoryAccountStore::new(), memory))];
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place else { continue };
        let store = place.open().await;
        let sessions = strict(Sessions::new(Arc::clone(&store)));
        servers.push((Some(place), with(store, sessions)));
    }
    for (_place, server) in servers {
        server.jane().await;
        for _ in 0..20 {
            let tokens = log_in(&server, "jane@example.org").await;
            let nodes = [server.clone(), server.clone()];
            let twice = [refreshing(&tokens.refresh), refreshing(&tokens.refresh)];
            let answers = all_at_once(&nodes, twice).await;
            let succeeded: Vec<_> = answers.iter().filter(|it| it.status == 200).collect();
            assert!(succeeded.len() <= 1, "{:?}", counts_by_status(&answers));
            for answer in succeeded {
                assert_invalid_grant(&refresh(&server, &Tokens::of(answer).refresh).await);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_concurrent_refreshes_get_one_successor() {
    for (_place, nodes) in nodes().await {
        let tokens = jane(&nodes[0]).await;
        let many = (0..30).map(|_| refreshing(&tokens.refresh));
        let answers = all_at_once(&nodes, many).await;
        assert_eq!(counts_by_status(&answers), BTreeMap::from([(200, 30)]));
        assert_eq!(successors(&answers).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logout_during_a_refresh_ends_the_session() {
    for (_place, nodes) in nodes().await {
        nodes[0].jane().await;
        for round in 0..30 {
            let tokens = log_in(&nodes[0], "jane@example.org").await;
            let mut both = [refreshing(&tokens.refresh), logging_out(&tokens.refresh)];
            both.rotate_left(round % 2);
            let answers = all_at_once(&nodes, both).await;
            let refreshed = answers.iter().find(|answer| answer.status == 200);
            if let Some(answer) = refreshed {
                let successor = Tokens::of(answer).refresh;
                assert_invalid_grant(&refresh(&nodes[0], &successor).await);
            }
            assert_invalid_grant(&refresh(&nodes[1], &tokens.refresh).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_password_changes_succeed_once() {
    for (_place, nodes) in nodes().await {
        let tokens = jane(&nodes[0]).await;
        let other = log_in(&nodes[1], "jane@example.org").await;
        let passwords: Vec<_> = (0..8).map(|n| format!("another password {n}")).collect();
        let changes = passwords.iter().zip([&tokens, &other].into_iter().cycle());
        let changes = changes.map(|(new, by)| changing(&by.access, PASSWORD, new));
        let answers = all_at_once(&nodes, changes).await;
        assert_eq!(
            counts_by_status(&answers),
            BTreeMap::from([(200, 1), (401, 7)])
        );
        assert_eq!(nodes[0].stored(1).await.token_generation, 1);

        let won = answers.iter().position(|it| it.status == 200).unwrap();
        let login = nodes[0].login("jane@example.org", &passwords[won]).await;
        assert_eq!(login.status, 200);
        let mine = [&tokens, &other];
        renewed(&nodes[0], &mine[won % 2].refresh).await;
        assert_invalid_grant(&refresh(&nodes[0], &mine[(won + 1) % 2].refresh).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn repeated_requests_take_effect_once() {
    for (_place, nodes) in nodes().await {
        let first = jane(&nodes[0]).await;
        let second = log_in(&nodes[0], "jane@example.org").await;
        let listed = sessions(&nodes[0], &second.access).await;
        let id = listed.iter().find(|it| it["is_current"] == false).unwrap()["id"].clone();
        let path = format!("/sessions/{}", id.as_str().unwrap());
        let ends = (0..10).map(|_| by(&second.access, bare("DELETE", &path)));
        let answers = all_at_once(&nodes, ends).await;
        assert_eq!(
            counts_by_status(&answers),
            BTreeMap::from([(204, 1), (404, 9)])
        );
        assert_invalid_grant(&refresh(&nodes[1], &first.refresh).await);

        let outs = (0..10).map(|_| logging_out(&second.refresh));
        let answers = all_at_once(&nodes, outs).await;
        assert_eq!(counts_by_status(&answers), BTreeMap::from([(204, 10)]));

        let third = log_in(&nodes[0], "jane@example.org").await;
        let alls = (0..10).map(|_| by(&third.access, bare("POST", "/logout-all")));
        let answers = all_at_once(&nodes, alls).await;
        assert_eq!(
            counts_by_status(&answers),
            BTreeMap::from([(204, 1), (401, 9)])
        );
        assert_eq!(nodes[1].stored(1).await.token_generation, 1);
        let fourth = log_in(&nodes[1], "jane@example.org").await;
        assert_eq!(sessions(&nodes[0], &fourth.access).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_store_passes_the_session_contract() {
    contract(async || Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_store_passes_the_session_contract() {
    if Place::postgres().await.is_some() {
        contract(async || Place::postgres().await.unwrap()).await;
    }
}

async fn contract(empty: impl AsyncFn() -> Place) {
    let places = std::sync::Mutex::new(Vec::new());
    session_store_contract(async || {
        let place = empty().await;
        let store = place.open().await;
        places.lock().unwrap().push(place);
        store
    })
    .await;
}
