//! The paginated list of accounts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tower_warder::UserStatus::{Approved, Disabled};

use super::server::{Pending, Server, bare, by};
use crate::support::Answer;
use crate::support::accounts::staged::Staged;

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

#[tokio::test]
async fn search_status_and_sort_select_accounts() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    for (email, status) in [
        ("jane@example.org", Pending),
        ("jan_e@example.org", Approved),
        ("paul@example.org", Disabled),
        ("jan-e@example.org", Approved),
        ("o'brien+50%@example.org", Pending),
    ] {
        server.add(email, false, status).await;
    }
    for (query, expected) in [
        ("?search=jan", "5 3 2"),
        ("?search=JAN", "5 3 2"),
        ("?search=jan_", "3"),
        ("?search=jan%25", ""),
        ("?search=%25", ""),
        ("?search=ane", ""),
        ("?search=%5C", ""),
        ("?search=%22%27", ""),
        ("?search=o%27brien%2B50%25", "6"),
        ("?search=jane%40example.org", "2"),
        ("?search=%F0%9F%97%BC", ""),
        ("?search=+jane", ""),
        ("?status=pending", "6 2"),
        ("?status=approved", "5 3 1"),
        ("?status=disabled", "4"),
        ("?status=approved&search=j", "5 3"),
        ("?sort=-created_at", "6 5 4 3 2 1"),
        ("?sort=created_at", "1 2 3 4 5 6"),
        ("?sort=created_at&after=4", "5 6"),
        ("?sort=created_at&after=4&status=pending", "6"),
        ("?sort=email", "5 3 2 6 4 1"),
        ("?sort=-email", "1 4 6 2 3 5"),
        ("?after=o&sort=email", "6 4 1"),
        ("?after=o&sort=-email&search=j", "2 3 5"),
        ("?after=7&sort=email", "5 3 2 6 4 1"),
        ("?after=jan_e%40example.org&sort=email&limit=1", "2"),
    ] {
        let answer = server
            .send(by(&admin, bare("GET", &format!("/users{query}"))))
            .await;
        assert_eq!(answer.status, 200, "{query}");
        assert_eq!(ids(&answer).join(" "), expected, "{query}");
    }
}

#[tokio::test]
async fn links_lead_through_all_pages() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    for name in ["a&b=c", "a+b", "a%2", "a'b", "a#b", "a?b", "a/b", "b"] {
        server
            .add(&format!("{name}@example.org"), false, Pending)
            .await;
    }
    let unpaged = async |query: &str| {
        let all = bare("GET", &format!("/users{query}"));
        server.send(by(&admin, all)).await
    };
    for query in [
        "?sort=-created_at",
        "?sort=created_at",
        "?sort=email",
        "?sort=-email",
        "?sort=email&search=A&status=pending",
        "?search=a%2B",
        "?status=approved",
        "?search=x",
    ] {
        let all = unpaged(query).await;
        assert_eq!(all.header("link"), None, "{query}");
        let total = ids(&all).len().to_string();
        assert_eq!(all.header("x-total-count"), Some(&*total), "{query}");
        for limit in 1..=9 {
            let mut url = format!("{query}&limit={limit}");
            let mut seen = Vec::new();
            loop {
                let page = unpaged(&url).await;
                assert_eq!(page.header("x-total-count"), Some(&*total), "{url}");
                let listed = ids(&page);
                assert!(listed.len() <= limit, "{url}");
                seen.extend(listed);
                let Some(link) = page.header("link") else {
                    break;
                };
                let next = link.strip_prefix('<').unwrap();
                url = next.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
            }
            assert_eq!(seen, ids(&all), "{query} in pages of {limit}");
        }
    }
}

#[tokio::test]
async fn link_repeats_only_known_parameters() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    server.add("jane@example.org", false, Approved).await;
    let query = "?status=approved&token=secret&limit=1&other=x";
    let page = server
        .send(by(&admin, bare("GET", &format!("/users{query}"))))
        .await;
    assert_eq!(
        page.header("link"),
        Some("<?status=approved&limit=1&after=2>; rel=\"next\"")
    );
    // The number alone.
    let none = server.send(by(&admin, bare("GET", "/users?limit=0"))).await;
    assert_eq!(none.header("x-total-count"), Some("2"));
    assert_eq!(none.header("link"), None);
}

#[tokio::test]
async fn accounts_are_counted_only_if_some_are_on_other_pages() {
    let store = Arc::new(Staged::new().await);
    let server = Server::over(Arc::clone(&store));
    let (_, admin) = server.admin().await;
    server.add("jane@example.org", false, Pending).await;
    store.fails(&["count"]);
    for (query, status) in [
        ("", 200),
        ("?status=pending", 200),
        ("?limit=2", 200),
        ("?limit=1", 503),
        ("?limit=2&after=2", 503),
        ("?limit=0", 503),
    ] {
        let answer = server
            .send(by(&admin, bare("GET", &format!("/users{query}"))))
            .await;
        assert_eq!(answer.status, status, "{query}");
    }
}

#[tokio::test]
async fn invalid_parameters_are_rejected_together() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let long = format!("?search={}", "a".repeat(255));
    let longest = format!("?search={}", "a".repeat(254));
    for (query, expected) in [
        ("?search=", "value_error search"),
        (&long, "value_error search"),
        (&longest, ""),
        ("?search=%00", "value_error search"),
        ("?search=jane%0A", "value_error search"),
        ("?search=%C2%85", "value_error search"),
        ("?status=", "enum status"),
        ("?status=Pending", "enum status"),
        ("?status=not-activated", "enum status"),
        ("?status=pending,approved", "enum status"),
        ("?sort=", "enum sort"),
        ("?sort=id", "enum sort"),
        ("?sort=%2Bemail", "enum sort"),
        ("?sort=--email", "enum sort"),
        ("?sort=email&after=", "value_error after"),
        ("?sort=email&after=%00", "value_error after"),
        (
            "?sort=created_at&after=jane%40example.org",
            "int_parsing after",
        ),
        ("?after=9223372036854775808", "int_parsing after"),
        (
            "?search=&status=x&sort=created_at&limit=x&after=x",
            "value_error search, enum status, int_parsing limit, int_parsing after",
        ),
        ("?sort=x&after=x", "enum sort"),
        ("?search=a&search=b", "value_error -"),
        ("?status=pending&%73tatus=pending", "value_error -"),
        ("?sort=email&sort=email", "value_error -"),
    ] {
        let answer = server
            .send(by(&admin, bare("GET", &format!("/users{query}"))))
            .await;
        let errors = answer.json();
        let errors = errors["detail"].as_array().into_iter().flatten();
        let errors = errors.map(|error| {
            let kind = error["type"].as_str().unwrap();
            assert_eq!(error["loc"][0], "query");
            format!("{kind} {}", error["loc"][1].as_str().unwrap_or("-"))
        });
        assert_eq!(Vec::from_iter(errors).join(", "), expected, "{query}");
    }
    let answer = server
        .send(by(&admin, bare("GET", "/users?status=x&sort=x")))
        .await;
    let messages = answer.json().to_string();
    let allowed = ["pending", "approved", "disabled", "-created_at", "-email"];
    assert!(allowed.iter().all(|it| messages.contains(it)), "{messages}");
}

#[tokio::test]
async fn description_has_the_parameters_that_are_read() {
    use crate::support::accounts::described::paths;

    let list = &paths()["/users"]["get"];
    let described: BTreeSet<_> = list["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let read: BTreeSet<_> = ["search", "status", "sort", "limit", "after"].into();
    assert_eq!(described, read);
    for parameter in list["parameters"].as_array().unwrap() {
        let name = parameter["name"].as_str().unwrap();
        let allowed = parameter["schema"]["enum"].as_array();
        for value in allowed.into_iter().flatten().filter_map(Value::as_str) {
            let url = format!("/users?{name}={value}");
            let answer = server.send(by(&admin, bare("GET", &url))).await;
            assert_eq!(answer.status, 200, "{url}");
        }
        // No parameter may be empty.
        let url = format!("/users?sort=email&limit=1&{name}=").replace(
            match name {
                "sort" => "sort=email&",
                "limit" => "limit=1&",
                _ => "!",
            },
            "",
        );
        assert_eq!(server.send(by(&admin, bare("GET", &url))).await.status, 422);
    }
}

fn ids(answer: &Answer) -> Vec<String> {
    let users = answer.json();
    let users = users.as_array().unwrap().iter();
    users.map(|user| user["id"].to_string()).collect()
}
