//! The paginated list of accounts.

use std::time::Duration;

use super::server::{Pending, Server, bare, by};

#[tokio::test]
async fn users_are_listed_in_pages() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    for name in ["a", "b", "c"] {
        server.clock.advance(Duration::from_secs(1));
        server
            .add(&format!("{name}@example.org"), false, Pending)
            .await;
    }
    for (query, expected) in [
        ("", vec![4, 3, 2, 1]),
        ("?limit=2", vec![4, 3]),
        ("?limit=2&after=3", vec![2, 1]),
        ("?after=1", vec![]),
        ("?limit=0", vec![]),
        ("?other=x", vec![4, 3, 2, 1]),
    ] {
        let users = server
            .send(by(&admin, bare("GET", &format!("/users{query}"))))
            .await;
        let ids: Vec<_> = users
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["id"].as_i64().unwrap())
            .collect();
        assert_eq!(ids, expected, "{query}");
    }
    for query in [
        "?limit=-1",
        "?limit=x",
        "?limit=",
        "?limit=4294967296",
        "?after=01",
        "?after=%2B1",
        "?limit=1&limit=1",
        "?limit=1&%6cimit=2",
        "?after=1&after=2",
        "?other=x&other=x",
        "?limit=%zz",
        "?other=%",
        "?other=%ff",
    ] {
        let answer = server
            .send(by(&admin, bare("GET", &format!("/users{query}"))))
            .await;
        assert_eq!(answer.status, 422, "{query}");
        assert_eq!(answer.json()["detail"][0]["loc"][0], "query");
    }
    let both = server
        .send(by(&admin, bare("GET", "/users?limit=x&after=y")))
        .await;
    assert_eq!(both.json()["detail"].as_array().unwrap().len(), 2);
}
