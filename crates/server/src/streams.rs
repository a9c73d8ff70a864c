//! Streams over server-sent events and WebSocket: the current account, and for admins the number of
//! pending accounts.

use std::future;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::{self, Instant, MissedTickBehavior};
use tower_warder::credentials::CredentialSource;
use tower_warder::error::AuthErrorKind;
use tower_warder::policy::Denied;
use tower_warder::{AuthError, Claims, CurrentUser, Identity};
use tower_warder_accounts::{AccountStore, Accounts, User, UserPublic};

use super::serve::{MAX_CONNECTIONS, Stop};
use super::stream_limit::{StreamLimit, TooManyStreams};

/// Routes `GET /api/events` for an `EventSource` and `GET /api/ws` for a `WebSocket`, with the same
/// messages. Both accept a token or a ticket as `?token=`. At most 16 are open for each account.
pub fn routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    Router::new()
        .route(EVENTS, get(events::<S>))
        .route(SOCKET, get(socket::<S>))
        .with_state((accounts, StreamLimit::new(MAX_STREAMS)))
}

/// Adds the query token and the WebSocket subprotocol, because browsers cannot set headers there.
#[expect(clippy::expect_used, reason = "these are paths")]
pub fn source(source: CredentialSource) -> CredentialSource {
    [EVENTS, SOCKET]
        .into_iter()
        .try_fold(source, CredentialSource::with_query_token)
        .and_then(|source| source.with_websocket_subprotocol(SOCKET))
        .expect("a path")
}

async fn events<S: AccountStore>(
    State((accounts, limit)): State<(Accounts<S>, StreamLimit)>,
    CurrentUser(user): CurrentUser<User>,
    identity: Identity<User>,
    stop: Option<Extension<Stop>>,
) -> Result<Response, TooManyStreams> {
    let permit = limit.open(user.id)?;
    let news = news(accounts, &user)
        .take_until(stopped(stop))
        .take_until(unauthorized(identity, user.is_admin));
    let events = news.map(move |(name, data)| {
        // Held until the stream is dropped.
        let _permit = &permit;
        Event::default().event(name).json_data(data)
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

async fn socket<S: AccountStore>(
    State((accounts, limit)): State<(Accounts<S>, StreamLimit)>,
    CurrentUser(user): CurrentUser<User>,
    identity: Identity<User>,
    stop: Option<Extension<Stop>>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, TooManyStreams> {
    let permit = limit.open(user.id)?;
    let upgrade = upgrade
        .protocols(["bearer"])
        // Needed besides the message size: the header of a frame alone reserves memory for the
        // whole frame.
        .max_frame_size(MAX_MESSAGE_BYTES)
        .max_message_size(MAX_MESSAGE_BYTES)
        // Allocated for each socket, even if it is idle.
        .read_buffer_size(MAX_MESSAGE_BYTES);
    Ok(upgrade.on_upgrade(async move |mut socket| {
        // Also dropped if the upgrade is not completed.
        let _permit = permit;
        let (code, reason) = tokio::select! {
            error = unauthorized(identity, user.is_admin) => {
                (closing(&error), error.detail().to_owned())
            }
            () = stopped(stop) => (close_code::AWAY, String::new()),
            ended = send_events(&mut socket, news(accounts, &user)) => match ended {
                Ended::News => (close_code::AGAIN, String::new()),
                Ended::Client => return,
            },
        };
        let frame = Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }));
        let close = async {
            let _ = socket.send(frame).await;
            // Read until the client closes: closing with unread data resets the connection and
            // loses the close frame.
            while let Some(Ok(_)) = socket.recv().await {}
        };
        // A client that ignores the close frame must not delay this.
        let _ = time::timeout(Duration::from_secs(1), close).await;
    }))
}

/// Returns the close code. An outage must not poll like a log-out.
fn closing(error: &AuthError) -> CloseCode {
    match error.kind() {
        AuthErrorKind::Unavailable => close_code::AGAIN,
        _ => close_code::POLICY,
    }
}

/// Sends messages until one side ends. Messages of the client are read and ignored.
async fn send_events(socket: &mut WebSocket, news: impl Stream<Item = News>) -> Ended {
    let mut news = std::pin::pin!(news);
    let mut ping = time::interval_at(Instant::now() + PING, PING);
    let mut is_alive = true;
    loop {
        let message = tokio::select! {
            event = news.next() => {
                let Some((name, data)) = event else { return Ended::News };
                Message::text(json!({"event": name, "data": data}).to_string())
            }
            received = socket.recv() => {
                if !matches!(received, Some(Ok(_))) {
                    return Ended::Client;
                }
                is_alive = true;
                continue;
            }
            // A lost connection is not reported, so each ping requires an answer.
            _ = ping.tick() => {
                if !mem::take(&mut is_alive) {
                    return Ended::Client;
                }
                Message::Ping(Bytes::new())
            }
        };
        if socket.send(message).await.is_err() {
            return Ended::Client;
        }
    }
}

/// Which side ended the stream.
enum Ended {
    News,
    Client,
}

/// Resolves with the reason when the stream is no longer authorized. A change of the admin role
/// ends it as well, because admins see more: the next stream has the right messages.
async fn unauthorized(identity: Identity<User>, is_admin: bool) -> AuthError {
    let same = move |user: &User, _: &Claims| match user.is_admin == is_admin {
        true => Ok(()),
        false => Err(Denied::new("The account has another role now")),
    };
    identity.until_unauthorized(same, CHECK, time::sleep).await
}

async fn stopped(stop: Option<Extension<Stop>>) {
    match stop {
        Some(Extension(stop)) => stop.await,
        None => future::pending().await,
    }
}

type News = (&'static str, Value);

fn news<S: AccountStore>(
    accounts: Accounts<S>,
    user: &Arc<User>,
) -> impl Stream<Item = News> + use<S> {
    let hello = stream::iter([("hello", json!(UserPublic::from(&**user)))]);
    match user.is_admin {
        true => hello.chain(pending(accounts)).left_stream(),
        false => hello.chain(stream::pending()).right_stream(),
    }
}

/// Yields the number of pending accounts whenever it changes. Ends when the store is unavailable.
fn pending<S: AccountStore>(accounts: Accounts<S>) -> impl Stream<Item = News> {
    let mut poll = time::interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold(
        (accounts, poll, None),
        async |(accounts, mut poll, sent)| {
            loop {
                poll.tick().await;
                let count = accounts.count_pending().await.ok()?;
                if sent != Some(count) {
                    let news = ("pending", json!({"count": count}));
                    return Some((news, (accounts, poll, Some(count))));
                }
            }
        },
    )
}

/// Half of the connections, so that others remain. A WebSocket needs a file descriptor of its own.
const MAX_STREAMS: usize = MAX_CONNECTIONS / 2;

pub(crate) const EVENTS: &str = "/api/events";
pub(crate) const SOCKET: &str = "/api/ws";

/// Interval of the authorization check, and of the query for pending accounts.
const CHECK: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_secs(2);

/// Interval in which a client must respond to a ping. Browsers do so automatically.
const PING: Duration = Duration::from_secs(30);

/// Messages of clients are ignored.
const MAX_MESSAGE_BYTES: usize = 4096;
