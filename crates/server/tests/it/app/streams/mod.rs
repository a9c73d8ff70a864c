//! The streams of the server, over loopback, with clients that act like browsers.

mod client;

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use tokio::time;
use tower_warder::UserStatus;
use tower_warder::UserStatus::{Approved, Disabled, Pending};
use tower_warder::cache::UserCache;
use tower_warder_accounts::{Actor, Password, PasswordReset, UserUpdate};

use self::client::{Closed, EVENTS, SOCKET, Server, WEEK, events, socket};

#[tokio::test]
async fn events_accept_every_credential_source() {
    let server = Server::new(None).await;
    let token = server.token("bob").await;
    let cookie = format!("tower_warder={token}");
    let ticket = server.ticket(&token).await;
    let query = format!("{EVENTS}?token={token}");
    let by_ticket = format!("{EVENTS}?token={ticket}");
    for (path, header) in [
        (&*query, None),
        (&*by_ticket, None),
        (EVENTS, Some(("authorization", &*format!("Bearer {token}")))),
        (EVENTS, Some(("cookie", &*cookie))),
    ] {
        let mut stream = events(&server, path, header).await.unwrap();
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
async fn websocket_accepts_every_credential_source() {
    let server = Server::new(None).await;
    let token = server.token("bob").await;
    let (one, other) = (server.ticket(&token).await, server.ticket(&token).await);
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
        let mut stream = socket(&server, &path, header).await.unwrap();
        assert_eq!(stream.protocol(), chosen, "{path} {header:?}");
        let hello = stream.next().await.unwrap();
        assert_eq!(
            (&hello["event"], &hello["data"]["email"]),
            (&json!("hello"), &json!("bob@example.com"))
        );
    }
}

#[tokio::test]
async fn seventeenth_stream_of_an_account_is_429() {
    let server = Server::new(None).await;
    let token = server.token("bob").await;
    let url = |path| format!("{path}?token={token}");
    let mut streams = Vec::new();
    let mut sockets = Vec::new();
    for _ in 0..8 {
        streams.push(events(&server, &url(EVENTS), None).await.unwrap());
        sockets.push(socket(&server, &url(SOCKET), None).await.unwrap());
    }
    for _ in 0..3 {
        let rejected = events(&server, &url(EVENTS), None).await.unwrap_err();
        assert_eq!(rejected, StatusCode::TOO_MANY_REQUESTS);
        let rejected = socket(&server, &url(SOCKET), None).await.unwrap_err();
        assert_eq!(rejected, StatusCode::TOO_MANY_REQUESTS);
    }
    // The limit is that of one account.
    let other = server.token("ada").await;
    let url_of_ada = format!("{EVENTS}?token={other}");
    drop(events(&server, &url_of_ada, None).await.unwrap());

    // A closed stream makes way for one of either kind.
    drop(streams.pop());
    open_eventually(&server, &url(EVENTS)).await;
    drop(sockets.pop());
    open_eventually(&server, &url(SOCKET)).await;
}

#[tokio::test]
async fn incomplete_upgrade_keeps_no_stream_open() {
    let server = Server::new(None).await;
    let token = server.token("bob").await;
    let url = format!("{SOCKET}?token={token}");
    for _ in 0..40 {
        server.abort_upgrade(&url).await;
    }
    let mut sockets = Vec::new();
    for _ in 0..16 {
        sockets.push(open_eventually(&server, &url).await);
    }
}

/// Opens a stream, as soon as the server has noticed that another one was closed.
async fn open_eventually(server: &Server, url: &str) -> Box<dyn std::any::Any> {
    let begin = Instant::now();
    loop {
        let opened: Result<Box<dyn std::any::Any>, _> = match url.starts_with(EVENTS) {
            true => events(server, url, None).await.map(|it| Box::new(it) as _),
            false => socket(server, url, None).await.map(|it| Box::new(it) as _),
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
async fn ticket_opens_one_stream_on_the_listed_paths() {
    let server = Server::new(None).await;
    let token = server.token("bob").await;
    for path in [EVENTS, SOCKET] {
        let ticket = server.ticket(&token).await;
        let url = format!("{path}?token={ticket}");
        let me = server
            .get(&format!("/api/auth/me?token={ticket}"), None)
            .await;
        assert_eq!(me, StatusCode::UNAUTHORIZED);
        let header = format!("Bearer {ticket}");
        let header = server.get(EVENTS, Some(("authorization", &header))).await;
        assert_eq!(header, StatusCode::UNAUTHORIZED);
        match path {
            EVENTS => drop(events(&server, &url, None).await.unwrap()),
            _ => drop(socket(&server, &url, None).await.unwrap()),
        }
        for path in [EVENTS, SOCKET] {
            let again = format!("{path}?token={ticket}");
            assert_eq!(server.get(&again, None).await, StatusCode::UNAUTHORIZED);
        }
        let again = socket(&server, &url, None).await.unwrap_err();
        assert_eq!(again, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn ticket_is_rejected_after_thirty_seconds() {
    let server = Server::new(None).await;
    let token = server.token("bob").await;
    let ticket = server.ticket(&token).await;
    server.clock.advance(Duration::from_secs(30));
    let url = format!("{EVENTS}?token={ticket}");
    assert_eq!(
        events(&server, &url, None).await.unwrap_err(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn rejected_websocket_is_answered_before_the_upgrade() {
    let server = Server::new(None).await;
    for status in [Pending, Disabled] {
        let token = server.token("bob").await;
        server.set("bob", status).await;
        for path in [
            SOCKET.to_owned(),
            format!("{SOCKET}?token={token}"),
            format!("{SOCKET}?token=x"),
        ] {
            let rejected = socket(&server, &path, None).await.unwrap_err();
            assert_eq!(rejected, StatusCode::UNAUTHORIZED, "{path}");
        }
        server.set("bob", Approved).await;
    }
}

#[tokio::test]
async fn cross_origin_page_opens_no_websocket_with_a_cookie() {
    let server = Server::new(None).await;
    let cookie = format!("tower_warder={}", server.token("bob").await);
    let status = server.cross_origin_upgrade(&cookie).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn admin_receives_the_number_of_pending_accounts() {
    let server = Server::in_memory().await;
    let admin = server.token("ada").await;
    let url = |path| format!("{path}?token={admin}");
    let mut stream = events(&server, &url(EVENTS), None).await.unwrap();
    let mut web_socket = socket(&server, &url(SOCKET), None).await.unwrap();
    assert_eq!(stream.next().await.unwrap().0, "hello");
    assert_eq!(web_socket.next().await.unwrap()["event"], "hello");
    for count in [0, 1] {
        let message = ("pending".to_owned(), json!({"count": count}));
        assert_eq!(stream.next().await.unwrap(), message);
        let (event, data) = message;
        assert_eq!(
            web_socket.next().await.unwrap(),
            json!({"event": event, "data": data})
        );
        server.set("bob", Pending).await;
    }
}

#[tokio::test]
async fn invalidated_change_ends_streams_at_once() {
    for change in UserChange::ALL {
        let server = Server::new(Some(UserCache::new(64))).await;
        let token = server.token("bob").await;
        let url = |path| format!("{path}?token={token}");
        let mut stream = events(&server, &url(EVENTS), None).await.unwrap();
        let mut web_socket = socket(&server, &url(SOCKET), None).await.unwrap();
        assert!(stream.next().await.is_some() && web_socket.next().await.is_ok());
        change.make(&server).await;
        let begin = Instant::now();
        assert_eq!(stream.next().await, None, "{change:?}");
        assert_eq!(web_socket.next().await, Err(change.close()), "{change:?}");
        // Long before the next check.
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test(start_paused = true)]
async fn change_without_a_cache_ends_streams_at_the_next_check() {
    for change in UserChange::ALL {
        let server = Server::in_memory().await;
        let token = server.token("bob").await;
        let url = |path| format!("{path}?token={token}");
        let mut stream = events(&server, &url(EVENTS), None).await.unwrap();
        let mut web_socket = socket(&server, &url(SOCKET), None).await.unwrap();
        assert!(stream.next().await.is_some() && web_socket.next().await.is_ok());
        // The paused clock does not wait for the hash of a new password.
        time::resume();
        change.make(&server).await;
        time::pause();
        assert_eq!(stream.next().await, None, "{change:?}");
        assert_eq!(web_socket.next().await, Err(change.close()), "{change:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn expired_token_ends_streams_including_those_of_tickets() {
    for by_ticket in [false, true] {
        let server = Server::in_memory().await;
        let token = server.token("bob").await;
        let credential = match by_ticket {
            true => (server.ticket(&token).await, server.ticket(&token).await),
            false => (token.clone(), token),
        };
        let url = format!("{EVENTS}?token={}", credential.0);
        let mut stream = events(&server, &url, None).await.unwrap();
        let url = format!("{SOCKET}?token={}", credential.1);
        let mut web_socket = socket(&server, &url, None).await.unwrap();
        assert!(stream.next().await.is_some() && web_socket.next().await.is_ok());
        server.clock.advance(WEEK);
        assert_eq!(stream.next().await, None);
        assert_eq!(web_socket.next().await, Err(unauthorized()));
    }
}

#[tokio::test(start_paused = true)]
async fn outage_ends_streams_unlike_a_logout() {
    for (name, fails, reason) in [
        ("bob", "find", "Authentication is temporarily unavailable"),
        ("ada", "count", ""),
    ] {
        let server = Server::in_memory().await;
        let token = server.token(name).await;
        let url = |path| format!("{path}?token={token}");
        let mut stream = events(&server, &url(EVENTS), None).await.unwrap();
        let mut web_socket = socket(&server, &url(SOCKET), None).await.unwrap();
        assert_eq!(stream.next().await.unwrap().0, "hello");
        server.store.fails(&[fails]);
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
async fn unresponsive_client_is_disconnected() {
    let server = Server::in_memory().await;
    let url = format!("{SOCKET}?token={}", server.token("bob").await);
    let mut web_socket = socket(&server, &url, None).await.unwrap();
    assert!(web_socket.next().await.is_ok());
    let end = web_socket.send_and_read_to_end(b"");
    let within = tokio::time::timeout(Duration::from_secs(120), end).await;
    within.expect("a ping without an answer is enough");
}

#[tokio::test]
async fn header_of_a_long_frame_closes_the_websocket() {
    let server = Server::new(None).await;
    let url = format!("{SOCKET}?token={}", server.token("bob").await);
    let mut web_socket = socket(&server, &url, None).await.unwrap();
    assert!(web_socket.next().await.is_ok());
    // A binary frame of 4097 bytes, masked, of which none comes.
    let end = web_socket.send_and_read_to_end(&[0x82, 0xfe, 0x10, 0x01, 0, 0, 0, 0]);
    let within = tokio::time::timeout(Duration::from_secs(5), end).await;
    within.expect("it does not wait for the rest");
}

#[tokio::test]
async fn streams_end_at_shutdown_without_delaying_it() {
    let mut server = Server::new(None).await;
    let token = server.token("ada").await;
    let url = |path| format!("{path}?token={token}");
    let mut stream = events(&server, &url(EVENTS), None).await.unwrap();
    let mut web_socket = socket(&server, &url(SOCKET), None).await.unwrap();
    assert_eq!(stream.next().await.unwrap().0, "hello");
    assert!(web_socket.next().await.is_ok());
    server.stop().await;
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

    async fn make(self, server: &Server) {
        let (accounts, bob) = (&server.accounts, server.id("bob"));
        match self {
            Self::Disabled => server.set("bob", UserStatus::Disabled).await,
            Self::Reset => {
                let password = Password::new("another horse").unwrap();
                let reset = PasswordReset::new(password);
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

    fn close(self) -> Closed {
        match self {
            // The client may open another stream, which shows more.
            Self::Promoted => Closed(1008, "The account has another role now".to_owned()),
            _ => unauthorized(),
        }
    }
}

fn unauthorized() -> Closed {
    Closed(1008, "Could not validate credentials".to_owned())
}
