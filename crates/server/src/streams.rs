//! Streams: who is logged in, and for admins how many accounts wait for approval, told as it
//! changes.

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

/// `GET /api/events` for an `EventSource`, `GET /api/ws` for a `WebSocket`: the same news as events
/// and as JSON. Both take a token or a ticket as `?token=`. An account has 16 open at most.
pub fn routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    Router::new()
        .route(EVENTS, get(events::<S>))
        .route(SOCKET, get(socket::<S>))
        .with_state((accounts, StreamLimit::new(MAX_STREAMS)))
}

/// Where browsers send what they cannot put into a header.
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
        .take_until(shut_out(identity, user.is_admin));
    let events = news.map(move |(name, data)| {
        // Goes with the stream.
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
        // As well: a frame's head alone takes the memory of the whole frame.
        .max_frame_size(MAX_MESSAGE)
        .max_message_size(MAX_MESSAGE)
        // Taken for each socket, whatever is said.
        .read_buffer_size(MAX_MESSAGE);
    Ok(upgrade.on_upgrade(async move |mut socket| {
        // Also dropped where the upgrade is not completed.
        let _permit = permit;
        let (code, reason) = tokio::select! {
            error = shut_out(identity, user.is_admin) => {
                (closing(&error), error.detail().to_owned())
            }
            () = stopped(stop) => (close_code::AWAY, String::new()),
            ended = tell(&mut socket, news(accounts, &user)) => match ended {
                Ended::News => (close_code::AGAIN, String::new()),
                Ended::Client => return,
            },
        };
        let frame = Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }));
        let last_words = async {
            let _ = socket.send(frame).await;
            // Until the client closes, too: what is left unread breaks off what is on its way.
            while let Some(Ok(_)) = socket.recv().await {}
        };
        // Not for ever: who is shut out need not listen.
        let _ = time::timeout(Duration::from_secs(1), last_words).await;
    }))
}

/// An outage is no reason to log in again.
fn closing(error: &AuthError) -> CloseCode {
    match error.kind() {
        AuthErrorKind::Unavailable => close_code::AGAIN,
        _ => close_code::POLICY,
    }
}

/// Sends until either side has had enough. What the client says is read, and answered by nothing.
async fn tell(socket: &mut WebSocket, news: impl Stream<Item = News>) -> Ended {
    let mut news = std::pin::pin!(news);
    let mut beat = time::interval_at(Instant::now() + BEAT, BEAT);
    let mut is_there = true;
    loop {
        let message = tokio::select! {
            told = news.next() => {
                let Some((name, data)) = told else { return Ended::News };
                Message::text(json!({"event": name, "data": data}).to_string())
            }
            said = socket.recv() => {
                if !matches!(said, Some(Ok(_))) {
                    return Ended::Client;
                }
                is_there = true;
                continue;
            }
            // Who lost the connection does not say so: each ping asks for an answer.
            _ = beat.tick() => {
                if !mem::take(&mut is_there) {
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

/// Who has had enough.
enum Ended {
    News,
    Client,
}

/// Why who opened the stream may see it no longer. An admin sees more than others, so a change of
/// that ends it as well: the next one shows what is right then.
async fn shut_out(identity: Identity<User>, is_admin: bool) -> AuthError {
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

/// How many accounts wait for approval, whenever that is another number. Over when the store
/// cannot answer.
fn pending<S: AccountStore>(accounts: Accounts<S>) -> impl Stream<Item = News> {
    let mut look = time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold(
        (accounts, look, None),
        async |(accounts, mut look, told)| {
            loop {
                look.tick().await;
                let count = accounts.count_pending().await.ok()?;
                if told != Some(count) {
                    let news = ("pending", json!({"count": count}));
                    return Some((news, (accounts, look, Some(count))));
                }
            }
        },
    )
}

/// Half of the connections, so that others are left. A WebSocket takes a file beside theirs.
const MAX_STREAMS: usize = MAX_CONNECTIONS / 2;

const EVENTS: &str = "/api/events";
const SOCKET: &str = "/api/ws";

/// How often it is checked whether somebody may stay, and how often for news.
const CHECK: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_secs(2);

/// How often a client has to show that it is still there. Browsers do so by themselves.
const BEAT: Duration = Duration::from_secs(30);

/// Bytes. Nothing that is said is needed.
const MAX_MESSAGE: usize = 4096;
