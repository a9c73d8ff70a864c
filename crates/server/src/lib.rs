//! Login server: registration, log-in, approval, sessions and pages, over SQLite or PostgreSQL.
//!
//! Run with `cargo run`. No setup is needed: without any variable it creates a database and a
//! secret in the working directory and prints its address. Then open <http://127.0.0.1:8000/> in a
//! browser: the first account is the admin, as long as only this machine can reach the server. Or:
//!
//! ```text
//! api=http://127.0.0.1:8000/api/auth
//! json='content-type: application/json'
//! curl -i $api/register -H "$json" -d '{"email": "ada@example.com", "password": "correct horse"}'
//! curl -i $api/login -d username=ada@example.com -d 'password=correct horse'
//! TOKEN=…    # the `access_token` of that answer
//! curl -i $api/me -H "Authorization: Bearer $TOKEN"
//! curl -i $api/cookie/login -c jar -d username=ada@example.com -d 'password=correct horse'
//! curl -i $api/me -b jar
//! curl -X POST $api/stream-ticket -b jar
//! TICKET=…    # the `ticket` of that answer, good for 30 seconds and once
//! curl -N "http://127.0.0.1:8000/api/events?token=$TICKET"
//! ```
//!
//! With `SESSIONS=on` access tokens live for 15 minutes, and each log-in opens a session:
//!
//! ```text
//! curl -i $api/login -d username=ada@example.com -d 'password=correct horse'
//! TOKEN=…  REFRESH=…    # the `access_token` and the `refresh_token` of that answer
//! curl -i $api/refresh -H "$json" -d "{\"refresh_token\": \"$REFRESH\"}"    # keep the new one
//! curl -i $api/sessions -H "Authorization: Bearer $TOKEN"
//! curl -i -X DELETE $api/sessions/… -H "Authorization: Bearer $TOKEN"
//! curl -i $api/password -H "Authorization: Bearer $TOKEN" -H "$json" \
//!     -d '{"current_password": "correct horse", "new_password": "battery staple"}'
//! curl -i $api/logout -H "$json" -d "{\"refresh_token\": \"$REFRESH\"}"
//! curl -i -X POST $api/logout-all -H "Authorization: Bearer $TOKEN"
//! ```
//!
//! <http://127.0.0.1:8000/api/docs> describes the routes, and can call them. `/healthz` and
//! `/readyz` are for service managers and load balancers.
//!
//! Several instances can share one PostgreSQL: the first one creates the tables. Connections to
//! PostgreSQL do not use TLS.
//!
//! To be reached from other machines the server needs `PUBLIC_ORIGIN`, whatever address it listens
//! at: without it only `localhost`, `127.0.0.0/8` and `[::1]` are served, with the cookie
//! `tower_warder`, which is sent without TLS. With an `https` origin the cookie is
//! `__Host-tower_warder`, which browsers send over TLS only. Requests to other hosts are answered
//! with 421, except `/healthz` and `/readyz`.
//!
//! | variable | meaning |
//! |---|---|
//! | `BIND_ADDR`, or `HOST` and `PORT` | address to listen at; defaults to `127.0.0.1:8000` |
//! | `PUBLIC_ORIGIN` | public origin of the server, such as `https://login.example.com`: determines the cookie, the hosts that are served, and the origin whose pages may use the cookie; `http` only for a loopback host. By default the loopback hosts are served |
//! | `BOOTSTRAP` | which account becomes the first admin: `first-user`, the first account; `secret`, the account that registers with the secret that is logged at startup as long as there is no admin; `nobody`. Defaults to `first-user` if only this machine can reach the server, by `BIND_ADDR` and `PUBLIC_ORIGIN`, else to `secret` |
//! | `DATABASE_URL` | `sqlite://PATH`, `sqlite::memory:` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; defaults to `sqlite://tower-warder.sqlite` |
//! | `DATABASE_CONNECTIONS` | maximum number of connections to PostgreSQL; defaults to 10 |
//! | `JWT_SECRET` | the secret that signs tokens; defaults to one generated beside the SQLite file, and is required with PostgreSQL |
//! | `JWT_KEYS` | instead of `JWT_SECRET` a directory of keys, read again at SIGHUP: `NAME.secret`, and with `--features aws-lc-rs` also `NAME.pem` and `NAME.pub.pem`; the file `signing` contains the name of the key that signs. `docs/running.md` describes rotation |
//! | `JWT_LIFETIME` | lifetime of tokens, such as `15m`; defaults to 7 days |
//! | `PASSWORD_CHECK` | `off`: checks only the length of new passwords; by default common passwords and the account's own address are rejected |
//! | `SESSIONS` | `on`: refresh tokens and sessions; `JWT_LIFETIME` is then the lifetime of cookies |
//! | `USER_CACHE_TTL` | how long accounts are kept in memory, such as `5s`; by default every request queries the database |
//! | `INVALIDATION_URL` | channel that tells nodes about each other's changes, for `USER_CACHE_TTL`: `redis://HOST` or `postgres://…`; defaults to `DATABASE_URL` if that is PostgreSQL |
//! | `SHUTDOWN_DELAY` | how long it keeps serving after a signal, such as `3s`, while `/readyz` is already 503; defaults to 0 seconds |
//! | `METRICS_ADDR` | address of `GET /metrics` for Prometheus, such as `127.0.0.1:9000`; off by default. Needs `--features metrics` |
//! | `CONNECTIONS_PER_ADDRESS` | maximum number of connections of one address, except loopback; defaults to 128. Behind a proxy on another machine, set it to what the proxy opens |
//! | `AUTH_THROTTLE` | reserved; only `off` |
//! | `RUST_LOG` | what to log; defaults to `info` |

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "a program: only its own tests look inside")]

use std::error::Error;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::{Extension, Router};
use futures_util::FutureExt;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tower_http::trace::TraceLayer;
use tower_warder::cache::UserCache;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::{AuthLayer, JwtVerifier};
use tower_warder_accounts::{
    self as accounts, AccountStore, Accounts, CommonPasswords, Sessions, User,
};

// Each module imports only from those above it.
pub mod database;
pub mod store;
pub mod origin;
pub mod bootstrap;
pub mod channel;
pub mod keys;
mod metrics;
pub mod serve;
mod config;
pub mod health;
pub mod stream_limit;
pub mod streams;
mod pages;
mod api_page;

use self::bootstrap::FirstAdmin;
use self::channel::Channel;
use self::config::Config;
use self::keys::HangUps;
use self::metrics::Metrics;

/// Runs the server until it is stopped.
pub async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(config::log_filter()?)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let hang_ups = HangUps::listen()?;
    let config = Config::from_env()?;

    // Bind before opening the store: a start that fails here creates no files.
    let address = config.bind_addr;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address}; choose another BIND_ADDR: {error}")
    })?;
    let metrics = match config.metrics_addr {
        Some(address) => Some(Metrics::listen(address).await?),
        None => None,
    };
    let place = config.database.to_string();
    let store = store::open(config.database).await.map_err(|error| {
        format!("DATABASE_URL: {place} cannot be opened; choose another or fix it: {error}")
    })?;
    let keys = config.keys.read()?;
    tracing::info!(database = %place, keys = %config.keys, "accounts opened");

    let mut issuer = keys.issuer();
    if let Some(lifetime) = config.token_lifetime {
        issuer = issuer.lifetime(lifetime);
    }
    let first_admin = FirstAdmin::new(config.bootstrap, || config.keys.bytes());
    let first_admin = first_admin.map_err(|error| format!("BOOTSTRAP: {error}"))?;
    let mut accounts = Accounts::new(store.clone(), issuer).bootstrap(first_admin.policy()?);
    if config.password_check {
        accounts = accounts.password_policy(CommonPasswords);
    }
    if config.sessions {
        accounts = accounts.sessions(Sessions::new(store.clone()));
    }
    let cache = config.user_cache_ttl.map(|ttl| {
        let channel = config.channel.as_ref().map(Channel::to_string);
        tracing::info!(?ttl, channel, "accounts are kept in memory");
        user_cache(ttl, config.channel)
    });
    let cookie = origin::cookie(config.public_origin.as_ref())?;
    let app = app(accounts, keys.verifier(), cookie, cache);

    let url = match &config.public_origin {
        Some(origin) => origin.to_string(),
        None if address.ip().is_loopback() => format!("http://{}", listener.local_addr()?),
        None => {
            tracing::warn!(
                "only localhost is served, whatever the address to listen at; \
                 set PUBLIC_ORIGIN to be reached from elsewhere"
            );
            format!("http://localhost:{}", listener.local_addr()?.port())
        }
    };
    let announced = first_admin.announce(store.clone(), &url).await;
    let awaits_secret =
        announced.map_err(|error| format!("DATABASE_URL: {place} does not answer: {error}"))?;

    // From here on a signal stops gracefully instead of killing the process.
    let published = keys.routes();
    let signal: serve::Stop = stop_signal(hang_ups.reload(keys))?.boxed().shared();
    // Meanwhile the load balancer stops sending requests: those in transit when the listener closes
    // are lost.
    let delay = config.shutdown_delay.unwrap_or_default();
    let stop = signal.clone().then(move |()| tokio::time::sleep(delay));
    let stop: serve::Stop = stop.boxed().shared();
    let app = app
        .layer(Extension(stop.clone()))
        .layer(Extension(awaits_secret));
    let ask = {
        let store = store.clone();
        move || {
            let store = store.clone();
            async move { store.ping().await }.boxed()
        }
    };
    // Outside of the layers: health checks come every second and need no authentication and no
    // span.
    let health = health::routes(ask, signal);
    let app = origin::guarded(app.merge(published), health, config.public_origin);
    println!("listening on http://{}", listener.local_addr()?);
    if let Some(metrics) = metrics {
        metrics.serve()?;
    }
    let serve = serve::serve(listener, app, config.connections_per_address, stop.clone());
    tokio::select! {
        () = serve => {}
        // Time that running requests have to finish.
        () = stop.then(|()| tokio::time::sleep(GRACE)) => {}
    }
    store.close().await;
    Ok(())
}

pub fn app<S: AccountStore>(
    mut accounts: Accounts<S>,
    verifier: JwtVerifier,
    cookie: AuthCookie,
    cache: Option<UserCache<User>>,
) -> Router {
    let mut auth = AuthLayer::new(verifier, accounts.clone())
        .credentials(streams::source(
            CredentialSource::header().with_cookie(cookie.clone()),
        ))
        .stream_tickets(StreamTickets::new(10_000))
        .timeout(Duration::from_secs(5));
    if let Some(cache) = cache {
        accounts = accounts.user_cache(cache.clone());
        auth = auth.user_cache(cache);
    }
    // The path without the query, which may contain a token: logs have more readers than requests.
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| {
            tracing::info_span!("request", method = %request.method(), path = request.uri().path())
        })
        // Otherwise each 503 is a line at ERROR, at the rate of the requests. Causes are logged
        // where they occur; the status of each response is logged at DEBUG.
        .on_failure(());
    let has_sessions = accounts.has_sessions();
    let mut routes = accounts::routes(accounts.clone())
        .merge(accounts::cookie_routes(accounts.clone(), cookie.clone()))
        .merge(accounts::ticket_routes());
    if has_sessions {
        routes = routes.merge(accounts::session_routes(accounts.clone()));
    }
    Router::new()
        .nest("/api/auth", routes)
        .merge(pages::routes())
        .merge(api_page::routes(&cookie, has_sessions))
        .merge(streams::routes(accounts))
        .fallback(StatusCode::NOT_FOUND)
        .layer(auth)
        .layer(trace)
}

/// Creates the cache of accounts, with the time to live and the invalidation channel.
pub fn user_cache(ttl: Duration, channel: Option<Channel>) -> UserCache<User> {
    let cache = UserCache::new(10_000).ttl(ttl);
    let Some(channel) = channel else {
        return cache;
    };
    let cache = match channel.publisher() {
        Some(publish) => cache.on_invalidate(publish),
        None => cache,
    };
    tokio::spawn(cache.subscribe(channel.listen()));
    cache
}

/// Resolves at SIGINT, SIGTERM, or when the terminal closes. Listens from the call on.
#[cfg(unix)]
fn stop_signal(terminal: impl Future<Output = ()>) -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = terminal => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal(_: impl Future<Output = ()>) -> io::Result<impl Future<Output = ()>> {
    Ok(tokio::signal::ctrl_c().map(drop))
}

const GRACE: Duration = Duration::from_secs(5);
