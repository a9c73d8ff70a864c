//! The streams of the example, over loopback, by clients as browsers have them.

mod client;

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use tower_warder::UserStatus;
use tower_warder::UserStatus::{Approved, Disabled, Pending};
use tower_warder::cache::UserCache;
use tower_warder_accounts::{Actor, Password, PasswordReset, UserUpdate};

use self::client::{Closed, EVENTS, House, SOCKET, WEEK, events, socket};

#[tokio::test]
async fn events_are_told_to_who_brings_a_credential_in_any_way() {
    let house = House::new(None).await;
    let token = house.token("bob").await;
    let cookie = format!("tower_warder={token}");
    let ticket = house.ticket(&token).await;
    let query = format!("{EVENTS}?token={token}");
    let by_ticket = format!("{EVENTS}?token={ticket}");
    for (path, header) in [
        (&*query, None),
        (&*by_ticket, None),
        (EVENTS, Some(("authorization", &*format!("Bearer {token}")))),
        (EVENTS, Some(("cookie", &*cookie))),
    ] {
        let mut stream = events(&house, path, header).await.unwrap();
        let (name, account) = stream.next().await.unwrap();
        assert_eq!(
            (&*name, &account["email"]),
            ("hello", &json!("bob@example.com"))
        );
        assert_eq!(stream.header("content-type"), "text/event-stream");
        assert_eq!(stream.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn sockets_are_opened_to_who_brings_a_credential_in_any_way() {
    let house = House::new(None).await;
    let token = house.token("bob").await;
    let (one, other) = (house.ticket(&token).await, house.ticket(&token).await);
    let bearer = |token: &str| format!("bearer, {token}");
    for (path, header, chosen) in [
        (format!("{SOCKET}?token={token}"), None, None),
        (format!("{SOCKET}?token={one}"), None, None),
        (
            SOCKET.into(),
            Some(("sec-websocket-protocol", bearer(&token))),
            Some("bearer"),
        ),
        (
            SOCKET.into(),
            Some(("sec-websocket-protocol", bearer(&other))),
            Some("bearer"),
        ),
        (
            SOCKET.into(),
            Some(("authorization", format!("Bearer {token}"))),
            None,
        ),
        (
            SOCKET.into(),
            Some(("cookie", format!("tower_warder={token}"))),
            None,
        ),
    ] {
        let header = header.as_ref().map(|(name, value)| (*name, &**value));
        let mut stream = socket(&house, &path, header).await.unwrap();
        assert_eq!(stream.protocol(), chosen, "{path} {header:?}");
        let hello = stream.next().await.unwrap();
        assert_eq!(
            (&hello["event"], &hello["data"]["email"]),
            (&json!("hello"), &json!("bob@example.com"))
        );
    }
}

#[tokio::test]
async fn account_has_sixteen_streams_open_and_more_are_429() {
    let house = House::new(None).await;
    let token = house.token("bob").await;
    let url = |path| format!("{path}?token={token}");
    let mut streams = Vec::new();
    let mut sockets = Vec::new();
    for _ in 0..8 {
        streams.push(events(&house, &url(EVENTS), None).await.unwrap());
        sockets.push(socket(&house, &url(SOCKET), None).await.unwrap());
    }
    for _ in 0..3 {
        let refused = events(&house, &url(EVENTS), None).await.unwrap_err();
        assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
        let refused = socket(&house, &url(SOCKET), None).await.unwrap_err();
        assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    }
    // Of each account.
    let other = house.token("ada").await;
    let url_of_ada = format!("{EVENTS}?token={other}");
    drop(events(&house, &url_of_ada, None).await.unwrap());

    // A place that is given back is there for either.
    drop(streams.pop());
    opens(&house, &url(EVENTS)).await;
    drop(sockets.pop());
    opens(&house, &url(SOCKET)).await;
}

#[tokio::test]
async fn upgrade_that_is_not_completed_keeps_no_stream_open() {
    let house = House::new(None).await;
    let token = house.token("bob").await;
    let url = format!("{SOCKET}?token={token}");
    for _ in 0..40 {
        house.upgrades_and_goes(&url).await;
    }
    let mut sockets = Vec::new();
    for _ in 0..16 {
        sockets.push(opens(&house, &url).await);
    }
}

/// Opens a stream, as soon as the server knows that another one is gone.
async fn opens(house: &House, url: &str) -> Box<dyn std::any::Any> {
    let begin = Instant::now();
    loop {
        let opened: Result<Box<dyn std::any::Any>, _> = match url.starts_with(EVENTS) {
            true => events(house, url, None).await.map(|it| Box::new(it) as _),
            false => socket(house, url, None).await.map(|it| Box::new(it) as _),
        };
        match opened {
            Ok(opened) => return opened,
            Err(status) => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
        }
        assert!(begin.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_ticket_opens_one_stream_on_the_listed_paths() {
    let house = House::new(None).await;
    let token = house.token("bob").await;
    for path in [EVENTS, SOCKET] {
        let ticket = house.ticket(&token).await;
        let url = format!("{path}?token={ticket}");
        let me = house
            .get(&format!("/api/auth/me?token={ticket}"), None)
            .await;
        assert_eq!(me, StatusCode::UNAUTHORIZED);
        let header = format!("Bearer {ticket}");
        let header = house.get(EVENTS, Some(("authorization", &header))).await;
        assert_eq!(header, StatusCode::UNAUTHORIZED);
        match path {
            EVENTS => drop(events(&house, &url, None).await.unwrap()),
            _ => drop(socket(&house, &url, None).await.unwrap()),
        }
        for path in [EVENTS, SOCKET] {
            let again = format!("{path}?token={ticket}");
            assert_eq!(house.get(&again, None).await, StatusCode::UNAUTHORIZED);
        }
        let again = socket(&house, &url, None).await.unwrap_err();
        assert_eq!(again, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_ticket_is_refused_after_thirty_seconds() {
    let house = House::new(None).await;
    let token = house.token("bob").await;
    let ticket = house.ticket(&token).await;
    house.clock.advance(Duration::from_secs(30));
    let url = format!("{EVENTS}?token={ticket}");
    assert_eq!(
        events(&house, &url, None).await.unwrap_err(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_refused_opening_is_answered_before_the_upgrade() {
    let house = House::new(None).await;
    for status in [Pending, Disabled] {
        let token = house.token("bob").await;
        house.set("bob", status).await;
        for path in [
            SOCKET.to_owned(),
            format!("{SOCKET}?token={token}"),
            format!("{SOCKET}?token=x"),
        ] {
            let refused = socket(&house, &path, None).await.unwrap_err();
            assert_eq!(refused, StatusCode::UNAUTHORIZED, "{path}");
        }
        house.set("bob", Approved).await;
    }
}

#[tokio::test]
async fn a_page_of_another_origin_opens_no_socket_by_the_cookie() {
    let house = House::new(None).await;
    let cookie = format!("tower_warder={}", house.token("bob").await);
    let status = house.cross_origin_upgrade(&cookie).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn an_admin_hears_how_many_accounts_wait() {
    let house = House::in_memory().await;
    let admin = house.token("ada").await;
    let url = |path| format!("{path}?token={admin}");
    let mut stream = events(&house, &url(EVENTS), None).await.unwrap();
    let mut web_socket = socket(&house, &url(SOCKET), None).await.unwrap();
    assert_eq!(stream.next().await.unwrap().0, "hello");
    assert_eq!(web_socket.next().await.unwrap()["event"], "hello");
    for count in [0, 1] {
        let news = ("pending".to_owned(), json!({"count": count}));
        assert_eq!(stream.next().await.unwrap(), news);
        let (event, data) = news;
        assert_eq!(
            web_socket.next().await.unwrap(),
            json!({"event": event, "data": data})
        );
        house.set("bob", Pending).await;
    }
}

#[tokio::test]
async fn a_change_that_is_invalidated_ends_streams_at_once() {
    for change in UserChange::ALL {
        let house = House::new(Some(UserCache::new(64))).await;
        let token = house.token("bob").await;
        let url = |path| format!("{path}?token={token}");
        let mut stream = events(&house, &url(EVENTS), None).await.unwrap();
        let mut web_socket = socket(&house, &url(SOCKET), None).await.unwrap();
        assert!(stream.next().await.is_some() && web_socket.next().await.is_ok());
        change.make(&house).await;
        let begin = Instant::now();
        assert_eq!(stream.next().await, None, "{change:?}");
        assert_eq!(web_socket.next().await, Err(change.closes()), "{change:?}");
        // Long before the next check.
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_cache_a_change_ends_streams_at_the_next_check() {
    for change in UserChange::ALL {
        let house = House::in_memory().await;
        let token = house.token("bob").await;
        let url = |path| format!("{path}?token={token}");
        let mut stream = events(&house, &url(EVENTS), None).await.unwrap();
        let mut web_socket = socket(&house, &url(SOCKET), None).await.unwrap();
        assert!(stream.next().await.is_some() && web_socket.next().await.is_ok());
        change.make(&house).await;
        assert_eq!(stream.next().await, None, "{change:?}");
        assert_eq!(web_socket.next().await, Err(change.closes()), "{change:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_ends_streams_also_those_of_a_ticket() {
    for by_ticket in [false, true] {
        let house = House::in_memory().await;
        let token = house.token("bob").await;
        let credential = match by_ticket {
            true => (house.ticket(&token).await, house.ticket(&token).await),
            false => (token.clone(), token),
        };
        let url = format!("{EVENTS}?token={}", credential.0);
        let mut stream = events(&house, &url, None).await.unwrap();
        let url = format!("{SOCKET}?token={}", credential.1);
        let mut web_socket = socket(&house, &url, None).await.unwrap();
        assert!(stream.next().await.is_some() && web_socket.next().await.is_ok());
        house.clock.advance(WEEK);
        assert_eq!(stream.next().await, None);
        assert_eq!(web_socket.next().await, Err(shut_out()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_streams_and_does_not_look_like_a_log_out() {
    for (name, fails, reason) in [
        ("bob", "find", "Authentication is temporarily unavailable"),
        ("ada", "count_pending", ""),
    ] {
        let house = House::in_memory().await;
        let token = house.token(name).await;
        let url = |path| format!("{path}?token={token}");
        let mut stream = events(&house, &url(EVENTS), None).await.unwrap();
        let mut web_socket = socket(&house, &url(SOCKET), None).await.unwrap();
        assert_eq!(stream.next().await.unwrap().0, "hello");
        house.store.fails(&[fails]);
        while stream.next().await.is_some() {}
        let closed = loop {
            if let Err(closed) = web_socket.next().await {
                break closed;
            }
        };
        assert_eq!(closed, Closed(1013, reason.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_not_there_any_more_holds_no_socket() {
    let house = House::in_memory().await;
    let url = format!("{SOCKET}?token={}", house.token("bob").await);
    let mut web_socket = socket(&house, &url, None).await.unwrap();
    assert!(web_socket.next().await.is_ok());
    let end = web_socket.says_and_waits(b"");
    let within = tokio::time::timeout(Duration::from_secs(120), end).await;
    within.expect("a ping without an answer is enough");
}

#[tokio::test]
async fn the_head_of_a_long_frame_ends_the_socket() {
    let house = House::new(None).await;
    let url = format!("{SOCKET}?token={}", house.token("bob").await);
    let mut web_socket = socket(&house, &url, None).await.unwrap();
    assert!(web_socket.next().await.is_ok());
    // A binary frame of 4097 bytes, masked, of which none comes.
    let end = web_socket.says_and_waits(&[0x82, 0xfe, 0x10, 0x01, 0, 0, 0, 0]);
    let within = tokio::time::timeout(Duration::from_secs(5), end).await;
    within.expect("nobody waits for the rest");
}

#[tokio::test]
async fn streams_end_when_the_server_stops_and_do_not_hold_it_up() {
    let mut house = House::new(None).await;
    let token = house.token("ada").await;
    let url = |path| format!("{path}?token={token}");
    let mut stream = events(&house, &url(EVENTS), None).await.unwrap();
    let mut web_socket = socket(&house, &url(SOCKET), None).await.unwrap();
    assert_eq!(stream.next().await.unwrap().0, "hello");
    assert!(web_socket.next().await.is_ok());
    house.stop().await;
    while stream.next().await.is_some() {}
    let closed = loop {
        if let Err(closed) = web_socket.next().await {
            break closed;
        }
    };
    assert_eq!(closed, Closed(1001, String::new()));
}

#[derive(Clone, Copy, Debug)]
enum UserChange {
    Disabled,
    Reset,
    Deleted,
    Promoted,
}

impl UserChange {
    const ALL: [Self; 4] = [Self::Disabled, Self::Reset, Self::Deleted, Self::Promoted];

    async fn make(self, house: &House) {
        let (accounts, bob) = (&house.accounts, house.id("bob"));
        match self {
            Self::Disabled => house.set("bob", UserStatus::Disabled).await,
            Self::Reset => {
                let password = Password::new("another horse").unwrap();
                let reset = PasswordReset { password };
                let done = accounts.reset_password(bob, reset, Actor::System).await;
                done.unwrap();
            }
            Self::Deleted => accounts.delete(bob, Actor::System).await.unwrap(),
            Self::Promoted => {
                let update = UserUpdate {
                    email: None,
                    is_admin: Some(true),
                    status: None,
                };
                drop(accounts.update(bob, update, Actor::System).await.unwrap());
            }
        }
    }

    fn closes(self) -> Closed {
        match self {
            // Whoever opened the stream may open another, which shows more.
            Self::Promoted => Closed(1008, "The account has another role now".to_owned()),
            _ => shut_out(),
        }
    }
}

fn shut_out() -> Closed {
    Closed(1008, "Could not validate credentials".to_owned())
}
